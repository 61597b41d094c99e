"""Pictures beside records → labelled sheets: adapted images, their course over training, and their target neighbours."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from benchmarks.records.pictures import rows_of
from benchmarks.records.record import RunRecord
from benchmarks.studies.study import Study

# in pixels
MIN_LABEL_WIDTH = 190
MARGIN = 8  # left of labels
GAP = 4  # between rows

Bands = list[tuple[str, Image.Image]]


def sample_sheet(study: Study, records: Sequence[RunRecord], results: Path) -> Image.Image | None:
    """Return a sheet of source images, these images adapted by each row's first seed, and real target images.

    ``None`` where no row has samples.
    """
    found = _first(study, records, results, "samples.png")
    if not found:
        return None
    source, _, target = next(iter(found.values()))[1]
    adapted = [(row, bands[1]) for row, (_, bands) in found.items()]
    return _stack([("source", source), *adapted, ("target", target)])


def neighbour_sheet(study: Study, records: Sequence[RunRecord], results: Path) -> Image.Image | None:
    """Return a sheet of images adapted by each row's first seed, each over the target image nearest to it.

    ``None`` where no row has this picture.
    """
    bands: Bands = []
    for row, (_, (adapted, nearest)) in _first(study, records, results, "neighbours.png").items():
        bands += [(row, adapted), (f"{row}: nearest", nearest)]
    return _stack(bands) if bands else None


def draw_sheet(study: Study, records: Sequence[RunRecord], results: Path) -> Image.Image | None:
    """Return a sheet of source images over many adaptations of each, by the first seed of the first row that is random.

    ``None`` where no row is random.
    """
    for row, (_, (source, *draws)) in _first(study, records, results, "draws.png").items():
        return _stack([("source", source), *((f"{row}: draw {n}", band) for n, band in enumerate(draws, 1))])
    return None


def film_sheet(study: Study, records: Sequence[RunRecord], results: Path) -> Image.Image | None:
    """Return a sheet of source images over their adaptations by each row's first seed, one for every snapshot.

    ``None`` where no row has this picture.
    """
    bands: Bands = []
    for row, (record, (source, *adapted)) in _first(study, records, results, "film.png").items():
        steps = [f"step {checkpoint['step']}" for checkpoint in record.checkpoints]
        bands += [(row, source), *zip(steps, adapted, strict=True)]
    return _stack(bands) if bands else None


def _first(
    study: Study, records: Sequence[RunRecord], results: Path, name: str
) -> dict[str, tuple[RunRecord, list[Image.Image]]]:
    """Return for each row the record of the first seed with a picture ``name``, and the picture cut into rows of images."""
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
    label = max(MIN_LABEL_WIDTH, *(int(font.getlength(name)) + 2 * MARGIN for name, _ in bands))
    _, first = bands[0]
    sheet = Image.new("RGB", (label + first.width, len(bands) * (first.height + GAP)), "white")
    draw = ImageDraw.Draw(sheet)
    for place, (name, band) in enumerate(bands):
        top = place * (first.height + GAP)
        draw.text((MARGIN, top + first.height // 2), name, fill="black", font=font, anchor="lm")
        sheet.paste(band, (label, top))
    return sheet
