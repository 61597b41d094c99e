"""MNIST-M as released: MNIST digits that invert a patch of a photograph, 32 × 32 RGB, below ``mnist_m/`` of the data root.

Source: Y. Ganin et al., "Domain-Adversarial Training of Neural Networks", JMLR 17 (2016), http://yaroslav.ganin.net;
59,001 train and 9,001 test images, derived from MNIST and BSDS500, no licence stated. Images are read from the unpacked
folder, from the release's archive, or from an archive of the first 5,000 train images and all test images. Image i shows
MNIST's digit i and has its label.
"""

import re
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from datasets.contract import Labelled
from datasets.files import layout, reading
from datasets.sets import mnist

SIZE = 32
TRAIN, TEST = 59_001, 9_001  # images
LABELS, ARCHIVES = layout.MNIST_M_LABELS, layout.MNIST_M_ARCHIVES


def read(data: Path | None) -> tuple[Labelled, Labelled, str]:
    """Return train and test images (both N × 3 × 32 × 32, without masks) and a phrase that says which images they are.

    Raises :class:`~mistakes.UserMistake` for files that are missing, changed or broken, for label lines that are not
    "name digit", and unless there are exactly 9,001 test images.
    """
    reader = _reader(data)
    train, numbered = _split(reader, "train")
    test, _ = _split(reader, "test")
    if len(test) != TEST:
        raise reading.refused(LABELS["test"], f"lists {len(test):,} images", f"all {TEST:,}")
    part = "" if len(train) == TRAIN else f"{'first ' if numbered else ''}{len(train):,} of "
    return train, test, f"MNIST-M release, {part}{TRAIN:,} train, {TEST:,} test"


def compose(digits: Tensor, patches: Tensor) -> tuple[Tensor, Tensor]:
    """Put digits (uint8, N × 1 × 28 × 28) over patches (uint8, N × 3 × 32 × 32) as the release does.

    The digit is padded by 2 pixels; every pixel above 0 is foreground and inverts the patch. Returns the images (N × 3 ×
    32 × 32) and the masks (bool, N × 1 × 32 × 32).
    """
    masks = F.pad(digits, [(SIZE - mnist.SIZE) // 2] * 4) > 0
    return torch.where(masks, 255 - patches, patches), masks


def _reader(data: Path | None) -> reading.Reader:
    unpacked = reading.under(data, LABELS["train"])
    if unpacked.exists():
        return reading.folder(unpacked.parent.parent)
    here = [name for name in ARCHIVES if reading.under(data, name).exists()] or list(ARCHIVES)
    return reading.archive(reading.under(data, here[0]), ARCHIVES[here[0]])


def _split(reader: reading.Reader, split: str) -> tuple[Labelled, bool]:
    """Return a split in the order of its label file, and whether the file numbers images from 0 without a gap."""
    listing = LABELS[split]
    lines = reader(listing).decode(errors="replace").splitlines()
    names, labels = [], []
    for number, line in enumerate(lines, 1):
        if not (parsed := re.fullmatch(r"(\S+) ([0-9])", line)):
            raise reading.refused(
                listing, f"has line {number}: {line[:80]!r}", "lines of a name and a digit 0 … 9"
            )
        names.append(parsed[1])
        labels.append(int(parsed[2]))
    images = np.empty((len(names), SIZE, SIZE, 3), np.uint8)
    for index, name in enumerate(names):
        file = f"mnist_m/mnist_m_{split}/{name}"
        images[index] = reading.picture(file, reader(file), "RGB", (SIZE, SIZE))
    examples = Labelled(
        images=torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(),
        labels=torch.tensor(labels, dtype=torch.int64),
    )
    return examples, names == [f"{index:08}.png" for index in range(len(names))]
