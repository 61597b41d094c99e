"""USPS as ``usps/usps.h5`` of the data root: 7,291 and 2,007 digits, 16 × 16 grey, the standard split.

Source: J. J. Hull, "A Database for Handwritten Text Recognition Research", PAMI 16 (1994); no licence stated. The file
holds ``train/data``, ``train/target``, ``test/data`` and ``test/target``, pixels in [0, 1].
"""

import io
from pathlib import Path

import numpy as np
import torch

from datasets.contract import Labelled
from datasets.files import layout, reading

SIZE = 16
COUNTS = {"train": 7_291, "test": 2_007}
((FILE, CHECKSUM),) = layout.USPS.items()


def read(data: Path | None, split: str) -> Labelled:
    """Return the split ``train`` or ``test``: images N × 1 × 16 × 16 with labels, white on black, without masks.

    Raises :class:`~mistakes.UserMistake` for a file that is missing, changed or broken.
    """
    import h5py  # imported late: only this pair needs it

    path, count = reading.under(data, FILE), COUNTS[split]
    raw = io.BytesIO(reading.contents(path, CHECKSUM))
    try:
        with h5py.File(raw, "r") as stored:
            pixels, labels = (np.asarray(stored[f"{split}/{part}"]) for part in ("data", "target"))
    except (KeyError, OSError, RuntimeError) as error:
        reason = str(error.args[0])  # a KeyError quotes its text
        raise reading.refused(
            path, f"cannot be read ({reason})", "HDF5 with data and target of both splits"
        ) from error
    reading.expect(path, f"{split}/data", pixels, (count, SIZE**2), (0, 1))
    reading.expect(path, f"{split}/target", labels, (count,), (0, 9))
    grey = np.rint(pixels.reshape(count, 1, SIZE, SIZE) * 255).astype(np.uint8)
    return Labelled(images=torch.from_numpy(grey), labels=torch.from_numpy(labels).long())
