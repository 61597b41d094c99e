"""The numbers of a table → grids of cells as they are shown. Needs no torch."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from benchmarks.records.record import RunRecord
from benchmarks.statistics.estimates import Estimate, estimate
from benchmarks.tables.cells import Grid
from benchmarks.tables.summary import (
    BUDGET,
    COMPONENT,
    COSTS,
    QUARTILES,
    Summary,
    by_seed,
    differences_to_baseline,
    shared_machine,
)


def score_grid(summary: Summary) -> Grid:
    """Return the settings that vary, the scores with differences to the baseline, and what the difference costs."""
    rows = summary.study.rows
    done = [f"{summary.done[row]}/{len(summary.study.seeds)}" for row in rows]
    columns = [
        Column("method", rows),
        *(_setting_column(path, summary) for path in summary.columns),
        *_score_columns(summary),
        *(_difference_column(name, summary) for name in COMPONENT if _any_difference(name, summary)),
        Column("runs", done),
    ]
    return Grid(
        heading="Scores",
        columns=tuple(column.title for column in columns),
        cells=tuple(zip(*(column.cells for column in columns), strict=True)),
        bold=frozenset((line, place) for place, column in enumerate(columns) for line in column.bold),
    )


class Column(NamedTuple):
    """A column of a grid: its title, a cell for each row, and which lines are bold."""

    title: str
    cells: Sequence[str]
    bold: Collection[int] = ()


def _setting_column(path: str, summary: Summary) -> Column:
    """Return the values of a setting, in bold where they are other than the baseline's."""
    base = summary.settings[summary.baseline] if summary.baseline else {}
    settings = [summary.settings.get(row, {}) for row in summary.study.rows]
    other = [
        line for line, mine in enumerate(settings) if base and path in mine and mine[path] != base.get(path)
    ]
    return Column(path, [_setting(mine, path) for mine in settings], other)


def _score_columns(summary: Summary) -> Iterator[Column]:
    """Yield every score of the main grid, the row that stands apart in bold, with its difference to the baseline."""
    rows = summary.study.rows
    for name in [name for name in summary.scores if summary.score(name).grid == "scores"]:
        best = summary.winner(name)
        cells = [summary.shown(name, row) for row in rows]
        yield Column(summary.title(name), cells, [] if best is None else [rows.index(best)])
        if name in summary.compared and summary.baseline:
            yield _difference_column(name, summary)


def _difference_column(name: str, summary: Summary) -> Column:
    cells = [summary.difference_shown(name, row) for row in summary.study.rows]
    return Column(summary.difference_title(name), cells)


def _any_difference(name: str, summary: Summary) -> bool:
    return any(summary.differences.get((row, name)) for row in summary.study.rows)


def difference_grid(summary: Summary) -> Grid | None:
    """Return the statistics of every paired difference to the baseline, score by score; ``None`` where there is none."""
    found = differences_to_baseline(summary)
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
                half, number = halves.get((row, name)), summary.means.get((row, name))
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
    names = [name for name in COSTS if _tells(name, [summary.means[row, name] for row in rows])]
    cells = []
    for row in rows:
        plain = {}
        for name, (_, digits) in COSTS.items():
            number = summary.means[row, name]
            plain[name] = f"{number.mean:.{digits}f}" if number else ""
        if plain["step_ms"]:
            plain["step_ms"] += f" [{plain['step_q1']}, {plain['step_q3']}]"
        cells.append((row, *(plain[name] for name in names if name not in QUARTILES)))
    heads = (COSTS[name][0] for name in names if name not in QUARTILES)
    return Grid(heading=f"Costs{shared_machine(records[0])}", columns=("method", *heads), cells=tuple(cells))


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
