"""The figures by name with their captions, and how they are written."""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill

from matplotlib import style
from matplotlib.figure import Figure
from PIL import Image

from benchmarks.figures.costs import step_figure
from benchmarks.figures.curves import curve_figure
from benchmarks.figures.marks import PALETTE
from benchmarks.figures.scatter import fid_error_figure, pareto_figure
from benchmarks.figures.scores import difference_figure, score_figure
from benchmarks.figures.sheets import draw_sheet, film_sheet, neighbour_sheet, sample_sheet
from benchmarks.records.files import write_atomic
from benchmarks.records.record import RunRecord
from benchmarks.studies.study import Study
from benchmarks.tables.comparable import comparisons


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A figure drawn from records, ``None`` where they have nothing to show; ``caption`` stands below it in a report."""

    draw: Callable[[Study, Sequence[RunRecord]], Figure | None]
    caption: str


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """A picture composed of those beside the records in a results folder; otherwise as :class:`Chart`."""

    draw: Callable[[Study, Sequence[RunRecord], Path], Image.Image | None]
    caption: str


CHARTS: Mapping[str, Chart] = {
    "scores": Chart(
        draw=score_figure,
        caption="A panel for FID and for each target error: a dot a seed, the mean and its 95 % interval in black.",
    ),
    "differences": Chart(
        draw=difference_figure,
        caption="A panel for FID and for each target error: a row's score less the baseline's, a dot a seed.",
    ),
    "curves": Chart(
        draw=curve_figure,
        caption="A panel for the target error at checkpoints and for each loss: mean and 95 % band over seeds by step.",
    ),
    "pareto": Chart(
        draw=pareto_figure,
        caption="The target error against the seconds that a row's training takes, pretraining included.",
    ),
    "fid-error": Chart(
        draw=fid_error_figure,
        caption="The target error against FID, titled with Spearman's rank correlation over the runs that trained.",
    ),
    "steps": Chart(
        draw=step_figure,
        caption="A bar for the median time of a step, with its quartiles, and one for a run's seconds by phase.",
    ),
}
SHEETS: Mapping[str, Sheet] = {
    "samples": Sheet(
        draw=sample_sheet,
        caption="One picture: source images, the same images as each row paints them (first seed), real target images.",
    ),
    "neighbours": Sheet(
        draw=neighbour_sheet,
        caption="One picture: images as each row paints them (first seed), each over the target image nearest to it.",
    ),
    "draws": Sheet(
        draw=draw_sheet,
        caption="One picture: source images over many adaptations of each, of the first row that draws (first seed).",
    ),
    "film": Sheet(
        draw=film_sheet,
        caption="One picture: source images over the same as each row paints them at each checkpoint (first seed).",
    ),
}
LETTERS_PER_INCH = 12  # of small text, with some room
FIGURES: Mapping[str, Chart | Sheet] = {**CHARTS, **SHEETS}
SETTINGS = {
    "svg.fonttype": "path",  # looks the same where the font is missing
    "svg.hashsalt": "bench",  # the names inside are the same every time
    "text.parse_math": False,  # a row's name may hold dollar signs
}


def write(study: Study, records: Sequence[RunRecord], results: Path, pool: bool = False) -> list[Path]:
    """Write the figures of each comparison in a study into ``results/figures``; return their paths.

    ``pool`` takes scores of several machines together; their costs are not drawn.

    A chart becomes ``COMPARISON--NAME.png`` and ``.svg``, a sheet of pictures a PNG file; the same records give the
    same bytes. Raises :class:`UserMistake` for records that make no table, and for a folder that cannot be written.
    """
    written = []
    for one in comparisons(study, records, pool):
        for name, figure in drawn(study, one.records, results):
            for ending, content in rendered(figure).items():
                written.append(write_atomic(results / "figures" / f"{one.name}--{name}.{ending}", content))
    return written


def drawn(
    study: Study, records: Sequence[RunRecord], results: Path
) -> Iterator[tuple[str, Figure | Image.Image]]:
    """Yield the name and the drawing of every figure that the records of one comparison have."""
    for name, kind in FIGURES.items():
        with style.context(["default", SETTINGS]):  # whatever the user's own matplotlibrc says
            figure = (
                kind.draw(study, records, results) if isinstance(kind, Sheet) else kind.draw(study, records)
            )
        if isinstance(figure, Figure) and study.warning:
            figure.supxlabel(
                fill(study.warning, int(LETTERS_PER_INCH * figure.get_figwidth())),
                fontsize="small",
                color=PALETTE[1],
            )
        if figure is not None:
            yield name, figure


def rendered(figure: Figure | Image.Image) -> dict[str, bytes]:
    """Return the content of a figure's files by their endings: a PNG, and for a chart an SVG."""
    png, svg = io.BytesIO(), io.BytesIO()
    if isinstance(figure, Image.Image):
        figure.save(png, "PNG", optimize=True)
        return {"png": png.getvalue()}
    with style.context(["default", SETTINGS]):
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # one layout for both files
        pixels = io.BytesIO()
        figure.savefig(pixels, format="png", dpi=120)
        figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
    reduced = Image.open(pixels).convert("RGB").quantize(256)  # a third of the bytes, and no metadata
    reduced.save(png, "PNG", optimize=True)
    return {"png": png.getvalue(), "svg": svg.getvalue()}
