"""How well a number tells two groups apart, by ranks."""

from math import nan

import torch
from torch import Tensor


def area_under_roc(positives: Tensor, negatives: Tensor) -> float:
    """Return the share of pairs in which the positive number (of N) is the higher one than the negative (of M).

    Equal numbers count half: the Mann–Whitney U over N · M. 0.5 is chance, 1 is a perfect order; NaN if a number is NaN.
    """
    numbers = torch.cat([positives, negatives]).double()
    if numbers.isnan().any():
        return nan
    _, places, counts = numbers.unique(return_inverse=True, return_counts=True)
    middle = counts.cumsum(0) - (counts - 1) / 2  # equal numbers share the middle of their ranks, from 1 on
    n, m = len(positives), len(negatives)
    return (middle[places[:n]].sum().item() - n * (n + 1) / 2) / (n * m)
