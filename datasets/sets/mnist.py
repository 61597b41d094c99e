"""MNIST in its four original files, below ``mnist/`` of the data root: 60,000 and 10,000 digits, 28 × 28 grey.

Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits"; usually cited as CC BY-SA 3.0.
"""

from pathlib import Path

import torch

from datasets.contract import Labelled
from datasets.files import layout, reading

SIZE = 28
COUNTS = {"train": 60_000, "t10k": 10_000}
CHECKSUMS = layout.MNIST


def read(data: Path | None, split: str) -> Labelled:
    """Return the split ``train`` or ``t10k``: images N × 1 × 28 × 28 with labels, white on black, without masks.

    Raises :class:`~mistakes.UserMistake` for a file that is missing, changed or broken.
    """
    images, labels, count = (
        f"mnist/{split}-images-idx3-ubyte.gz",
        f"mnist/{split}-labels-idx1-ubyte.gz",
        COUNTS[split],
    )
    pixels = reading.idx(reading.under(data, images), (count, SIZE, SIZE), CHECKSUMS[images])
    digits = reading.idx(reading.under(data, labels), (count,), CHECKSUMS[labels])
    reading.expect(reading.under(data, labels), "labels", digits, (count,), (0, 9))
    return Labelled(images=torch.from_numpy(pixels)[:, None], labels=torch.from_numpy(digits).long())
