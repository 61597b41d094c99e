"""Records → figures: what each row scored, and what its images look like."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image, ImageDraw, ImageFont

from benchmarks.records import OK, PICTURES, RunRecord
from benchmarks.scores.catalogue import SCORES
from benchmarks.statistics import estimate
from benchmarks.study import Study
from benchmarks.summary import COMPARED

LABEL, LINE = 190, 4
WIDE = 30  # a panel whose largest value is this many times its smallest has a logarithmic axis


def score_figure(study: Study, records: Sequence[RunRecord]) -> Figure:
    """Return a panel for FID and for each target error: a dot a seed, the mean and its 95 % interval in black."""
    done = [record for record in records if record.status == OK]
    frame = pd.DataFrame([{"method": record.spec["row"], **record.scores} for record in done])
    rows = [row for row in study.rows if row in set(frame["method"])]
    figure = Figure(figsize=(9, 0.8 + 0.34 * len(rows)), layout="constrained")
    scores = [name for name in COMPARED if name in frame and frame[name].notna().any()]
    panels = figure.subplots(1, len(scores), sharey=True, squeeze=False)[0]
    for axes, name in zip(panels, scores, strict=True):
        _panel(axes, frame, rows, name)
        title = SCORES[name].title.format(**done[0].protocol)
        axes.set_xlabel(title if axes.get_xscale() == "linear" else f"{title}, log scale")
    return figure


def _panel(axes: Axes, frame: pd.DataFrame, rows: Sequence[str], name: str) -> None:
    sns.stripplot(
        frame, x=name, y="method", order=rows, ax=axes, color="#3b7ea1", alpha=0.6, size=5, jitter=False
    )
    for place, row in enumerate(rows):
        number = estimate(frame.loc[frame["method"] == row, name].dropna().tolist())
        if number:
            axes.errorbar(number.mean, place, xerr=number.half or 0, fmt="|", color="black", capsize=3, ms=9)
    axes.set_ylabel("")
    if frame[name].max() > WIDE * frame[name].min() > 0:
        axes.set_xscale("log")
    else:
        axes.set_xlim(left=0)
    axes.grid(axis="x", color="0.9")
    axes.set_axisbelow(True)
    sns.despine(ax=axes)


def sample_sheet(study: Study, records: Sequence[RunRecord], results: Path) -> Image.Image | None:
    """Return one picture: source images, the same images as each row paints them (first seed), real target images.

    ``None`` where no row has samples.
    """
    grids = _grids(study, records, results, "samples.png")
    if not grids:
        return None
    source, _, target = next(iter(grids.values()))
    return _stack({"source": source, **{row: bands[1] for row, bands in grids.items()}, "target": target})


def neighbour_sheet(study: Study, records: Sequence[RunRecord], results: Path) -> Image.Image | None:
    """Return one picture: images as each row paints them (first seed), each over the target image nearest to it.

    ``None`` where no row has any.
    """
    grids = _grids(study, records, results, "neighbours.png")
    bands: dict[str, Image.Image] = {}
    for row, (adapted, nearest) in grids.items():
        bands |= {row: adapted, f"{row}: nearest": nearest}
    return _stack(bands) if bands else None


def draw_sheet(study: Study, records: Sequence[RunRecord], results: Path) -> Image.Image | None:
    """Return one picture: source images over many adaptations of each, of the first row that draws (first seed).

    ``None`` where no row does.
    """
    for row, (source, *draws) in _grids(study, records, results, "draws.png").items():
        return _stack({"source": source, **{f"{row}: draw {n}": band for n, band in enumerate(draws, 1)}})
    return None


def _grids(
    study: Study, records: Sequence[RunRecord], results: Path, name: str
) -> dict[str, list[Image.Image]]:
    """Return the picture ``name`` of the first seed of every row that has one, cut into its rows of images."""
    first: dict[str, Path] = {}
    for record in sorted(records, key=lambda record: int(record.spec["seed"])):
        path = results / "runs" / record.id / name
        if path.exists():
            first.setdefault(str(record.spec["row"]), path)
    grids = {row: Image.open(first[row]).convert("RGB") for row in study.rows if row in first}
    return {row: _bands(grid, PICTURES[name]) for row, grid in grids.items()}


def _bands(grid: Image.Image, rows: int) -> list[Image.Image]:
    edges = [grid.height * index // rows for index in range(rows + 1)]
    return [grid.crop((0, top, grid.width, bottom)) for top, bottom in zip(edges, edges[1:], strict=False)]


SHEETS = {"samples": sample_sheet, "neighbours": neighbour_sheet, "draws": draw_sheet}


def _stack(bands: Mapping[str, Image.Image]) -> Image.Image:
    first = next(iter(bands.values()))
    sheet = Image.new("RGB", (LABEL + first.width, len(bands) * (first.height + LINE)), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=16)
    for place, (name, band) in enumerate(bands.items()):
        top = place * (first.height + LINE)
        draw.text((8, top + first.height // 2), name, fill="black", font=font, anchor="lm")
        sheet.paste(band, (LABEL, top))
    return sheet


def write(study: Study, records: Sequence[RunRecord], results: Path) -> list[Path]:
    """Write the figures of every pair of a study, from its records, into ``results/figures``; return their paths."""
    folder, written = results / "figures", []
    folder.mkdir(parents=True, exist_ok=True)
    for pair in study.pairs:
        mine = [record for record in records if record.spec["pair"] == pair]
        if not any(record.status == OK for record in mine):
            continue
        path = folder / f"{study.name}--{pair}--scores.png"
        score_figure(study, mine).savefig(path, dpi=120, metadata={"Software": None})
        written.append(path)
        for name, draw in SHEETS.items():
            sheet = draw(study, mine, results)
            if sheet is not None:
                written.append(folder / f"{study.name}--{pair}--{name}.png")
                sheet.save(written[-1], optimize=True)
    return written
