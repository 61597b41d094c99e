"""How losses and the target's headline score move while rows train."""

from collections.abc import Mapping, Sequence
from itertools import chain
from statistics import fmean

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.figures.marks import LINE, Look, breadth, canvas, fit, legend, looks, tidy, titled
from benchmarks.records.record import OK, RunRecord
from benchmarks.statistics.estimates import Estimate, estimate
from benchmarks.studies.study import Study
from benchmarks.tables.summary import known_scores

PANELS = 6
POINTS = 15  # neighbouring readings of a longer curve are averaged
ORACLE = "oracle view: by test labels,\nnot used for choosing"

Readings = Sequence[Mapping[str, float]]
Curve = list[tuple[float, Estimate]]
Panels = dict[str, dict[str, Curve]]


def curve_figure(study: Study, records: Sequence[RunRecord]) -> Figure | None:
    """Return a panel for the target error at checkpoints and for each loss: mean and 95 % band over seeds by step.

    Left out are losses that are always zero, rows that train nothing, and where losses are many, those of a single row.
    ``None`` where no finished run has a curve.
    """
    done = [record for record in records if record.status == OK and record.curve]
    headline = known_scores(records).headline
    scores = _curves(study, [(record.spec["row"], _scores(record, headline.name)) for record in done])
    losses = _curves(study, [(record.spec["row"], thinned(record.curve)) for record in done])
    panels = {ORACLE: scores[headline.name]} if scores else {}
    panels |= _chosen(losses, PANELS - len(panels))
    if not panels:
        return None
    seen = {row for curves in panels.values() for row in curves}
    marked = {row: look for row, look in looks(study.rows).items() if row in seen}
    figure, places = _grid(len(panels), list(marked))
    for axes, (title, curves) in zip(places, panels.items(), strict=True):
        _panel(axes, curves, marked)
        axes.set_title(title, fontsize="medium")
        titled(axes, "y", f"{headline.title} of the row's own model" if title == ORACLE else "loss")
    averaged = max(_averaged(record.curve) for record in done)
    figure.supxlabel(
        "step" if averaged == 1 else f"step; each point of a loss is the mean of up to {averaged} readings",
        fontsize="medium",
    )
    legend(figure, marked, lines=True)
    return figure


def thinned(readings: Readings) -> Readings:
    """Return at most ``POINTS`` readings: means of neighbours, the step's included."""
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
    return [{name: point[name] for name in ("step", headline)} for point in record.checkpoints]


def _averaged(readings: Readings) -> int:
    """Return how many readings become one."""
    return max(1, -(-len(readings) // POINTS))


def _curves(study: Study, runs: Sequence[tuple[str, Readings]]) -> Panels:
    """Return by name and row what the runs of a row read: mean and band over them at each step."""
    panels: Panels = {}
    for row in study.rows:
        mine = [readings for owner, readings in runs if owner == row]
        names = dict.fromkeys(name for readings in mine for reading in readings for name in reading)
        for name in names:
            if name != "step":
                panels.setdefault(name, {})[row] = _curve(mine, name)
    return panels


def _curve(runs: Sequence[Readings], name: str) -> Curve:
    by_step: dict[float, list[float]] = {}
    for reading in chain.from_iterable(runs):
        if name in reading:
            by_step.setdefault(reading["step"], []).append(reading[name])
    return [(step, number) for step, values in sorted(by_step.items()) if (number := estimate(values))]


def _chosen(losses: Panels, room: int) -> Panels:
    """Return the losses that have a panel, without rows in which they are always zero: there the part is absent."""
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
    """Return a figure with room for so many panels and for the names of rows beside them."""
    across = 2 if panels == 4 else min(panels, 3)
    down = -(-panels // across)
    height = max(2.6 * down, LINE * len(rows)) + 0.5
    figure = canvas(3.2 * across + 1 + breadth(rows), height)
    places = list(figure.subplots(down, across, squeeze=False).flat)
    for axes in places[panels:]:
        axes.remove()
    return figure, places[:panels]


def _panel(axes: Axes, curves: Mapping[str, Curve], marked: Mapping[str, Look]) -> None:
    numbers = [number for curve in curves.values() for _, number in curve]
    fit(axes, "y", [number.mean for number in numbers])
    for row, curve in curves.items():
        look, steps = marked[row], [step for step, _ in curve]
        low, high = ([number.mean + sign * (number.half or 0) for _, number in curve] for sign in (-1, 1))
        axes.fill_between(steps, low, high, color=look.colour, alpha=min(0.2, 0.8 / len(curves)), linewidth=0)
        axes.plot(
            steps,
            [number.mean for _, number in curve],
            color=look.colour,
            linestyle=look.line,
            marker=look.marker,
            markerfacecolor=look.face,
            markersize=4,
            markevery=max(1, len(curve) // 6),
            linewidth=1.2,
        )
    tidy(axes, "both")
