"""Two folders of records: what changed beyond noise from before (A) to after (B). Needs no torch.

The mean difference, paired by seed, is judged by Student's t at the level 1 − ``FAMILY_ERROR`` / m for m judged cells
(Bonferroni): if nothing has changed, the chance of any other verdict stays below ``FAMILY_ERROR``. Cells that are equal
bit for bit need no judgement and are not among the m.
"""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.records.record import RunRecord
from benchmarks.records.store import read_all
from benchmarks.statistics.estimates import Estimate, estimate
from benchmarks.tables.changes import STEP, Cell, Verdict, cells, row_of
from mistakes import UserMistake

FAMILY_ERROR = 0.05
# A smaller ratio of step times is noise: clocks and other processes change times by that much.
MIN_TIME_RATIO = 1.05
MIN_SCORE_CHANGE = 1e-5  # a smaller relative change is noise: other kernels alone change FID and KID by 1e-6
REGRESSIONS = (Verdict.LOST, Verdict.WORSE, Verdict.SLOWER)
COLUMNS = ("method", "pair, scale, extractor, device", "score", "A", "B", "B − A", "verdict", "seeds")


@dataclass(frozen=True, kw_only=True)
class JudgedCell:
    """A cell with its verdict; ``gap`` is the mean of the cell's gaps with its interval, ``None`` without gaps."""

    cell: Cell
    gap: Estimate | None
    verdict: Verdict

    @property
    def change(self) -> tuple[float | None, float | None, float | None]:
        """The mean difference B − A, or the ratio B / A of step times, and the ends of its interval."""
        if self.gap is None:
            return None, None, None
        mean, half = self.gap.mean, self.gap.half
        low, high = (None, None) if half is None else (mean - half, mean + half)
        return (_ratio(mean), _ratio(low), _ratio(high)) if self.cell.score == STEP else (mean, low, high)

    @property
    def order(self) -> tuple[float | str, ...]:
        """The key to sort by: the verdict, then the relative change for the worse."""
        cell, worse = self.cell, 0.0
        if cell.before and cell.after and (before := _mean(cell.before)):
            worse = cell.worse * ((_mean(cell.after) or 0.0) - before) / abs(before)
        return list(Verdict).index(self.verdict), -worse, *cell.row, cell.score

    def plain(self) -> dict[str, Any]:
        """Return the line as plain data; before and after are means over ``seeds``."""
        cell = self.cell
        numbers = (_mean(cell.before), _mean(cell.after), *self.change, cell.seeds)
        names = ("before", "after", "change", "low", "high", "seeds")
        named = dict(zip(names, numbers, strict=True))
        return {**cell.row._asdict(), "score": cell.score, **named, "verdict": self.verdict}

    def shown(self) -> tuple[str, ...]:
        """Return the cells below ``COLUMNS``."""
        cell = self.cell
        means = ("" if mean is None else _written(mean) for mean in (_mean(cell.before), _mean(cell.after)))
        place = " ".join(cell.row[1:])
        return cell.row.row, place, cell.title, *means, self._change(), self.verdict, str(cell.seeds or "")

    def _change(self) -> str:
        if self.gap is None:
            return ""
        if self.cell.score != STEP:
            return self.gap.written(None, sign=True)
        ratio, low, high = self.change
        return f"× {ratio:.3g}" + (f" ({low:.3g} … {high:.3g})" if self.gap.half is not None else "")


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The verdicts on every row, worst first; intervals of this ``level`` decided ``judged`` of them."""

    lines: tuple[JudgedCell, ...]
    judged: int
    level: float

    @property
    def regressed(self) -> bool:
        """Say whether anything is worse or slower, or runs were lost."""
        return any(line.verdict in REGRESSIONS for line in self.lines)

    @property
    def summary(self) -> str:
        """The number of cells by verdict, in one line."""
        counts = Counter(line.verdict for line in self.lines)
        said = ", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict if verdict in counts)
        return f"{said}; {self.judged} judged at {self.level:.3%} each, {1 - FAMILY_ERROR:.0%} together"

    def changes(self) -> list[tuple[str, ...]]:
        """Return the lines of all cells that are not the same."""
        return [line.shown() for line in self.lines if line.verdict != Verdict.SAME]

    def plain(self) -> dict[str, Any]:
        """Return everything as plain data."""
        head = {"summary": self.summary, "regressed": self.regressed}
        rows = [line.plain() for line in self.lines]
        return {**head, "judged": self.judged, "level": self.level, "rows": rows}


def compare_folders(before: Path, after: Path) -> Comparison:
    """Compare the records of two folders; raises :class:`UserMistake` if a folder has no record, or if they share no row."""
    one, two = read_all(before, curves=False), read_all(after, curves=False)
    for folder, found in ((before, one), (after, two)):
        if not found:
            raise UserMistake(
                f"folder {str(folder)!r} has no record of any run; allowed: a folder that `bench.py --results` wrote to."
            )
    if not set(map(row_of, one)) & set(map(row_of, two)):
        raise UserMistake(
            f"folders {str(before)!r} and {str(after)!r} have no row in common; "
            "allowed: two that hold the same method on the same pair, scale, extractor and kind of device."
        )
    return compare_records(one, two)


def compare_records(before: Iterable[RunRecord], after: Iterable[RunRecord]) -> Comparison:
    """Return the verdicts on every row that either side has."""
    found = list(cells(before, after))
    judged = sum(cell.judged for cell in found)
    level = 1 - FAMILY_ERROR / max(judged, 1)
    lines = sorted((_judged(cell, level) for cell in found), key=lambda line: line.order)
    return Comparison(lines=tuple(lines), judged=judged, level=level)


def _judged(cell: Cell, level: float) -> JudgedCell:
    """Return the cell with its verdict, by an interval of this level."""
    gap = estimate(cell.gaps, level)
    return JudgedCell(cell=cell, gap=gap, verdict=_verdict(cell, gap))


def _verdict(cell: Cell, gap: Estimate | None) -> Verdict:
    if cell.fixed or gap is None:
        return cell.fixed or Verdict.NO_SEED
    if cell.before == cell.after:
        return Verdict.SAME
    if gap.half is None:
        return Verdict.ONE_SEED
    timed = cell.score == STEP
    minimum = (
        math.log(MIN_TIME_RATIO) if timed else MIN_SCORE_CHANGE * abs(math.fsum(cell.before)) / gap.count
    )
    if abs(gap.mean) <= max(gap.half, minimum):
        return Verdict.NOISE
    if gap.mean * cell.worse > 0:
        return Verdict.SLOWER if timed else Verdict.WORSE
    return Verdict.FASTER if timed else Verdict.BETTER


def _ratio(log: float | None) -> float | None:
    """Return B / A from its logarithm, limited to what floats hold: an interval of two seeds may exceed that."""
    return None if log is None else math.exp(min(log, 700.0))


def _mean(values: tuple[float, ...]) -> float | None:
    return math.fsum(values) / len(values) if values else None


def _written(mean: float) -> str:
    return Estimate(mean=mean, half=None, count=1).written(None)
