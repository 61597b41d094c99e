"""Pictures beside records → labelled sheets: what each row paints, how it came to, and what in the target is near."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from benchmarks.records.pictures import rows_of
from benchmarks.records.record import RunRecord
from benchmarks.studies.study import Study

LABEL, MARGIN, LINE = (
    190,
    8,
    4,
)  # pixels: the least room for labels, what is left of them, what is between rows

Bands = list[tuple[str, Image.Image]]


def sample_sheet(study: Study, records: Sequence[RunRecord], results: Path) -> Image.Image | None:
    """Return one picture: source images, the same images as each row paints them (first seed), real target images.

    ``None`` where no row has samples.
    """
    found = _first(study, records, results, "samples.png")
    if not found:
        return None
    source, _, target = next(iter(found.values()))[1]
    painted = [(row, bands[1]) for row, (_, bands) in found.items()]
    return _stack([("source", source), *painted, ("target", target)])


def neighbour_sheet(study: Study, records: Sequence[RunRecord], results: Path) -> Image.Image | None:
    """Return one picture: images as each row paints them (first seed), each over the target image nearest to it.

    ``None`` where no row has any.
    """
    bands: Bands = []
    for row, (_, (adapted, nearest)) in _first(study, records, results, "neighbours.png").items():
        bands += [(row, adapted), (f"{row}: nearest", nearest)]
    return _stack(bands) if bands else None


def draw_sheet(study: Study, records: Sequence[RunRecord], results: Path) -> Image.Image | None:
    """Return one picture: source images over many adaptations of each, of the first row that draws (first seed).

    ``None`` where no row does.
    """
    for row, (_, (source, *draws)) in _first(study, records, results, "draws.png").items():
        return _stack([("source", source), *((f"{row}: draw {n}", band) for n, band in enumerate(draws, 1))])
    return None


def film_sheet(study: Study, records: Sequence[RunRecord], results: Path) -> Image.Image | None:
    """Return one picture: source images over the same as each row paints them at each checkpoint (first seed).

    ``None`` where no row has any.
    """
    bands: Bands = []
    for row, (record, (source, *adapted)) in _first(study, records, results, "film.png").items():
        steps = [f"step {checkpoint['step']}" for checkpoint in record.checkpoints]
        bands += [(row, source), *zip(steps, adapted, strict=True)]
    return _stack(bands) if bands else None


def _first(
    study: Study, records: Sequence[RunRecord], results: Path, name: str
) -> dict[str, tuple[RunRecord, list[Image.Image]]]:
    """Return by row the first seed's record that has the picture ``name``, and the picture cut into rows of images."""
    first: dict[str, RunRecord] = {}
    for record in sorted(records, key=lambda record: int(record.spec["seed"])):
        if _path(record, results, name).exists():
            first.setdefault(record.spec["row"], record)
    return {
        row: (first[row], rows_of(Image.open(_path(first[row], results, name)).convert("RGB"), name))
        for row in study.rows
        if row in first
    }


def _path(record: RunRecord, results: Path, name: str) -> Path:
    return results / "runs" / record.id / name


def _stack(bands: Bands) -> Image.Image:
    """Return the bands below each other, labelled on the left."""
    font = ImageFont.load_default(size=16)
    label = max(LABEL, *(int(font.getlength(name)) + 2 * MARGIN for name, _ in bands))
    _, first = bands[0]
    sheet = Image.new("RGB", (label + first.width, len(bands) * (first.height + LINE)), "white")
    draw = ImageDraw.Draw(sheet)
    for place, (name, band) in enumerate(bands):
        top = place * (first.height + LINE)
        draw.text((MARGIN, top + first.height // 2), name, fill="black", font=font, anchor="lm")
        sheet.paste(band, (label, top))
    return sheet
