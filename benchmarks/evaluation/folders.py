"""Two folders of a user's images → features → the realism scores that ``bench.py fid`` shows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.evaluation.features.extractors import Extractor, load_extractor
from benchmarks.scores.realism import intervals, realism
from datasets.own.images import MIN_IMAGES, decode, picture_paths, pixels
from mistakes import UserMistake

BATCH = 64


@dataclass(frozen=True, kw_only=True)
class FolderFeatures:
    """Features (N × d, on the CPU) of the readable images of a folder; ``broken`` names the unreadable files."""

    features: Tensor
    broken: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class FolderComparison:
    """How close the images of one folder are to those of another.

    ``extractor`` is the extractor's title, and ``images`` counts the images of each folder. ``intervals`` holds 95 %
    intervals over images for the scores that have an interval; ``broken`` names the unreadable files.
    """

    extractor: str
    images: tuple[int, int]
    scores: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    broken: tuple[str, ...]


def compare_folders(
    generated: Path, real: Path, extractor: str, device: str, data: Path | None
) -> FolderComparison:
    """Return the realism scores of generated against real images; weights are looked for below the root ``data``.

    Raises :class:`UserMistake` for an extractor without weights, and for a folder as :func:`folder_features` does.
    """
    place = torch.device(device)
    network = load_extractor(extractor, place, data)
    one, two = (folder_features(folder, network, place) for folder in (generated, real))
    return FolderComparison(
        extractor=network.title,
        images=(len(one.features), len(two.features)),
        scores=realism(one.features, two.features),
        intervals=intervals(one.features, two.features),
        broken=(*one.broken, *two.broken),
    )


def folder_features(folder: Path, extractor: Extractor, device: torch.device) -> FolderFeatures:
    """Read every PNG and JPEG below a folder, in the order of names, and return the features of the images as RGB.

    Images may differ in size; the extractor resizes them as its title says. At most ``BATCH`` images are held at a time.
    Raises :class:`UserMistake` for a folder that does not exist or holds fewer than ``MIN_IMAGES`` readable images.
    """
    paths = picture_paths(folder, strict=False)
    broken: list[str] = []
    parts = [extractor(batch.to(device)).cpu() for batch in _batches(paths, broken)]
    count = sum(map(len, parts))
    if count < MIN_IMAGES:
        raise UserMistake(
            f"folder {str(folder)!r} holds {count} readable images; "
            f"allowed: at least {MIN_IMAGES} PNG or JPEG images."
        )
    return FolderFeatures(features=torch.cat(parts), broken=tuple(broken))


def _batches(paths: Sequence[Path], broken: list[str]) -> Iterator[Tensor]:
    """Yield uint8 batches of equal size, N × 3 × H × W; the names of unreadable files go to ``broken``."""
    images: list[Tensor] = []
    for path in paths:
        try:
            image = pixels(decode(path).convert("RGB"))
        except UserMistake:
            broken.append(str(path))
            continue
        if images and (len(images) == BATCH or images[0].shape != image.shape):
            yield torch.stack(images)
            images = []
        images.append(image)
    if images:
        yield torch.stack(images)
