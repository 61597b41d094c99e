"""The figures by name, and how they are written."""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from matplotlib import style
from matplotlib.figure import Figure
from PIL import Image

from benchmarks.figures.costs import step_figure
from benchmarks.figures.curves import curve_figure
from benchmarks.figures.scatter import fid_error_figure, pareto_figure
from benchmarks.figures.scores import difference_figure, score_figure
from benchmarks.figures.sheets import draw_sheet, film_sheet, neighbour_sheet, sample_sheet
from benchmarks.records.files import write_atomic
from benchmarks.records.record import RunRecord
from benchmarks.studies.study import Study
from benchmarks.tables.table import comparisons

CHARTS: Mapping[str, Callable[[Study, Sequence[RunRecord]], Figure | None]] = {
    "scores": score_figure,
    "differences": difference_figure,
    "curves": curve_figure,
    "pareto": pareto_figure,
    "fid-error": fid_error_figure,
    "steps": step_figure,
}
SHEETS: Mapping[str, Callable[[Study, Sequence[RunRecord], Path], Image.Image | None]] = {
    "samples": sample_sheet,
    "neighbours": neighbour_sheet,
    "draws": draw_sheet,
    "film": film_sheet,
}
FIGURES: Mapping[str, Callable[..., Figure | Image.Image | None]] = {**CHARTS, **SHEETS}
LOOK = {
    "svg.fonttype": "path",  # looks the same where the font is missing
    "svg.hashsalt": "bench",  # the names inside are the same every time
    "text.parse_math": False,  # a row's name may hold dollar signs
}


def write(study: Study, records: Sequence[RunRecord], results: Path) -> list[Path]:
    """Write the figures of each comparison in a study into ``results/figures``; return their paths.

    A chart becomes ``COMPARISON--NAME.png`` and ``.svg``, a sheet of pictures a PNG file; the same records give the
    same bytes. Raises :class:`UserMistake` where no table could be made either, and for a folder that cannot be written.
    """
    written = []
    for comparison, mine in comparisons(study, records).items():
        for name, figure in drawn(study, mine, results):
            for ending, content in rendered(figure).items():
                written.append(write_atomic(results / "figures" / f"{comparison}--{name}.{ending}", content))
    return written


def drawn(
    study: Study, records: Sequence[RunRecord], results: Path
) -> Iterator[tuple[str, Figure | Image.Image]]:
    """Yield every figure there is of the records of one comparison, with its name."""
    for name, draw in FIGURES.items():
        with style.context(["default", LOOK]):  # whatever the user's own matplotlibrc says
            figure = draw(study, records, results) if name in SHEETS else draw(study, records)
        if figure is not None:
            yield name, figure


def rendered(figure: Figure | Image.Image) -> dict[str, bytes]:
    """Return the content of a figure's files by their endings: PNG, and SVG of a chart."""
    png, svg = io.BytesIO(), io.BytesIO()
    if isinstance(figure, Image.Image):
        figure.save(png, "PNG", optimize=True)
        return {"png": png.getvalue()}
    with style.context(["default", LOOK]):
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # laid out once, for both
        pixels = io.BytesIO()
        figure.savefig(pixels, format="png", dpi=120)
        figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
    few = Image.open(pixels).convert("RGB").quantize(256)  # a third of the bytes, and no metadata
    few.save(png, "PNG", optimize=True)
    return {"png": png.getvalue(), "svg": svg.getvalue()}
