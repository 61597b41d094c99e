"""Kernel distance between two sets of features (KID; Bińkowski et al., ICLR 2018, arXiv 1801.01401, §4)."""

import torch
from torch import Tensor

RESAMPLES = 400


def kernel_distance(first: Tensor, second: Tensor) -> float:
    """Return the unbiased squared MMD of feature matrices n × d and m × d under k(a, b) = (a·b / d + 1)³, in float64.

    The mean is 0 for two sets of one distribution, so values may be negative. All images count at once, without subsets.
    Needs n, m ≥ 2.
    """
    first, second = first.double(), second.double()
    return (_within(first) + _within(second) - 2 * _kernel(first, second).mean()).item()


def kernel_interval(
    first: Tensor, second: Tensor, seed: int = 0, draws: int = RESAMPLES
) -> tuple[float, float]:
    """Return the 95 % percentile interval of :func:`kernel_distance` over images, by the bootstrap of both sets.

    Resampled images are weights, so the three kernel matrices are computed once. Pairs of an image with itself are left out,
    as in the estimate.
    """
    first, second = first.double(), second.double()
    random = torch.Generator().manual_seed(seed)
    shares = [_resampled(draws, len(one), random).to(one.device) for one in (first, second)]
    values = -2 * (shares[0] @ _kernel(first, second) * shares[1]).sum(1)
    for one, share in zip((first, second), shares, strict=True):
        pairs = (share @ _kernel(one, one).fill_diagonal_(0) * share).sum(1)
        values += pairs / (1 - share.square().sum(1))
    low, high = values.quantile(
        torch.tensor([0.025, 0.975], dtype=torch.float64, device=values.device)
    ).tolist()
    return low, high


def _resampled(draws: int, count: int, random: torch.Generator) -> Tensor:
    """Return the share of each of ``count`` images among ``count`` images drawn with replacement: draws × count."""
    drawn = torch.randint(count, (draws, count), generator=random)
    return torch.zeros(draws, count, dtype=torch.float64).scatter_add_(
        1, drawn, torch.full((draws, count), 1 / count, dtype=torch.float64)
    )


def _kernel(a: Tensor, b: Tensor) -> Tensor:
    return (a @ b.T / a.shape[1] + 1) ** 3


def _within(features: Tensor) -> Tensor:
    """Return the mean of the kernel over pairs of different images."""
    values = _kernel(features, features)
    count = len(features)
    return (values.sum() - values.diagonal().sum()) / (count * (count - 1))
