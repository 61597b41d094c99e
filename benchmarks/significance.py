"""Whether two sets of runs differ: chance of improvement, permutation p-values, correction for many of them."""

from collections.abc import Sequence

import numpy as np

from benchmarks.statistics import ROUNDING

FEWEST = 6  # of five differences, even the most extreme signs have p = 2 / 2⁵ > 0.05
EXACT = 16  # up to here all 2ⁿ signs are gone through
FLIPS = 100_000


def probability_of_improvement(mine: Sequence[float], theirs: Sequence[float]) -> float:
    """Return the chance that a run of ``mine`` is lower than one of ``theirs``, over all pairs, ties half.

    That of rliable (arXiv 2108.13264) for one task: the Mann-Whitney U over the number of pairs.
    """
    one, two = np.asarray(mine)[:, None], np.asarray(theirs)[None]
    return float(np.mean((one < two) + (one == two) / 2))


def sign_flip_p(differences: Sequence[float], *, seed: int = 0) -> float | None:
    """Return the two-sided p-value of the mean of paired differences, by flipping their signs.

    The share of sign vectors whose mean is at least as far from 0: exact up to ``EXACT`` differences, beyond from
    ``FLIPS`` random vectors and the observed one. ``None`` under ``FEWEST`` differences, where p cannot go below 0.05.
    """
    count = len(differences)
    if count < FEWEST:
        return None
    sizes = np.sort(np.abs(differences))  # the signs are flipped anyway, and no order is left to matter
    least = abs(np.sum(differences)) - ROUNDING * sizes.sum()
    if count <= EXACT:
        flipped = np.arange(2**count)[:, None] >> np.arange(count) & 1
        return float(np.mean(np.abs((1 - 2 * flipped) @ sizes) >= least))
    flipped = np.random.default_rng(seed).integers(2, size=(FLIPS, count))
    return float((1 + np.sum(np.abs((1 - 2 * flipped) @ sizes) >= least)) / (1 + FLIPS))


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Return p-values adjusted for their number, step by step from the smallest (Holm 1979); ``None`` does not count."""
    known = sorted((p, place) for place, p in enumerate(p_values) if p is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    reached = 0.0
    for rank, (p, place) in enumerate(known):
        reached = max(reached, min(1.0, (len(known) - rank) * p))
        adjusted[place] = reached
    return adjusted
