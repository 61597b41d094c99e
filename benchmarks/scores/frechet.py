"""Fréchet distance between two sets of features (FID; Heusel et al., NeurIPS 2017, arXiv 1706.08500, eq. 6)."""

import torch
from torch import Tensor

from benchmarks.statistics.estimates import students

MAX_GROUPS = 20


def frechet_distance(first: Tensor, second: Tensor) -> float:
    """Return |μ₁ − μ₂|² + tr Σ₁ + tr Σ₂ − 2 tr (Σ₁Σ₂)^½ of two feature matrices, n × d and m × d, in float64.

    0 for equal sets; biased upwards for small n, so only values with the same n compare. Needs n, m ≥ 2.
    """
    first, second = first.double(), second.double()
    mean = first.mean(0) - second.mean(0)
    one = (first - first.mean(0)) / (len(first) - 1) ** 0.5
    two = (second - second.mean(0)) / (len(second) - 1) ** 0.5
    distance = mean.square().sum() + one.square().sum() + two.square().sum() - 2 * _trace_of_root(one, two)
    return max(distance.item(), 0.0)


def frechet_limit(first: Tensor, second: Tensor, seed: int = 0, sizes: int = 15) -> float:
    """Return FID∞: the distance extrapolated to infinitely many images (Chong and Forsyth, CVPR 2020, arXiv 1911.07023).

    FID∞ is the value at 1/n = 0 of a line in 1/n through the distances of ``sizes`` random subsets of both sets, from a tenth
    of n (at least 2) to n. It removes the bias that grows with 1/n, and adds variance. Needs n, m ≥ 3.
    """
    random = torch.Generator().manual_seed(seed)
    count = min(len(first), len(second))
    counts = torch.linspace(count / 10, count, sizes).round().int().clamp(min=2).tolist()
    distances = [
        frechet_distance(
            *(one[torch.randperm(len(one), generator=random)[:count]] for one in (first, second))
        )
        for count in counts
    ]
    inverse = 1 / torch.tensor(counts, dtype=torch.float64)
    line = torch.linalg.lstsq(
        torch.stack([inverse, torch.ones_like(inverse)], 1),
        torch.tensor(distances, dtype=torch.float64)[:, None],
    ).solution
    return max(line[1].item(), 0.0)


def frechet_interval(first: Tensor, second: Tensor, seed: int = 0) -> tuple[float, float]:
    """Return a 95 % interval of :func:`frechet_distance` over images, at this n: the distance ± t · s, from 0 on.

    s² is the variance of the grouped jackknife (Shao and Tu 1995, ch. 2): each of ``MAX_GROUPS`` random groups of images is
    left out of both sets in turn. A bootstrap does not work here: images drawn twice add to the bias. Near the floor, real
    against real, the interval is up to 1.5 times too wide. Needs n, m ≥ 3.
    """
    random = torch.Generator().manual_seed(seed)
    shuffled = [one[torch.randperm(len(one), generator=random).to(one.device)] for one in (first, second)]
    groups = min(MAX_GROUPS, len(first), len(second))
    without = torch.tensor(
        [frechet_distance(*(_without(one, group, groups) for one in shuffled)) for group in range(groups)],
        dtype=torch.float64,
    )
    spread = ((groups - 1) * without.var(correction=0)).sqrt().item()
    middle, half = frechet_distance(first, second), students(0.95, groups - 1) * spread
    return max(middle - half, 0.0), middle + half


def _without(features: Tensor, group: int, groups: int) -> Tensor:
    """Return the features without those of one group."""
    place = torch.arange(len(features), device=features.device)
    return features[place % groups != group]


def _trace_of_root(one: Tensor, two: Tensor) -> Tensor:
    """Return tr (Σ₁Σ₂)^½ where Σ = XᵀX for centred, scaled X.

    The eigenvalues of Σ₁Σ₂ are the squared singular values of X₁X₂ᵀ, which is small if there are fewer images than features.
    They are also the eigenvalues of the symmetric Σ₁^½ Σ₂ Σ₁^½, which is small otherwise.
    """
    if min(len(one), len(two)) < one.shape[1]:
        return torch.linalg.matrix_norm(one @ two.T, "nuc")
    values, vectors = torch.linalg.eigh(one.T @ one)
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    return torch.linalg.eigvalsh(root @ (two.T @ two) @ root).clamp(min=0).sqrt().sum()
