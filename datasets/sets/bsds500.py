"""Crops of photographs as backgrounds; BSDS500's photographs below ``bsds500/`` of the data root.

Source: D. Martin, C. Fowlkes, D. Tal, J. Malik, ICCV 2001, and P. Arbeláez et al., PAMI 33 (2011), "Berkeley Segmentation
Data Set and Benchmarks 500": ``BSR/BSDS500/data/images/{train,test}/*.jpg``, for non-commercial research and education.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from datasets.files import layout, reading

MIN_SIDE = 32  # pixels


def read(data: Path | None, split: str) -> list[np.ndarray]:
    """Return the photographs that the split ``train`` or ``test`` has on disk (uint8, H × W × 3), in order of name.

    Raises :class:`~mistakes.UserMistake` if there is none, or if one is broken or too small for a crop.
    """
    paths = sorted(reading.under(data, "").glob(layout.BSDS500[split]))
    if not paths:
        raise reading.refused(layout.BSDS500[split], f"is not below {str(data)!r}", "at least one photograph")
    scenes = [reading.picture(path, reading.contents(path), "RGB") for path in paths]
    for path, scene in zip(paths, scenes, strict=True):
        if min(scene.shape[:2]) < MIN_SIDE:
            raise reading.refused(
                path, f"is {scene.shape[1]}×{scene.shape[0]}", f"at least {MIN_SIDE}×{MIN_SIDE}"
            )
    return scenes


def crops(
    photos: Sequence[np.ndarray], count: int, size: int, random: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Return ``count`` crops (uint8, N × 3 × size × size), each at a random place of a random photograph.

    The second tensor (int64, N) holds the place of each crop's photograph among the ``photos``.
    """
    cut = np.empty((count, size, size, 3), np.uint8)
    origins = torch.empty(count, dtype=torch.int64)
    for index in range(count):
        origins[index] = origin = int(random.integers(len(photos)))
        photo = photos[origin]
        top, left = (random.integers(side - size + 1) for side in photo.shape[:2])
        cut[index] = photo[top : top + size, left : left + size]
    return torch.from_numpy(cut).permute(0, 3, 1, 2).contiguous(), origins
