"""The scores of each row, and their differences to the baseline's scores."""

from collections.abc import Mapping, Sequence
from textwrap import fill

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.figures.marks import PALETTE, breadth, canvas, dots, titled
from benchmarks.records.record import RunRecord
from benchmarks.studies.study import Study
from benchmarks.tables.summary import Numbers, by_seed, finished, paired, summarise

Values = dict[str, dict[str, list[float]]]
"""The values of a row's runs, by score and row."""


def score_figure(study: Study, records: Sequence[RunRecord]) -> Figure | None:
    """Return a panel for FID and for each target error: a dot a seed, the mean and its 95 % interval in black.

    ``None`` if no run has a score.
    """
    summary, runs = summarise(study, records), finished(records)
    values = {
        name: {row: [*by_seed(runs, name, row).values()] for row in study.rows} for name in summary.compared
    }
    titles = {name: summary.title(name) for name in values}
    return _forest(study.rows, values, summary.means, titles, signed=False)


def difference_figure(study: Study, records: Sequence[RunRecord]) -> Figure | None:
    """Return a panel for FID and for each target error: a row's score less the baseline's, a dot a seed.

    ``None`` if no row shares a seed with a baseline.
    """
    summary, runs = summarise(study, records), finished(records)
    baseline = summary.baseline
    if baseline is None:
        return None
    rows = [row for row in study.rows if row != baseline]
    values = {
        name: {row: [*paired(runs, name, row, baseline).values()] for row in rows}
        for name in summary.compared
    }
    titles = {name: f"Δ {summary.title(name)}" for name in values}
    figure = _forest(rows, values, summary.differences, titles, signed=True)
    if figure:
        figure.suptitle(
            fill(f"row less {baseline}, paired by seed: every seed, mean and 95 % interval", 100),
            fontsize="medium",
        )
        for axes in figure.axes:
            _halve(axes)
    return figure


def _forest(
    rows: Sequence[str], values: Values, means: Numbers, titles: Mapping[str, str], *, signed: bool
) -> Figure | None:
    """Return a panel for each score that has values, with a line for each row that has values; ``None`` without values."""
    values = {name: mine for name, mine in values.items() if any(mine.values())}
    rows = [row for row in rows if any(mine[row] for mine in values.values())]
    if not rows:
        return None
    figure = canvas(2.6 * len(values) + 0.6 + breadth(rows), 1.1 + 0.3 * len(rows))
    panels = figure.subplots(1, len(values), sharey=True, squeeze=False)[0]
    for axes, (name, mine) in zip(panels, values.items(), strict=True):
        dots(axes, {row: mine[row] for row in rows}, {row: means[row, name] for row in rows}, signed)
        titled(axes, "x", fill(titles[name], 28))
    return figure


def _halve(axes: Axes) -> None:
    """Mark zero, and the side below zero as better, as it is for every compared score."""
    axes.axvline(0, color="black", linewidth=0.8)
    axes.axvspan(axes.get_xlim()[0], 0, color=PALETTE[2], alpha=0.1, linewidth=0)
    axes.set_title("← better", loc="left", fontsize="small", color=PALETTE[2])
