"""The pictures beside a record: what an adapter paints, how it varies, and what in the target is nearest to it."""

import io
from collections.abc import Sequence

import torch
from PIL import Image
from torch import Tensor
from torchvision.utils import make_grid

from benchmarks.evaluation.evaluator import Evaluator, Scores, adapted, draws
from benchmarks.evaluation.snapshots import Snapshot
from benchmarks.records.pictures import COLUMNS, ROWS
from methods.contract import Adapter

ENLARGED = 64


def pictures(evaluator: Evaluator, adapter: Adapter, scores: Scores, seed: int) -> dict[str, bytes]:
    """Return PNG files by name for an adapter and its scores.

    ``samples.png``: 16 source images, the same images adapted, 16 real ones of the target. ``neighbours.png``: the
    adapted ones over the target image nearest to each. ``draws.png``, where the adapter draws: 16 source images over
    several adaptations of each.
    """
    source, target = evaluator.source.images, evaluator.pair.target
    assert scores.adapted is not None
    chosen = spaced(source)
    painted = scores.adapted[chosen]
    files = {
        "samples.png": png([source[chosen], painted, target[spaced(target)]]),
        "neighbours.png": png([painted, nearest(painted, target)]),
    }
    if scores.values["diversity"]:
        count = ROWS["draws.png"] - 1
        files["draws.png"] = png([source[chosen], *draws(adapter, source[chosen], seed, count)])
    return files


def film(evaluator: Evaluator, snapshots: Sequence[Snapshot], seed: int) -> dict[str, bytes]:
    """Return ``film.png``: 16 source images over the same images as every snapshot paints them.

    None where snapshots are fewer than the picture has rows.
    """
    if len(snapshots) + 1 != ROWS["film.png"]:
        return {}
    source = evaluator.source.pick(spaced(evaluator.source.images))
    painted = [adapted(one.adapter, source, seed).images for one in snapshots if one.adapter is not None]
    return {"film.png": png([source.images, *painted])}


def nearest(images: Tensor, among: Tensor, batch: int = 1024) -> Tensor:
    """Return for each image the one ``among`` others with the smallest squared distance of pixels; all uint8."""
    wanted = images.flatten(1).float()
    distances = [torch.cdist(wanted, part.flatten(1).float()) for part in among.split(batch)]
    return among[torch.cat(distances, 1).argmin(1)]


def spaced(images: Tensor) -> Tensor:
    """Return the places of ``COLUMNS`` images at equal distances; of fewer images, some places twice."""
    return torch.arange(COLUMNS, device=images.device) * len(images) // COLUMNS


def png(rows: list[Tensor]) -> bytes:
    """Return rows of ``COLUMNS`` images as one PNG, every image enlarged to about ``ENLARGED`` pixels.

    A fourth channel (depth) is left out.
    """
    grid = make_grid(torch.cat(rows)[:, :3].cpu(), nrow=COLUMNS, padding=1, pad_value=128)
    factor = max(1, ENLARGED // rows[0].shape[2])
    picture = Image.fromarray(grid.permute(1, 2, 0).numpy())
    picture = picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
