"""Scatter plots of runs: the target's headline score against training time, and against FID."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from scipy.stats import spearmanr

from benchmarks.figures.marks import (
    LINE_INCHES,
    RowStyle,
    breadth,
    canvas,
    fit,
    legend,
    mean,
    row_styles,
    tidy,
    titled,
)
from benchmarks.records.record import OK, RunRecord
from benchmarks.statistics.estimates import Estimate, estimate
from benchmarks.studies.study import Study
from benchmarks.tables.comparable import shared_machine
from benchmarks.tables.summary import (
    Runs,
    Values,
    bounds_in,
    by_seed,
    finished,
    known_scores,
    summarise,
)

Points = Mapping[str, tuple[Sequence[float], Sequence[float]]]
"""The x and y values of a row's runs, by row."""
Means = Mapping[str, tuple[Estimate, Estimate]]
"""The means of a row's x and y values, by row."""


def pareto_figure(study: Study, records: Sequence[RunRecord]) -> Figure | None:
    """Return the target error against the seconds that a row's training takes, pretraining included.

    Every step counts as long as the median step, so pauses of the machine do not count. A band marks the Pareto front of
    the rows' means. Dashed lines mark the bounds. ``None`` if no timed run has an error.
    """
    runs, known = finished(records), known_scores(records)
    headline = known.headline.name
    points, means = _points({row: (_time(runs, row), by_seed(runs, headline, row)) for row in study.rows})
    if not points:
        return None
    errors = {row: estimate([*by_seed(runs, headline, row).values()]) for row in _bounds(study, records)}
    bounds = {row: number.mean for row, number in errors.items() if number}
    figure, axes, marked = _canvas(study, points)
    fit(axes, "x", _all(points, 0), [time for time, _ in means.values()])
    fit(axes, "y", [*_all(points, 1), *bounds.values()], [error for _, error in means.values()])
    for row, height in bounds.items():
        axes.axhline(height, color="0.4", linestyle="--", linewidth=1, zorder=1.5)
        axes.text(1.01, height, row, transform=axes.get_yaxis_transform(), va="center", fontsize="small")
    _draw(axes, points, means, marked, whiskers=True)
    first = next(record for record in records if record.status == OK)
    titled(axes, "x", f"training seconds on {first.host.get('device', 'one device')}{shared_machine(first)}")
    titled(axes, "y", known.scores[headline].title)
    legend(figure, marked, lines=False, more=[_joined(axes, front(means))])
    return figure


def _time(runs: Runs, row: str) -> Values:
    """Return the training seconds of a row's runs, by seed; runs without timed steps are left out."""
    steps, before = by_seed(runs, "steps", row), by_seed(runs, "pretraining", row)
    times = by_seed(runs, "step_ms", row)
    return {seed: steps[seed] * ms / 1000 + before.get(seed, 0) for seed, ms in times.items()}


def _joined(axes: Axes, best: Sequence[tuple[float, float]]) -> Line2D:
    """Draw the Pareto front: the least error reached within each training time."""
    x, y = zip(*best, strict=True)
    band: dict[str, Any] = {"color": "0.8", "linewidth": 5, "zorder": 1, "label": "Pareto front"}
    (line,) = axes.plot([*x, axes.get_xlim()[1]], [*y, y[-1]], drawstyle="steps-post", **band)
    return line


def front(means: Means) -> list[tuple[float, float]]:
    """Return the Pareto front of the means: points without a point that is lower in both coordinates, sorted by x."""
    best: list[tuple[float, float]] = []
    for x, y in sorted((x.mean, y.mean) for x, y in means.values()):
        if not best or y < best[-1][1]:
            best.append((x, y))
    return best


def fid_error_figure(study: Study, records: Sequence[RunRecord]) -> Figure | None:
    """Return the target error against FID, titled with Spearman's rank correlation over the runs that trained.

    ``None`` if no run that trained has both scores.
    """
    summary, runs = summarise(study, records), finished(records)
    headline = summary.known.headline.name
    points, means = _points(
        {row: (by_seed(runs, "fid", row), by_seed(runs, headline, row)) for row in study.rows}
    )
    trained = {row: mine for row, mine in points.items() if row not in _bounds(study, records)}
    if not trained:
        return None
    figure, axes, marked = _canvas(study, points)
    fit(axes, "x", _all(points, 0))
    fit(axes, "y", _all(points, 1))
    _draw(axes, points, means, marked, whiskers=False)
    axes.set_title(_correlation(_all(trained, 0), _all(trained, 1)), fontsize="medium")
    titled(axes, "x", summary.title("fid"))
    titled(axes, "y", summary.title(headline))
    legend(figure, marked, lines=False)
    return figure


def _correlation(x: Sequence[float], y: Sequence[float]) -> str:
    """Return a title with Spearman's ρ, or without it if all values of ``x`` or of ``y`` are equal."""
    runs = f"{len(x)} run{'s' * (len(x) > 1)} that trained"
    if len(set(x)) < 2 or len(set(y)) < 2:
        return runs
    return f"Spearman's ρ = {spearmanr(x, y).statistic:z.2f} over {runs}"


def _bounds(study: Study, records: Sequence[RunRecord]) -> list[str]:
    """Return the rows of a study that are bounds, in the study's order."""
    found = bounds_in(records)
    return [row for row in study.rows if row in found]


def _points(numbers: Mapping[str, tuple[Values, Values]]) -> tuple[Points, Means]:
    """Return the values of each row's runs that have both x and y, and the means of these values."""
    points, means = {}, {}
    for row, (x, y) in numbers.items():
        seeds = [seed for seed in x if seed in y]
        mine = [x[seed] for seed in seeds], [y[seed] for seed in seeds]
        if (a := estimate(mine[0])) and (b := estimate(mine[1])):
            points[row], means[row] = mine, (a, b)
    return points, means


def _all(points: Points, side: int) -> list[float]:
    """Return all x values (``side`` 0) or all y values (``side`` 1)."""
    return [value for mine in points.values() for value in mine[side]]


def _canvas(study: Study, rows: Mapping[str, object]) -> tuple[Figure, Axes, dict[str, RowStyle]]:
    """Return a figure, its axes, and the styles of the rows that are drawn."""
    marked = {row: style for row, style in row_styles(study.rows).items() if row in rows}
    figure = canvas(6.2 + breadth(list(marked)), max(4.2, LINE_INCHES * (len(marked) + 3)))
    axes = figure.subplots()
    tidy(axes, "both")
    return figure, axes, marked


def _draw(
    axes: Axes,
    points: Points,
    means: Means,
    marked: Mapping[str, RowStyle],
    *,
    whiskers: bool,
) -> None:
    """Draw a pale dot for each run, and a marker at each row's means, ``whiskers`` for their intervals."""
    for row, (mine_x, mine_y) in points.items():
        style = marked[row]
        axes.scatter(mine_x, mine_y, s=14, color=style.colour, alpha=0.5, linewidths=0)
        x, y = means[row]
        marks = {"color": style.colour, "marker": style.marker, "markerfacecolor": style.face, "capsize": 2}
        if whiskers:
            mean(axes, x, y, linestyle="none", elinewidth=0.9, **marks)
        else:
            mean(axes, x.mean, y.mean, **marks)
