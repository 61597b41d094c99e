"""SVHN's cropped digits, below ``svhn/`` of the data root: 73,257 and 26,032 house numbers, 32 × 32 RGB.

Source: Y. Netzer et al., "Reading Digits in Natural Images with Unsupervised Feature Learning", 2011,
http://ufldl.stanford.edu/housenumbers, for non-commercial use only. The files label the digit 0 as 10. They keep the
digits of a house in order, next to each other, but do not say where a house begins: images are grouped in ``BLOCKS``
successive blocks, so that two houses at most are split where a block is held out.
"""

import io
from pathlib import Path

import torch

from datasets.contract import Labelled
from datasets.files import layout, reading

SIZE = 32
COUNTS = {"train": 73_257, "test": 26_032}
CHECKSUMS = layout.SVHN
BLOCKS = 74  # 990 train images each


def read(data: Path | None, split: str) -> Labelled:
    """Return the split ``train`` or ``test``: images N × 3 × 32 × 32 with labels 0 … 9, without masks.

    Raises :class:`~mistakes.UserMistake` for a file that is missing, changed or broken.
    """
    from scipy.io import loadmat  # imported late: only this pair needs it

    name = f"svhn/{split}_32x32.mat"
    path, count = reading.under(data, name), COUNTS[split]
    raw = io.BytesIO(reading.contents(path, CHECKSUMS[name]))
    try:
        stored = loadmat(raw, variable_names=("X", "y"))
        pixels, labels = stored["X"], stored["y"]
    except Exception as error:  # a broken file makes SciPy raise errors of many kinds
        raise reading.refused(path, f"cannot be read ({error!r})", "a MATLAB file with X and y") from error
    reading.expect(path, "X", pixels, (SIZE, SIZE, 3, count), (0, 255))
    reading.expect(path, "y", labels, (count, 1), (1, 10))
    images = torch.from_numpy(pixels).to(torch.uint8).permute(3, 2, 0, 1).contiguous()
    groups = torch.arange(count) * BLOCKS // count
    return Labelled(images=images, labels=torch.from_numpy(labels[:, 0]).long() % 10, groups=groups)
