"""Intervals over seeds."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.special import stdtrit


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A mean over ``count`` seeds with the half-width of its 95 % interval, ``None`` for a single seed."""

    mean: float
    half: float | None
    count: int

    def written(self, digits: int | None, *, sign: bool = False) -> str:
        """Return "mean ± half" with so many decimals (``None``: three significant digits, four decimals at most)."""
        if digits is None:
            digits = min(4, max(0, 2 - math.floor(math.log10(abs(self.mean))))) if self.mean else 2
        mean = f"{self.mean:{'+' if sign else ''}z.{digits}f}"  # z: no negative zero
        return mean if self.half is None else f"{mean} ± {self.half:.{digits}f}"


def estimate(values: Sequence[float]) -> Estimate | None:
    """Return mean and 95 % interval by Student's t over independent seeds: t(0.975, n − 1) · s / √n."""
    count = len(values)
    if not count:
        return None
    mean = math.fsum(values) / count
    if count == 1:
        return Estimate(mean=mean, half=None, count=1)
    spread = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (count - 1))
    half = float(stdtrit(count - 1, 0.975)) * spread / math.sqrt(count)
    return Estimate(mean=mean, half=half, count=count)
