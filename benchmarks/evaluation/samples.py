"""The pictures beside a record: adapted images, several draws of each, and their nearest target images."""

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

ENLARGED_HEIGHT = 64  # pixels


def pictures(evaluator: Evaluator, adapter: Adapter, scores: Scores, seed: int) -> dict[str, bytes]:
    """Return PNG files by name for an adapter and its scores.

    ``samples.png``: 16 source images, the same images adapted, 16 real target images. ``neighbours.png``: the adapted
    images over the target image nearest to each. ``draws.png``, only if the adapter is random: 16 source images over
    several adaptations of each.
    """
    source, target = evaluator.source.images, evaluator.pair.target
    assert scores.adapted is not None
    chosen = evenly_spaced(source)
    painted = scores.adapted[chosen]
    files = {
        "samples.png": png([source[chosen], painted, target[evenly_spaced(target)]]),
        "neighbours.png": png([painted, nearest(painted, target)]),
    }
    if scores.values["diversity"]:
        count = ROWS["draws.png"] - 1
        files["draws.png"] = png([source[chosen], *draws(adapter, source[chosen], seed, count)])
    return files


def film(evaluator: Evaluator, snapshots: Sequence[Snapshot], seed: int) -> dict[str, bytes]:
    """Return ``film.png``: 16 source images over the same images adapted by every snapshot.

    No file is returned if the snapshots do not fill the rows of the picture.
    """
    if len(snapshots) + 1 != ROWS["film.png"]:
        return {}
    source = evaluator.source.pick(evenly_spaced(evaluator.source.images))
    painted = [adapted(one.adapter, source, seed).images for one in snapshots if one.adapter is not None]
    return {"film.png": png([source.images, *painted])}


def nearest(images: Tensor, among: Tensor, batch: int = 1024) -> Tensor:
    """Return for each image its nearest image in ``among`` by the Euclidean distance of pixels; all are uint8."""
    wanted = images.flatten(1).float()
    distances = [torch.cdist(wanted, part.flatten(1).float()) for part in among.split(batch)]
    return among[torch.cat(distances, 1).argmin(1)]


def evenly_spaced(images: Tensor) -> Tensor:
    """Return the indices of ``COLUMNS`` images at equal distances; indices repeat if there are fewer images."""
    return torch.arange(COLUMNS, device=images.device) * len(images) // COLUMNS


def png(rows: list[Tensor]) -> bytes:
    """Return rows of ``COLUMNS`` images as one PNG; a whole factor enlarges small images to about ``ENLARGED_HEIGHT``.

    A fourth channel (depth) is left out.
    """
    grid = make_grid(torch.cat(rows)[:, :3].cpu(), nrow=COLUMNS, padding=1, pad_value=128)
    factor = max(1, ENLARGED_HEIGHT // rows[0].shape[2])
    picture = Image.fromarray(grid.permute(1, 2, 0).numpy())
    picture = picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
