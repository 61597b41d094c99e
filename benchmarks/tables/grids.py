"""The numbers of a table → grids of cells as they are shown. Needs no torch."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from benchmarks.records.record import RunRecord
from benchmarks.statistics.estimates import Estimate, estimate
from benchmarks.tables.summary import (
    BUDGET,
    COMPONENT,
    COSTS,
    QUARTILES,
    Summary,
    by_seed,
    differences,
)

Columns = Mapping[str, Sequence[Any]]
"""What a table tells machines: columns of equal length by their names."""


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Cells as they are shown.

    ``bold`` holds the (row, column) of settings that differ from the baseline's, and of scores that stand apart.
    """

    heading: str
    columns: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]
    bold: frozenset[tuple[int, int]] = frozenset()

    def without_blank_columns(self) -> "Grid":
        """Return a grid without bold cells that lacks the columns in which nothing stands."""
        kept = [place for place in range(len(self.columns)) if any(cells[place] for cells in self.cells)]
        return Grid(
            heading=self.heading,
            columns=tuple(self.columns[place] for place in kept),
            cells=tuple(tuple(cells[place] for place in kept) for cells in self.cells),
        )


def score_grid(summary: Summary) -> Grid:
    """Return the settings that vary, the scores with differences to the baseline, and what the difference costs."""
    scores = [name for name in summary.scores if summary.score(name).grid == "scores"]
    names = []
    for name in scores:
        names += [name, f"Δ {name}"] if name in summary.compared and summary.baseline else [name]
    rows = summary.study.rows
    names += [
        f"Δ {cost}" for cost in COMPONENT if any(summary.numbers.get((row, f"Δ {cost}")) for row in rows)
    ]
    cells, bold = [], set()
    base = summary.settings[summary.baseline] if summary.baseline else {}
    for line, row in enumerate(rows):
        mine = summary.settings.get(row, {})
        settings = [_setting(mine, path) for path in summary.columns]
        done = f"{summary.done[row]}/{len(summary.study.seeds)}"
        cells.append((row, *settings, *(summary.shown(name, row) for name in names), done))
        bold |= {
            (line, place)
            for place, path in enumerate(summary.columns, 1)
            if base and path in mine and mine[path] != base.get(path)
        }
    bold |= _winners(summary, names, 1 + len(summary.columns))
    heads = ("method", *summary.columns, *map(summary.title, names), "runs")
    return Grid(heading="Scores", columns=heads, cells=tuple(cells), bold=frozenset(bold))


def _winners(summary: Summary, names: Sequence[str], start: int) -> set[tuple[int, int]]:
    """Return the cells of the rows that stand apart, of columns ``names`` from the place ``start`` on."""
    best = {place: summary.winner(name) for place, name in enumerate(names, start)}
    return {(summary.study.rows.index(row), place) for place, row in best.items() if row}


def difference_grid(summary: Summary) -> Grid | None:
    """Return the statistics of every paired difference to the baseline, score by score; ``None`` where there is none."""
    found = differences(summary)
    if not found:
        return None
    cells = []
    for one in found:
        digits = one.mean.decimals(summary.score(one.score).digits)
        span = "" if one.bootstrap is None else " … ".join(f"{edge:+z.{digits}f}" for edge in one.bootstrap)
        cells.append(
            (
                one.row,
                summary.score(one.score).short,
                one.mean.written(digits, sign=True),
                span,
                f"{one.middle:+z.{digits}f}",
                str(one.mean.count),
                f"{one.improvement:.2f}",
                "" if one.p is None else f"{one.p:.3f}",
            )
        )
    heads = ("method", "score", "Δ mean", "95 % BCa", "Δ IQM", "pairs", "P(better)", "p (Holm)")
    heading = f"Differences to {summary.baseline}, paired by seed"
    return Grid(heading=heading, columns=heads, cells=tuple(cells)).without_blank_columns()


def realism_grid(summary: Summary, records: Sequence[RunRecord]) -> Grid | None:
    """Return how close adapted images are to real ones; "± images" is the half-width over images, mean over seeds."""
    names = _realism(summary)
    if len(names) == 1:
        return None
    halves = _halves(records)
    heads = ["method"]
    for name in names:
        heads += [summary.score(name).short, *(["± images"] if _has(halves, name) else [])]
    cells = []
    for row in summary.study.rows:
        line = [row]
        for name in names:
            line.append(summary.shown(name, row))
            if _has(halves, name):
                half, number = halves.get((row, name)), summary.numbers.get((row, name))
                places = number.decimals(summary.score(name).digits) if number else 0
                line.append("" if half is None else f"{half:.{places}f}")
        cells.append(tuple(line))
    heading = "Realism ({extractor}, n={images})".format(**summary.protocol)
    return Grid(heading=heading, columns=tuple(heads), cells=tuple(cells))


def _realism(summary: Summary) -> list[str]:
    return ["fid", *(name for name in summary.scores if summary.score(name).grid == "realism")]


def _halves(records: Iterable[RunRecord]) -> dict[tuple[str, str], float]:
    """Return the mean half-width of the intervals over images by (row, score)."""
    found: dict[tuple[str, str], list[float]] = {}
    for record in records:
        for name, (low, high) in record.intervals.items():
            found.setdefault((record.spec["row"], name), []).append((high - low) / 2)
    return {key: sum(halves) / len(halves) for key, halves in found.items()}


def _has(halves: Mapping[tuple[str, str], float], name: str) -> bool:
    return any(score == name for _, score in halves)


def image_grid(summary: Summary) -> Grid | None:
    """Return what the adapters do to images and how their images differ."""
    names = [name for name in summary.scores if summary.score(name).grid == "images"]
    if not names:
        return None
    cells = [(row, *(summary.shown(name, row) for name in names)) for row in summary.study.rows]
    return Grid(heading="Images", columns=("method", *map(summary.title, names)), cells=tuple(cells))


def floor_grid(summary: Summary, records: Sequence[RunRecord]) -> Grid | None:
    """Return what differs where nothing does: halves of the real test images, and the baseline's seeds in two halves."""
    floors = [record.floor for record in records if record.floor]
    names = _realism(summary)
    names += [name for name in summary.compared if name != "fid"]
    cells = []
    if floors:
        about = f"real test images against other real ones, n={floors[0]['images']:.0f}"
        cells.append((about, *(_plain(summary, floors[0].get(name), name) for name in names)))
    seeds = summary.study.seeds
    if summary.baseline and len(seeds) >= 4:
        first, second = seeds[: len(seeds) // 2], seeds[len(seeds) // 2 :]
        about = f"{summary.baseline}, seeds {seeds_said(first)} less seeds {seeds_said(second)}"
        gaps = [_between(summary, name, first, second) for name in names]
        if any(gap is not None for gap in gaps):
            shown = (_plain(summary, gap, name, sign=True) for gap, name in zip(gaps, names, strict=True))
            cells.append((about, *shown))
    if not cells:
        return None
    heads = ("what", *(summary.score(name).short for name in names))
    return Grid(heading="Noise floor", columns=heads, cells=tuple(cells)).without_blank_columns()


def _between(summary: Summary, name: str, first: Sequence[int], second: Sequence[int]) -> float | None:
    """Return the baseline's mean over the first seeds less that over the second."""
    values = by_seed(summary.runs, name, summary.baseline or "")
    one, two = (estimate([values[seed] for seed in seeds if seed in values]) for seeds in (first, second))
    return one.mean - two.mean if one and two else None


def _plain(summary: Summary, value: float | None, name: str, *, sign: bool = False) -> str:
    number = None if value is None else estimate([value])
    return number.written(summary.score(name).digits, sign=sign) if number else ""


def cost_grid(summary: Summary, records: Sequence[RunRecord]) -> Grid:
    """Return means over seeds; a step's time is the median over windows, with the quartiles in brackets."""
    rows = summary.study.rows
    names = [name for name in COSTS if _tells(name, [summary.numbers[row, name] for row in rows])]
    cells = []
    for row in rows:
        plain = {}
        for name, (_, digits) in COSTS.items():
            number = summary.numbers[row, name]
            plain[name] = f"{number.mean:.{digits}f}" if number else ""
        if plain["step_ms"]:
            plain["step_ms"] += f" [{plain['step_q1']}, {plain['step_q3']}]"
        cells.append((row, *(plain[name] for name in names if name not in QUARTILES)))
    heads = (COSTS[name][0] for name in names if name not in QUARTILES)
    return Grid(heading=f"Costs{records[0].crowd}", columns=("method", *heads), cells=tuple(cells))


def _tells(name: str, numbers: Sequence[Estimate | None]) -> bool:
    """Say whether a cost is worth a column: some row has it, and of the budget's that rows differ in it."""
    means = {number.mean for number in numbers if number}
    return len(means) > (name in BUDGET)


def _setting(settings: Mapping[str, Any], path: str) -> str:
    if path not in settings:
        return ""
    value = settings[path]
    return "–" if value is None else str(value)


def seeds_said(seeds: Iterable[int]) -> str:
    """Return seeds in few words, three and more in a row by their ends: "0–4, 7"."""
    parts: list[str] = []
    for _, group in groupby(enumerate(seeds), key=lambda one: one[1] - one[0]):
        row = [str(seed) for _, seed in group]
        parts += row if len(row) < 3 else [f"{row[0]}–{row[-1]}"]
    return ", ".join(parts)
