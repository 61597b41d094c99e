"""Kernel distance between two sets of features (KID; Bińkowski et al., ICLR 2018, arXiv 1801.01401, §4)."""

from torch import Tensor


def kernel_distance(first: Tensor, second: Tensor) -> float:
    """Return the unbiased squared MMD of feature matrices n × d and m × d under k(a, b) = (a·b / d + 1)³, in float64.

    0 on average for sets of one distribution, so single values may be negative. All images enter at once; there are
    no subsets. Needs n, m ≥ 2.
    """
    first, second = first.double(), second.double()
    return (_within(first) + _within(second) - 2 * _kernel(first, second).mean()).item()


def _kernel(a: Tensor, b: Tensor) -> Tensor:
    return (a @ b.T / a.shape[1] + 1) ** 3


def _within(features: Tensor) -> Tensor:
    """Return the mean of the kernel over pairs of different images."""
    values = _kernel(features, features)
    count = len(features)
    return (values.sum() - values.diagonal().sum()) / (count * (count - 1))
