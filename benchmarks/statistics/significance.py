"""Whether two sets of runs differ: chance of improvement, permutation p-values, and their correction for many tests."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from benchmarks.statistics.estimates import ROUNDING

MIN_DIFFERENCES = 6  # of five differences, even the most extreme signs have p = 2 / 2⁵ > 0.05
MAX_EXACT = 16  # differences; p is exact up to here, over all 2ⁿ vectors of signs
RANDOM_FLIPS = 20_000  # p of 0.05 to within 0.003, 95 times in 100
GROUP = 11  # signs that are drawn as one number; a group's sums under all of its signs fit the fastest cache


def probability_of_improvement(mine: Sequence[float], theirs: Sequence[float]) -> float:
    """Return the share of pairs in which a run of ``mine`` is lower than a run of ``theirs``; ties count half.

    This is rliable's probability of improvement (arXiv 2108.13264) for one task: the Mann-Whitney U over the number of pairs.
    """
    ordered = np.sort(theirs)
    lower, not_higher = (np.searchsorted(ordered, mine, side) for side in ("left", "right"))
    return float(1 - np.mean(lower + not_higher) / (2 * len(ordered)))


def sign_flip_p(differences: Sequence[float], *, seed: int = 0) -> float | None:
    """Return the two-sided p-value of the mean of paired differences, by flipping their signs.

    p is the share of sign vectors whose mean is at least as far from 0: exact up to ``MAX_EXACT`` differences, beyond from
    ``RANDOM_FLIPS`` random vectors and the observed one. ``None`` under ``MIN_DIFFERENCES`` differences, where p cannot go below 0.05.
    """
    count = len(differences)
    if count < MIN_DIFFERENCES:
        return None
    sizes = np.sort(np.abs(differences))  # p depends neither on signs nor on order
    observed = abs(np.sum(differences)) - ROUNDING * sizes.sum()
    if count <= MAX_EXACT:
        return float(np.mean(np.abs(_signs(count) @ sizes) >= observed))
    return float((1 + np.sum(np.abs(_random_sums(sizes, seed)) >= observed)) / (1 + RANDOM_FLIPS))


def _signs(count: int) -> NDArray[np.int64]:
    """Return all vectors of n = ``count`` signs, 2ⁿ × n."""
    return 1 - 2 * (np.arange(2**count)[:, None] >> np.arange(count) & 1)


def _random_sums(sizes: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """Return the sums under ``RANDOM_FLIPS`` random vectors of signs."""
    groups = np.append(sizes, np.zeros(-len(sizes) % GROUP)).reshape(-1, GROUP)
    sums = np.zeros(RANDOM_FLIPS)
    for of_group, drawn in zip(groups @ _signs(GROUP).T, _draws(len(groups), seed), strict=True):
        sums += of_group[drawn]
    return sums


@lru_cache(maxsize=1)
def _draws(groups: int, seed: int) -> NDArray[np.uint16]:
    """Return random vectors of signs, groups × ``RANDOM_FLIPS``; a number holds the signs of a group."""
    return np.random.default_rng(seed).integers(2**GROUP, size=(groups, RANDOM_FLIPS), dtype=np.uint16)


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Return p-values adjusted for their number, step by step from the smallest (Holm 1979); ``None`` is no p-value."""
    known = sorted((p, place) for place, p in enumerate(p_values) if p is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    reached = 0.0
    for rank, (p, place) in enumerate(known):
        reached = max(reached, min(1.0, (len(known) - rank) * p))
        adjusted[place] = reached
    return adjusted
