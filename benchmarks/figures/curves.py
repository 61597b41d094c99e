"""The losses and the target's headline score of rows over their training steps."""

from collections.abc import Mapping, Sequence
from itertools import chain
from statistics import fmean

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.figures.marks import (
    LINE_INCHES,
    RowStyle,
    breadth,
    canvas,
    fit,
    legend,
    row_styles,
    tidy,
    titled,
)
from benchmarks.records.record import OK, RunRecord
from benchmarks.statistics.estimates import Estimate, estimate
from benchmarks.studies.study import Study
from benchmarks.tables.summary import known_scores

PANELS = 6
POINTS = 15  # neighbouring readings of a longer curve are averaged
ORACLE = "oracle view: by test labels,\nnot used for choosing"

Readings = Sequence[Mapping[str, float]]
"""Named values of one run at successive steps; the step is one of them."""
Curve = list[tuple[float, Estimate]]
"""Steps with means over seeds."""
Panels = dict[str, dict[str, Curve]]
"""Curves by the panel's title and by row."""


def curve_figure(study: Study, records: Sequence[RunRecord]) -> Figure | None:
    """Return a panel for the target error at snapshots and for each loss: mean and 95 % band over seeds by step.

    Losses that are always zero and rows that train nothing are left out. If losses outnumber the panels, losses that
    only one row has are left out too. ``None`` if no finished run has a curve.
    """
    done = [record for record in records if record.status == OK and record.curve]
    headline = known_scores(records).headline
    panels = _panels(study, done, headline.name)
    if not panels:
        return None
    seen = {row for curves in panels.values() for row in curves}
    marked = {row: style for row, style in row_styles(study.rows).items() if row in seen}
    figure, places = _grid(len(panels), list(marked))
    for axes, (title, curves) in zip(places, panels.items(), strict=True):
        _panel(axes, curves, marked)
        axes.set_title(title, fontsize="medium")
        titled(axes, "y", f"{headline.title} of the row's own model" if title == ORACLE else "loss")
    figure.supxlabel(_step_label(done), fontsize="medium")
    legend(figure, marked, lines=True)
    return figure


def _panels(study: Study, done: Sequence[RunRecord], headline: str) -> Panels:
    """Return the panel of the headline score, if runs have snapshots, and the panels of the losses."""
    scores = _curves(study, [(record.row, _scores(record, headline)) for record in done])
    losses = _curves(study, [(record.row, thinned(record.curve)) for record in done])
    panels = {ORACLE: scores[headline]} if scores else {}
    return panels | _chosen(losses, PANELS - len(panels))


def _step_label(done: Sequence[RunRecord]) -> str:
    """Return the label of the step axes, which tells how many readings are averaged."""
    averaged = max(_averaged(record.curve) for record in done)
    return "step" if averaged == 1 else f"step; each point of a loss is the mean of up to {averaged} readings"


def thinned(readings: Readings) -> Readings:
    """Return at most ``POINTS`` readings: the means of neighbouring readings, steps averaged too."""
    size = _averaged(readings)
    groups = [readings[start : start + size] for start in range(0, len(readings), size)]
    return [
        {
            name: fmean(reading[name] for reading in group if name in reading)
            for name in chain.from_iterable(group)
        }
        for group in groups
    ]


def _scores(record: RunRecord, headline: str) -> Readings:
    """Return the headline score at each snapshot of a run."""
    return [{name: point[name] for name in ("step", headline)} for point in record.snapshots]


def _averaged(readings: Readings) -> int:
    """Return how many neighbouring readings are averaged into one point."""
    return max(1, -(-len(readings) // POINTS))


def _curves(study: Study, runs: Sequence[tuple[str, Readings]]) -> Panels:
    """Return the curves of every named value and row, averaged over the row's runs."""
    panels: Panels = {}
    for row in study.rows:
        mine = [readings for owner, readings in runs if owner == row]
        names = dict.fromkeys(name for readings in mine for reading in readings for name in reading)
        for name in names:
            if name != "step":
                panels.setdefault(name, {})[row] = _curve(mine, name)
    return panels


def _curve(runs: Sequence[Readings], name: str) -> Curve:
    """Return the mean over runs of one named value at each step that has a reading."""
    by_step: dict[float, list[float]] = {}
    for reading in chain.from_iterable(runs):
        if name in reading:
            by_step.setdefault(reading["step"], []).append(reading[name])
    return [(step, number) for step, values in sorted(by_step.items()) if (number := estimate(values))]


def _chosen(losses: Panels, room: int) -> Panels:
    """Return the losses that have a panel, at most ``room``.

    A loss that is always zero in a row belongs to a part that the row lacks; the panel leaves the row out.
    """
    told = {
        name: {
            row: curve
            for row, curve in curves.items()
            if any(number.mean or number.half for _, number in curve)
        }
        for name, curves in losses.items()
    }
    least = 2 if sum(map(bool, told.values())) > room else 1
    shared = [name for name, curves in told.items() if len(curves) >= least]
    kept = sorted(shared, key=lambda name: -len(told[name]))[:room]
    return {name: told[name] for name in shared if name in kept}


def _grid(panels: int, rows: Sequence[str]) -> tuple[Figure, list[Axes]]:
    """Return a figure, wide enough for the panels and the legend of rows, and the axes of its panels."""
    across = 2 if panels == 4 else min(panels, 3)
    down = -(-panels // across)
    height = max(2.6 * down, LINE_INCHES * len(rows)) + 0.5
    figure = canvas(3.2 * across + 1 + breadth(rows), height)
    places = list(figure.subplots(down, across, squeeze=False).flat)
    for axes in places[panels:]:
        axes.remove()
    return figure, places[:panels]


def _panel(axes: Axes, curves: Mapping[str, Curve], marked: Mapping[str, RowStyle]) -> None:
    """Draw the curve of each row: a line through the means and a band over their intervals."""
    numbers = [number for curve in curves.values() for _, number in curve]
    fit(axes, "y", [number.mean for number in numbers])
    for row, curve in curves.items():
        style, steps = marked[row], [step for step, _ in curve]
        low, high = ([number.mean + sign * (number.half or 0) for _, number in curve] for sign in (-1, 1))
        axes.fill_between(
            steps, low, high, color=style.colour, alpha=min(0.2, 0.8 / len(curves)), linewidth=0
        )
        axes.plot(
            steps,
            [number.mean for _, number in curve],
            color=style.colour,
            linestyle=style.line,
            marker=style.marker,
            markerfacecolor=style.face,
            markersize=4,
            markevery=max(1, len(curve) // 6),
            linewidth=1.2,
        )
    tidy(axes, "both")
