"""The numbers of a table → its grids of written cells. Needs no torch."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from benchmarks.records.record import RunRecord
from benchmarks.statistics.estimates import Estimate, estimate
from benchmarks.tables.cells import Grid
from benchmarks.tables.comparable import shared_machine
from benchmarks.tables.summary import (
    BUDGET,
    COMPONENT,
    COSTS,
    QUARTILES,
    Summary,
    by_seed,
    differences_to_baseline,
)

DAGGER = "†"


def score_grid(summary: Summary) -> Grid:
    """Return the settings that vary, the scores and their differences to the baseline, and the differences in cost."""
    rows = summary.study.rows
    done = [f"{summary.done[row]}/{summary.planned[row]}" for row in rows]
    component = [name for name in COMPONENT if any(summary.differences.get((row, name)) for row in rows)]
    columns = [
        Column("method", rows),
        *(_setting_column(path, summary) for path in summary.columns),
        *_score_columns(summary),
        *(_difference_column(name, summary) for name in component),
        Column("runs", done),
    ]
    return Grid(
        heading="Scores",
        columns=tuple(column.title for column in columns),
        cells=tuple(zip(*(column.cells for column in columns), strict=True)),
        bold=frozenset((line, place) for place, column in enumerate(columns) for line in column.bold),
    )


class Column(NamedTuple):
    """A column of a grid: its title, a cell for each row, and the numbers of its bold lines."""

    title: str
    cells: Sequence[str]
    bold: Collection[int] = ()


def _setting_column(path: str, summary: Summary) -> Column:
    """Return the values of a setting; values other than the baseline's are bold."""
    base = summary.settings[summary.baseline] if summary.baseline else {}
    settings = [summary.settings.get(row, {}) for row in summary.study.rows]
    values = [mine.get(path, "") for mine in settings]
    bold = [
        line for line, mine in enumerate(settings) if base and path in mine and mine[path] != base.get(path)
    ]
    return Column(path, ["–" if value is None else str(value) for value in values], bold)


def _score_columns(summary: Summary) -> Iterator[Column]:
    """Yield the scores of the main grid, the winner in bold, each compared score with its difference to the baseline.

    Headline scores of a method's own task model, which is another than the common one, have a dagger.
    """
    rows = summary.study.rows
    for name in [name for name in summary.scores if summary.score(name).grid == "scores"]:
        best = summary.winner(name)
        title = summary.title(name)
        if any(_dagger(name, row, summary) for row in rows):
            title = f"{title} ({DAGGER}: own model's)"
        cells = [summary.shown(name, row) + _dagger(name, row, summary) for row in rows]
        yield Column(title, cells, [] if best is None else [rows.index(best)])
        if name in summary.compared and summary.baseline:
            yield _difference_column(name, summary)


def _dagger(name: str, row: str, summary: Summary) -> str:
    """Return " †" for the headline score of a row whose task model is not the common one, else ""."""
    own = name == summary.known.headline.name and row in summary.own_models
    return f" {DAGGER}" if own else ""


def _difference_column(name: str, summary: Summary) -> Column:
    cells = [
        shown + (_dagger(name, row, summary) if shown else "")
        for row in summary.study.rows
        for shown in [summary.difference_shown(name, row)]
    ]
    return Column(summary.difference_title(name), cells)


def difference_grid(summary: Summary) -> Grid | None:
    """Return the statistics of all paired differences to the baseline, score by score; ``None`` without differences."""
    found = differences_to_baseline(summary)
    if not found:
        return None
    cells = []
    for difference in found:
        score, mean = summary.score(difference.score), difference.mean
        digits = mean.decimals(score.digits)
        span = " … ".join(f"{edge:+z.{digits}f}" for edge in difference.bootstrap or ())
        cells.append(
            (
                difference.row,
                score.short + _dagger(difference.score, difference.row, summary),
                mean.written(digits, sign=True),
                span,
                f"{difference.middle:+z.{digits}f}",
                str(mean.count),
                "" if mean.count < 2 else f"{difference.improvement:.2f}",
                "" if difference.p is None else f"{difference.p:.3f}",
            )
        )
    heads = ("method", "score", "Δ mean", "95 % BCa", "Δ IQM", "pairs", "P(better), unpaired", "p (Holm)")
    heading = f"Differences to {summary.baseline}, paired by seed"
    return Grid(heading=heading, columns=heads, cells=tuple(cells)).without_blank_columns()


def realism_grid(summary: Summary, records: Sequence[RunRecord]) -> Grid | None:
    """Return the scores of realism; ``None`` if no run has a score besides FID.

    A column "± images" holds the half-width over images, averaged over seeds.
    """
    names = _realism_scores(summary)
    if names == ["fid"]:
        return None
    halves = _halves(records)
    resampled = {name for _, name in halves}
    heads = ["method"]
    for name in names:
        heads += [summary.score(name).short, *(["± images"] if name in resampled else [])]
    cells = []
    for row in summary.study.rows:
        line = [row]
        for name in names:
            line.append(summary.shown(name, row))
            if name in resampled:
                half, number = halves.get((row, name)), summary.means.get((row, name))
                places = number.decimals(summary.score(name).digits) if number else 0
                line.append("" if half is None else f"{half:.{places}f}")
        cells.append(tuple(line))
    heading = "Realism ({extractor}, n={images})".format(**summary.protocol)
    return Grid(heading=heading, columns=tuple(heads), cells=tuple(cells))


def _realism_scores(summary: Summary) -> list[str]:
    return ["fid", *(name for name in summary.scores if summary.score(name).grid == "realism")]


def _halves(records: Iterable[RunRecord]) -> dict[tuple[str, str], float]:
    """Return the half-width of intervals over images, averaged over runs, by row and score."""
    found: dict[tuple[str, str], list[float]] = {}
    for record in records:
        for name, (low, high) in record.intervals.items():
            found.setdefault((record.row, name), []).append((high - low) / 2)
    return {key: sum(halves) / len(halves) for key, halves in found.items()}


def image_grid(summary: Summary) -> Grid | None:
    """Return the scores of change and diversity of adapted images; ``None`` if no run has such a score."""
    names = [name for name in summary.scores if summary.score(name).grid == "images"]
    if not names:
        return None
    cells = [(row, *(summary.shown(name, row) for name in names)) for row in summary.study.rows]
    return Grid(heading="Images", columns=("method", *map(summary.title, names)), cells=tuple(cells))


def floor_grid(summary: Summary, records: Sequence[RunRecord]) -> Grid | None:
    """Return the differences that chance alone makes: between real test images, and between halves of the baseline's seeds.

    ``None`` if no record has scores of real images and the baseline has too few seeds.
    """
    names = [*_realism_scores(summary), *(name for name in summary.compared if name != "fid")]
    lines = [_image_floor(summary, records, names), _seed_floor(summary, names)]
    cells = tuple(line for line in lines if line)
    if not cells:
        return None
    heads = ("what", *(summary.score(name).short for name in names))
    return Grid(heading="Noise floor", columns=heads, cells=cells).without_blank_columns()


def _image_floor(
    summary: Summary, records: Sequence[RunRecord], names: Sequence[str]
) -> tuple[str, ...] | None:
    """Return the line of real test images scored against other real ones, ``None`` if no record has such scores."""
    floor = next((record.floor for record in records if record.floor), None)
    if floor is None:
        return None
    about = (
        f"real test images against other real ones, n={floor['images']:.0f}, "
        f"not {summary.protocol['images']} as above"
    )
    return (about, *(_cell(summary, name, floor.get(name)) for name in names))


def _seed_floor(summary: Summary, names: Sequence[str]) -> tuple[str, ...] | None:
    """Return the line of the baseline's first half of seeds less its second, ``None`` for fewer than four seeds."""
    seeds = summary.study.seeds
    if not summary.baseline or len(seeds) < 4:
        return None
    first, second = seeds[: len(seeds) // 2], seeds[len(seeds) // 2 :]
    gaps = {name: _between(summary, name, first, second) for name in names}
    if all(gap is None for gap in gaps.values()):
        return None
    about = f"{summary.baseline}, seeds {seeds_said(first)} less seeds {seeds_said(second)}"
    return (about, *(_cell(summary, name, gap, sign=True) for name, gap in gaps.items()))


def _between(summary: Summary, name: str, first: Sequence[int], second: Sequence[int]) -> float | None:
    """Return the baseline's mean over the first seeds less its mean over the second, ``None`` if either has no run."""
    values = by_seed(summary.runs, name, summary.baseline or "")
    one, two = (estimate([values[seed] for seed in seeds if seed in values]) for seeds in (first, second))
    return one.mean - two.mean if one and two else None


def _cell(summary: Summary, name: str, value: float | None, *, sign: bool = False) -> str:
    """Return the cell of a single value of a score, blank for ``None``."""
    number = None if value is None else estimate([value])
    return number.written(summary.score(name).digits, sign=sign) if number else ""


def cost_grid(summary: Summary, records: Sequence[RunRecord]) -> Grid:
    """Return the costs, averaged over seeds; a step's time is the median over windows, with the quartiles in brackets."""
    rows = summary.study.rows
    names = [name for name in COSTS if _has_column(name, [summary.means[row, name] for row in rows])]
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


def _has_column(name: str, numbers: Sequence[Estimate | None]) -> bool:
    """Say whether a cost has a column: some row has the cost, and a cost of the budget differs between rows."""
    means = {number.mean for number in numbers if number}
    return len(means) >= (2 if name in BUDGET else 1)


def seeds_said(seeds: Iterable[int]) -> str:
    """Return seeds in short form, three or more successive seeds as a range: "0–4, 7"."""
    parts: list[str] = []
    for _, group in groupby(enumerate(seeds), key=lambda one: one[1] - one[0]):
        row = [str(seed) for _, seed in group]
        parts += row if len(row) < 3 else [f"{row[0]}–{row[-1]}"]
    return ", ".join(parts)
