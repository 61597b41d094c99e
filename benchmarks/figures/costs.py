"""The costs of rows: the time of a step, and the seconds of a run by phase."""

from collections.abc import Mapping, Sequence
from statistics import fmean

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.figures.marks import PALETTE, breadth, canvas, fit, tidy, titled
from benchmarks.records.record import OK, RunRecord
from benchmarks.studies.study import Study
from benchmarks.tables.comparable import shared_machine
from benchmarks.tables.summary import Summary, summarise

HATCHES = ("", "//", "xx", "\\\\", "--", "++", "||")


def step_figure(study: Study, records: Sequence[RunRecord]) -> Figure | None:
    """Return a chart of two bars for each row: the median time of a step with its quartiles, and a run's seconds by phase.

    All numbers are means over seeds. ``None`` where no finished run has seconds.
    """
    seconds = phases(study, records)
    rows = [row for row in study.rows if seconds.get(row)]
    if not rows:
        return None
    figure = canvas(8 + breadth(rows), 1.2 + 0.3 * len(rows))
    steps, runs = figure.subplots(1, 2, sharey=True)
    _steps(steps, rows, summarise(study, records), shared_machine(records[0]))
    _phases(runs, rows, seconds)
    runs.set_yticks(range(len(rows)), rows)
    runs.set_ylim(len(rows) - 0.5, -0.5)
    figure.legend(loc="outside right upper", frameon=False)
    return figure


def phases(study: Study, records: Sequence[RunRecord]) -> dict[str, dict[str, float]]:
    """Return for each row the mean seconds that its finished runs spent in each phase."""
    done = [record for record in records if record.status == OK]
    fullest_first = sorted(
        done, key=lambda record: -len(record.seconds)
    )  # the fullest record gives the order of phases
    names = dict.fromkeys(name for record in fullest_first for name in record.seconds)
    mine = {row: [record for record in done if record.row == row] for row in study.rows}
    return {
        row: {name: fmean(record.seconds.get(name, 0) for record in found) for name in names}
        for row, found in mine.items()
        if found
    }


def _steps(axes: Axes, rows: Sequence[str], summary: Summary, crowd: str) -> None:
    """Draw the median time of a step for the rows that train."""
    quartiles = {}
    for place, row in enumerate(rows):
        numbers = [summary.means[row, name] for name in ("step_q1", "step_ms", "step_q3")]
        if all(numbers):
            quartiles[place] = [number.mean for number in numbers if number]
    if quartiles:
        first, median, last = zip(*quartiles.values(), strict=True)
        fit(axes, "x", [*first, *last], zero=True)
        spread = [
            [m - q for q, m in zip(first, median, strict=True)],
            [q - m for q, m in zip(last, median, strict=True)],
        ]
        axes.barh(list(quartiles), median, xerr=spread, height=0.65, color=PALETTE[5], capsize=3)
    titled(axes, "x", f"median ms / step, with quartiles{crowd}")
    tidy(axes, "x")


def _phases(axes: Axes, rows: Sequence[str], seconds: Mapping[str, Mapping[str, float]]) -> None:
    """Draw every row's seconds, phase after phase."""
    ends = [0.0] * len(rows)
    for number, phase in enumerate(seconds[rows[0]]):
        widths = [seconds[row][phase] for row in rows]
        axes.barh(
            range(len(rows)),
            widths,
            left=ends,
            height=0.65,
            color=PALETTE[number % len(PALETTE)],
            hatch=HATCHES[number % len(HATCHES)],
            edgecolor="white",
            linewidth=0.5,
            label=phase,
        )
        ends = [end + width for end, width in zip(ends, widths, strict=True)]
    axes.set_xlim(left=0)
    axes.set_xlabel("wall seconds / run, pauses included")
    tidy(axes, "x")
