"""The figures of a table as HTML, each inside the page: charts as SVG, sheets of images without loss."""

import base64
import io
from collections.abc import Sequence
from html import escape
from pathlib import Path

from matplotlib.figure import Figure
from PIL import Image

from benchmarks.figures.catalogue import FIGURES, drawn, rendered
from benchmarks.records.record import OK, RunRecord
from benchmarks.studies.study import Study

MAX_SVG_BYTES = 150_000  # a chart with a larger SVG is smaller, and drawn faster, as pixels


def figures(study: Study, records: Sequence[RunRecord], results: Path, prefix: str) -> list[str]:
    """Return every figure that these records have; the ids of the figures begin with ``prefix``."""
    if not any(record.status == OK for record in records):
        return []
    return [
        _figure(f"{prefix}-{name}", FIGURES[name].caption, picture)
        for name, picture in drawn(study, records, results)
    ]


def _figure(name: str, caption: str, picture: Figure | Image.Image) -> str:
    if isinstance(picture, Image.Image):
        packed = io.BytesIO()
        picture.save(packed, "WEBP", lossless=True, quality=100)  # about two thirds of a PNG
        kind, mime, content = "sheet", "image/webp", packed.getvalue()
        width, height = picture.size
    else:
        files = rendered(picture)
        small = len(files["svg"]) <= MAX_SVG_BYTES
        ending, mime = ("svg", "image/svg+xml") if small else ("png", "image/png")
        kind, content = "chart", files[ending]
        width, height = (round(96 * side) for side in picture.get_size_inches())
    source = f"data:{mime};base64,{base64.b64encode(content).decode()}"
    return (
        f'<figure id="{escape(name)}" class="{kind}"><a href="#{escape(name)}" title="Enlarge">'
        f'<img alt="{escape(caption)}" width="{width}" height="{height}" decoding="async" src="{source}"></a>'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )
