"""How charts look: a colour, marker and line for every row, means with intervals, axes as wide as the data need."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal

import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from benchmarks.statistics.estimates import Estimate

# Okabe and Ito's colours for all kinds of colour vision, without the yellow, which is lost on white
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = "os^DvPX*"
LINES: tuple[Any, ...] = ("-", "--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)))
MAX_LINEAR_RATIO = 30  # of the largest to the smallest value; an axis beyond it is logarithmic
MAX_WIDENING = 0.25  # by intervals on either side of an axis, as a share of the span of the values
LETTER_INCHES, LINE_INCHES = 0.082, 0.21  # inches: width of a letter, height of a line of a legend

Side = Literal["x", "y"]


@dataclass(frozen=True, kw_only=True)
class RowStyle:
    """How one row is drawn in every chart of a study; 56 rows look different from each other, in grey 16."""

    colour: str
    marker: str
    line: Any
    filled: bool

    @property
    def face(self) -> str:
        """The colour inside a marker."""
        return self.colour if self.filled else "white"


def row_styles(rows: Sequence[str]) -> dict[str, RowStyle]:
    """Return the style of each row by its place among the rows."""
    return {
        row: RowStyle(
            colour=PALETTE[place % len(PALETTE)],
            marker=MARKERS[place % len(MARKERS)],
            line=LINES[place % len(LINES)],
            filled=place // len(MARKERS) % 2 == 0,
        )
        for place, row in enumerate(rows)
    }


def canvas(width: float, height: float) -> Figure:
    """Return a figure of ``width`` × ``height`` inches; the numbers below neighbouring panels do not touch."""
    return Figure(figsize=(width, height), layout=ConstrainedLayoutEngine(wspace=0.06))


def breadth(names: Sequence[str]) -> float:
    """Return the inches that the longest name needs."""
    return LETTER_INCHES * max(map(len, names), default=0)


def fit(
    axes: Axes,
    side: Side,
    values: Sequence[float],
    numbers: Sequence[Estimate | None] = (),
    *,
    zero: bool = False,
) -> None:
    """Scale an axis so that it shows all values, and their intervals unless these are far wider.

    The axis is logarithmic where the values span much, with values of both signs beyond their median size only.
    ``zero`` lets a linear axis begin at 0.
    """
    kind, settings = _scale(values)
    set_scale = axes.set_xscale if side == "x" else axes.set_yscale
    set_scale(kind, **settings)
    axis = axes.xaxis if side == "x" else axes.yaxis
    first, last = _ends(axis, values, numbers)
    limits = axis.get_transform().inverted().transform([first, last])
    axes.set(**{f"{side}lim": (0.0 if zero and kind == "linear" else limits[0], limits[1])})
    if kind != "linear":
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())
    if kind == "log" and last - first <= 2:  # decades: few enough for more ticks in each
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))


def _ends(axis: Axis, values: Sequence[float], numbers: Sequence[Estimate | None]) -> tuple[float, float]:
    """Return both ends of an axis in the units of its scale: on a logarithmic one, decades."""
    scale = axis.get_transform()
    ends = [number.mean + sign * (number.half or 0) for number in numbers if number for sign in (-1, 1)]
    shown = scale.transform([end for end in ends if end > 0 or axis.get_scale() != "log"])
    start, stop = scale.transform([min(values), max(values)])
    span = stop - start or abs(stop) or 1.0
    first = max(min([start, *shown]), start - MAX_WIDENING * span)
    last = min(max([stop, *shown]), stop + MAX_WIDENING * span)
    return first - 0.05 * span, last + 0.05 * span


def _scale(values: Sequence[float]) -> tuple[str, dict[str, float]]:
    """Return the name of the scale that suits the values, and its settings."""
    low, high = min(values), max(values)
    if low > 0:
        return ("log", {}) if high > MAX_LINEAR_RATIO * low else ("linear", {})
    sizes = [abs(value) for value in values if value]
    if not sizes or max(sizes) <= MAX_LINEAR_RATIO * median(sizes):
        return "linear", {}
    return "symlog", {"linthresh": 10.0 ** math.ceil(math.log10(median(sizes)))}


def titled(axes: Axes, side: Side, title: str) -> None:
    """Title an axis, and say if and where it is logarithmic."""
    axis = axes.xaxis if side == "x" else axes.yaxis
    scale = {
        "log": ", log scale",
        "symlog": f", log beyond ±{getattr(axis.get_transform(), 'linthresh', 0):g}",
    }
    axis.set_label_text(title + scale.get(axis.get_scale(), ""))


def mean(axes: Axes, x: Estimate | float, y: Estimate | float, **style: Any) -> None:
    """Draw a mean with its intervals along x and y; an arrow marks an interval that runs out of the axis."""
    place = {side: at.mean if isinstance(at, Estimate) else at for side, at in (("x", x), ("y", y))}
    half = {side: at.half if isinstance(at, Estimate) else None for side, at in (("x", x), ("y", y))}
    axes.errorbar(place["x"], place["y"], xerr=half["x"], yerr=half["y"], **style)
    for side, limits, arrows in (("x", axes.get_xlim(), "<>"), ("y", axes.get_ylim(), "v^")):
        for sign, arrow, limit in zip((-1, 1), arrows, sorted(limits), strict=True):
            if sign * (place[side] + sign * (half[side] or 0) - limit) > 0:
                at = {**place, side: limit}
                axes.plot(at["x"], at["y"], arrow, color=style["color"], markersize=5, clip_on=False)


def dots(
    axes: Axes, values: Mapping[str, Sequence[float]], numbers: Mapping[str, Estimate | None], signed: bool
) -> None:
    """Draw a line for each row: a dot for each seed, mean and interval in black. For ``signed`` values the axis shows 0."""
    flat = [(value, row) for row, mine in values.items() for value in mine]
    x, y = [value for value, _ in flat], [row for _, row in flat]
    sns.stripplot(x=x, y=y, order=list(values), ax=axes, color=PALETTE[0], alpha=0.5, size=5, jitter=False)
    fit(axes, "x", [*x, 0.0] if signed else x, list(numbers.values()), zero=not signed)
    axes.set(ylabel="", ylim=(len(values) - 0.5, -0.5))
    for place, row in enumerate(values):
        if number := numbers[row]:
            mean(axes, number, place, fmt="|", color="black", capsize=3, ms=9)
    tidy(axes, "x")


def tidy(axes: Axes, grid: Literal["x", "y", "both"]) -> None:
    """Draw a pale grid behind the data, and no upper and right frame."""
    axes.grid(axis=grid, color="0.9")
    axes.set_axisbelow(True)
    sns.despine(ax=axes)


def legend(
    figure: Figure, marked: Mapping[str, RowStyle], *, lines: bool, more: Sequence[Line2D] = ()
) -> None:
    """Draw the legend beside the data: rows by their lines, or by their markers with a run's dot, then ``more``."""
    rows = [
        Line2D(
            [],
            [],
            color=style.colour,
            marker=style.marker,
            markerfacecolor=style.face,
            linestyle=style.line if lines else "none",
        )
        for style in marked.values()
    ]
    dot = Line2D([], [], color="0.5", marker="o", markersize=3.5, linestyle="none", label="one run")
    others = more if lines else [dot, *more]
    names = [*marked, *(str(line.get_label()) for line in others)]
    length = 3.5 if lines else 1.5
    figure.legend([*rows, *others], names, loc="outside right upper", frameon=False, handlelength=length)
