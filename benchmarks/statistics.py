"""Means over seeds: their intervals, and what stands in for them where runs are odd or missing. Needs no torch."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri, stdtrit

ROUNDING = 1e-12  # sums of the same numbers in another order differ by less, relative to the numbers


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A mean over ``count`` seeds with the half-width of its interval, ``None`` for a single seed."""

    mean: float
    half: float | None
    count: int

    def decimals(self, digits: int | None) -> int:
        """Return so many decimals, or for ``None`` those of three significant digits of the mean, four at most."""
        if digits is not None:
            return digits
        return min(4, max(0, 2 - math.floor(math.log10(abs(self.mean))))) if self.mean else 2

    def written(self, digits: int | None, *, sign: bool = False) -> str:
        """Return "mean ± half" with so many decimals (``None``: three significant digits, four decimals at most)."""
        digits = self.decimals(digits)
        mean = f"{self.mean:{'+' if sign else ''}z.{digits}f}"  # z: no negative zero
        return mean if self.half is None else f"{mean} ± {self.half:.{digits}f}"


def estimate(values: Sequence[float], level: float = 0.95) -> Estimate | None:
    """Return mean and interval by Student's t over independent seeds: t((1 + level) / 2, n − 1) · s / √n."""
    count = len(values)
    if not count:
        return None
    mean = math.fsum(values) / count
    if count == 1:
        return Estimate(mean=mean, half=None, count=1)
    off = np.asarray(values) - mean
    spread = math.sqrt(math.fsum((off * off).tolist()) / (count - 1))
    half = float(stdtrit(count - 1, (1 + level) / 2)) * spread / math.sqrt(count)
    return Estimate(mean=mean, half=half, count=count)


def bca_interval(
    values: Sequence[float], *, level: float = 0.95, draws: int = 10_000, seed: int = 0
) -> tuple[float, float] | None:
    """Return the bias-corrected accelerated bootstrap interval of the mean; ``None`` under three values.

    Efron 1987 (doi 10.1080/01621459.1987.10478410): the ends are the quantiles Φ(z₀ + (z₀ + z) / (1 − a (z₀ + z)))
    of ``draws`` resampled means, z the normal quantiles of (1 ∓ level) / 2. The order of the values does not matter.
    Under about 20 values it is too short: of six from a normal distribution it holds the mean 86 times in 100.
    """
    if len(values) < 3:
        return None
    sample = np.sort(np.asarray(values, dtype=float))
    if sample[0] == sample[-1]:
        return float(sample[0]), float(sample[0])
    mean = sample.mean()
    off = sample - mean
    drawn = _shares(len(sample), draws, seed) @ off
    base = _bias(drawn, ROUNDING * np.abs(sample).max())
    ends = base + ndtri([(1 - level) / 2, (1 + level) / 2])
    low, high = mean + np.quantile(drawn, ndtr(base + ends / (1 - _acceleration(off) * ends)))
    return float(low), float(high)


@lru_cache(maxsize=1)
def _shares(count: int, draws: int, seed: int) -> NDArray[np.float64]:
    """Return the share of every value in every resample, draws × count; all rows of a table with as many seeds use it."""
    random, shares = np.random.default_rng(seed), np.empty((draws, count))
    for part in np.array_split(shares, math.ceil(draws * count / 100_000)):  # views; a part fits the cache
        picks = random.integers(count, size=part.shape)
        picks += count * np.arange(len(part))[:, None]
        np.divide(np.bincount(picks.ravel(), minlength=part.size).reshape(part.shape), count, out=part)
    return shares


def _bias(drawn: np.ndarray, tie: float) -> float:
    """Return z₀, the normal quantile of the share of resampled means below the mean, here 0; ties count half."""
    return float(ndtri((np.mean(drawn < -tie) + np.mean(drawn <= tie)) / 2))


def _acceleration(off: np.ndarray) -> float:
    """Return a = Σ u³ / (6 (Σ u²)^1.5) with the jackknife's influences u, for the mean the deviations from it."""
    unit = off / np.abs(off).max()  # neither power may underflow
    return float((unit**3).sum() / (6 * (unit**2).sum() ** 1.5))


def interquartile_mean(values: Sequence[float]) -> float:
    """Return the mean without the lowest and highest ⌊n / 4⌋ values, as rliable takes it (arXiv 2108.13264)."""
    cut = len(values) // 4
    return float(np.mean(sorted(values)[cut : len(values) - cut]))


def worst_case(values: Sequence[float], planned: int, worst: float) -> float:
    """Return the mean over ``planned`` runs if each of those without a value had scored ``worst``."""
    assert planned >= len(values)
    return (math.fsum(values) + (planned - len(values)) * worst) / planned
