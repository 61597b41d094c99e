"""The UCI handwritten digits and their preparation, shared by the embedded pairs.

Source: E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository,
https://doi.org/10.24432/C50P49, CC BY 4.0; the 1,797 test digits, as scikit-learn ships them. A 32 × 32 bitmap
fitted to the digit is cut into 4 × 4 blocks; the count of ink pixels in each block gives 8 × 8 values in 0 … 16.
"""

from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from datasets.files.closing import check_open

THIRD = 599  # digits


def handwritten() -> tuple[Tensor, Tensor]:
    """Return all 1,797 digits: counts (float32, N × 1 × 8 × 8, 0 … 16) and labels (int64, N).

    Raises :class:`~datasets.files.closing.SealBroken` while a method runs.
    """
    check_open("the UCI handwritten digits")
    return _embedded()


@cache
def _embedded() -> tuple[Tensor, Tensor]:
    from sklearn.datasets import load_digits  # imported late: it takes a second

    digits = load_digits()
    counts = torch.from_numpy(digits.images.astype(np.float32))[:, None]
    return counts, torch.from_numpy(digits.target.astype(np.int64))


def third(index: int) -> slice:
    """Return the places of one of three disjoint, contiguous thirds (599 digits each); the last is every pair's test split.

    The file keeps a writer's digits together, so contiguous thirds share few writers.
    """
    return slice(index * THIRD, (index + 1) * THIRD)


def ink_counts(bitmaps: Tensor) -> Tensor:
    """Count the ink pixels of N × 1 × 32 × 32 bitmaps in 4 × 4 blocks: N × 1 × 8 × 8 values in 0 … 16."""
    return F.avg_pool2d(bitmaps.float(), 4) * 16


def enlarge(blocks: Tensor, size: int) -> Tensor:
    """Turn 8 × 8 counts into uint8 images of ``size`` × ``size``, interpolated bilinearly."""
    images = F.interpolate(blocks, (size, size), mode="bilinear", align_corners=False)
    return (images * (255 / 16)).round().clamp(0, 255).to(torch.uint8)


def ink(images: Tensor) -> Tensor:
    """Return the foreground mask (bool, N × 1 × H × W): at least three eighths of the ink a block can hold."""
    return images.amax(1, keepdim=True) >= 96
