"""The figures of a table as HTML, each inside the page: charts as SVG, sheets of images without loss."""

import base64
import inspect
import io
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure
from PIL import Image

from benchmarks import plots
from benchmarks.records import OK, RunRecord
from benchmarks.study import Study

LARGEST_SVG = 150_000  # bytes; a chart of more marks than that is smaller, and drawn faster, as pixels


def figures(study: Study, records: Sequence[RunRecord], results: Path, prefix: str) -> list[str]:
    """Return every figure there is of these records; the ids of the figures begin with ``prefix``."""
    return [
        _figure(f"{prefix}-{name}", caption, picture)
        for name, caption, picture in _drawn(study, records, results)
    ]


def _drawn(
    study: Study, records: Sequence[RunRecord], results: Path
) -> Iterator[tuple[str, str, Figure | Image.Image]]:
    """Yield name, caption and picture; a caption is what the drawing function says of itself."""
    if not any(record.status == OK for record in records):
        return
    yield "scores", _caption(plots.score_figure), plots.score_figure(study, records)
    for name, draw in plots.SHEETS.items():
        sheet = draw(study, records, results)
        if sheet is not None:
            yield name, _caption(draw), sheet


def _caption(draw: object) -> str:
    line = (inspect.getdoc(draw) or "").partition("\n")[0].removeprefix("Return ")
    return line[:1].upper() + line[1:]


def _figure(name: str, caption: str, picture: Figure | Image.Image) -> str:
    if isinstance(picture, Image.Image):
        kind, (width, height) = "sheet", picture.size
        mime, content = "image/webp", _packed(picture)
    else:
        kind, (mime, content) = "chart", _chart(picture)
        width, height = (round(96 * side) for side in picture.get_size_inches())
    source = f"data:{mime};base64,{base64.b64encode(content).decode()}"
    return (
        f'<figure id="{escape(name)}" class="{kind}"><a href="#{escape(name)}" title="Enlarge">'
        f'<img alt="{escape(caption)}" width="{width}" height="{height}" decoding="async" src="{source}"></a>'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def _chart(figure: Figure) -> tuple[str, bytes]:
    """Return media type and content; without date and with fixed ids, so that equal figures have equal bytes."""
    buffer = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "report"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    if buffer.tell() <= LARGEST_SVG:
        return "image/svg+xml", buffer.getvalue()
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=160, metadata={"Software": None})
    return "image/png", buffer.getvalue()


def _packed(picture: Image.Image) -> bytes:
    """Return a WebP, pixel for pixel, which is about two thirds of a PNG."""
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", lossless=True, quality=100)
    return buffer.getvalue()
