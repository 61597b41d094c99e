"""Sliced distance between two sets of features (MIND; Berthet et al., 2026, arXiv 2605.06797)."""

import torch
from torch import Tensor

DIRECTIONS = 1000


def sliced_distance(first: Tensor, second: Tensor, seed: int = 0, directions: int = DIRECTIONS) -> float:
    """Return 3 d times the mean squared 2-Wasserstein distance of projections of features, n × d and m × d, in float64.

    Along a direction, the squared distance is the mean squared difference of sorted values. The larger set is sampled down to
    the size of the smaller one. 0 for equal sets; the bias at small n is far below that of FID. Needs n, m ≥ 1.
    """
    random = torch.Generator().manual_seed(seed)
    count, width = min(len(first), len(second)), first.shape[1]
    ways = torch.randn(width, directions, generator=random, dtype=torch.float64)
    ways = (ways / ways.norm(dim=0)).to(first.device)
    one, two = (_sampled(features, count, random) @ ways for features in (first.double(), second.double()))
    return 3 * width * (one.sort(0).values - two.sort(0).values).square().mean().item()


def _sampled(features: Tensor, count: int, random: torch.Generator) -> Tensor:
    if len(features) == count:
        return features
    return features[torch.randperm(len(features), generator=random)[:count].to(features.device)]
