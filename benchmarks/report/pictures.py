"""The figures of a table as HTML, each inside the page: charts as SVG, sheets of images without loss."""

import base64
import inspect
import io
from collections.abc import Sequence
from html import escape
from pathlib import Path

from matplotlib.figure import Figure
from PIL import Image

from benchmarks.figures.catalogue import FIGURES, drawn, rendered
from benchmarks.records.record import OK, RunRecord
from benchmarks.studies.study import Study

LARGEST_SVG = 150_000  # bytes; a chart of more marks than that is smaller, and drawn faster, as pixels


def figures(study: Study, records: Sequence[RunRecord], results: Path, prefix: str) -> list[str]:
    """Return every figure there is of these records; the ids of the figures begin with ``prefix``.

    A caption is what the drawing function says of itself.
    """
    if not any(record.status == OK for record in records):
        return []
    return [
        _figure(f"{prefix}-{name}", _caption(FIGURES[name]), picture)
        for name, picture in drawn(study, records, results)
    ]


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
    """Return media type and content."""
    files = rendered(figure)
    if len(files["svg"]) <= LARGEST_SVG:
        return "image/svg+xml", files["svg"]
    return "image/png", files["png"]


def _packed(picture: Image.Image) -> bytes:
    """Return a WebP, pixel for pixel, which is about two thirds of a PNG."""
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", lossless=True, quality=100)
    return buffer.getvalue()
