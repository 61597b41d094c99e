"""Records → figures: what each row scored, and what its images look like."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image, ImageDraw, ImageFont

from benchmarks.records import OK, RunRecord
from benchmarks.scores.catalogue import SCORES
from benchmarks.statistics import estimate
from benchmarks.study import Study
from benchmarks.tables import COMPARED

LABEL, LINE = 190, 4
WIDE = 30  # a panel whose largest value is this many times its smallest has a logarithmic axis


def score_figure(study: Study, records: Sequence[RunRecord]) -> Figure:
    """Return one panel for FID and one for target error: a dot a seed, the mean and its 95 % interval in black."""
    done = [record for record in records if record.status == OK]
    frame = pd.DataFrame([{"method": record.spec["row"], **record.scores} for record in done])
    rows = [row for row in study.rows if row in set(frame["method"])]
    figure = Figure(figsize=(9, 0.8 + 0.34 * len(rows)), layout="constrained")
    panels = figure.subplots(1, len(COMPARED), sharey=True)
    for axes, name in zip(panels, COMPARED, strict=True):
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
    first: dict[str, Path] = {}
    for record in sorted(records, key=lambda record: int(record.spec["seed"])):
        path = results / "runs" / record.id / "samples.png"
        if path.exists():
            first.setdefault(str(record.spec["row"]), path)
    grids = {row: Image.open(first[row]).convert("RGB") for row in study.rows if row in first}
    if not grids:
        return None
    grid = next(iter(grids.values()))
    bands = {"source": _band(grid, 0), **{row: _band(grid, 1) for row, grid in grids.items()}}
    return _stack({**bands, "target": _band(grid, 2)})


def _band(grid: Image.Image, index: int) -> Image.Image:
    """Cut one of the three rows out of a sample grid."""
    return grid.crop((0, grid.height * index // 3, grid.width, grid.height * (index + 1) // 3))


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
    """Write both figures of every pair of a study, from its records, into ``results/figures``; return their paths."""
    folder, written = results / "figures", []
    folder.mkdir(parents=True, exist_ok=True)
    for pair in study.pairs:
        mine = [record for record in records if record.spec["pair"] == pair]
        if not any(record.status == OK for record in mine):
            continue
        path = folder / f"{study.name}--{pair}--scores.png"
        score_figure(study, mine).savefig(path, dpi=120, metadata={"Software": None})
        written.append(path)
        sheet = sample_sheet(study, mine, results)
        if sheet is not None:
            written.append(folder / f"{study.name}--{pair}--samples.png")
            sheet.save(written[-1], optimize=True)
    return written
