"""``linemod``: rendered objects on black → photographed objects, 64 × 64 RGB and depth, class and rotation.

Source: S. Hinterstoisser et al., ACCV 2012, in the crops of P. Wohlhart and V. Lepetit, CVPR 2015, that Domain Separation
Networks and PixelDA use: 11 objects, 16,962 renderings, 10,673 + 2,655 photographs. The crops were never published as
files, so the layout is this project's: below ``linemod/`` of the data root, each of ``source``, ``target_train`` and
``target_test`` holds

- ``rgb/NAME.png``, 64 × 64 RGB, and ``depth/NAME.png``, 64 × 64 grey of 8 bits, 255 where there is no surface;
- ``labels.csv`` with the columns ``name,class,qw,qx,qy,qz``: no ``.png``, class 0 … 10, a unit quaternion.

Every rendering is a view of its own, so none has a sibling; near views stay near.
"""

from pathlib import Path

import numpy as np
import torch

from datasets.contract import ClassificationAndPose, DomainPair, Labelled
from datasets.files import layout, reading

SIZE = 64  # pixels
LABEL_HEAD = "name,class,qw,qx,qy,qz"


def load(data: Path | None = None) -> DomainPair:
    """Return the pair; the foreground is where the depth is below 0.99 of its range, as in PixelDA.

    Raises :class:`~mistakes.UserMistake` for files that are missing or broken.
    """
    source, train, test = (_split(reading.under(data, listing)) for listing in layout.LINEMOD.values())
    return DomainPair(
        name="linemod",
        task=ClassificationAndPose(classes=11),
        source=source,
        oracle=train,
        test=test,
        identity=f"cropped LineMod, {len(source):,} renderings, {len(train):,} train, {len(test):,} test",
    )


def _split(listing: Path) -> Labelled:
    rows = _rows(listing)
    images = np.empty((len(rows), SIZE, SIZE, 4), np.uint8)
    labels = torch.empty(len(rows), 5)
    read = reading.folder(listing.parent)
    for index, (name, numbers) in enumerate(rows):
        labels[index] = torch.tensor(numbers)
        for part, mode, channels in (("rgb", "RGB", slice(3)), ("depth", "L", 3)):
            file = f"{part}/{name}.png"
            images[index, ..., channels] = reading.picture(
                listing.parent / file, read(file), mode, (SIZE, SIZE)
            )
    planes = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()
    return Labelled(images=planes, labels=labels, masks=planes[:, 3:] < 0.99 * 255)


def _rows(listing: Path) -> list[tuple[str, list[float]]]:
    """Return the name and the five numbers of every line of a label file."""
    head, *lines = reading.contents(listing).decode(errors="replace").splitlines() or [""]
    if head != LABEL_HEAD:
        raise reading.refused(listing, f"begins with {head[:80]!r}", repr(LABEL_HEAD))
    rows = []
    for number, line in enumerate(lines, 2):
        name, *texts = line.split(",")
        try:
            kind, w, x, y, z = (float(text) for text in texts)
        except ValueError as error:
            raise reading.refused(
                listing, f"has line {number}: {line[:80]!r}", "a name and five numbers"
            ) from error
        rows.append((name, [kind, w, x, y, z]))
    return rows
