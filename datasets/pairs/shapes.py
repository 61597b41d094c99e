"""``shapes``: flat crosses, discs and bars → the same shapes, darker and grainy; 12 × 12 grey, drawn in milliseconds.

Shapes of one kind at one place are one group: flat ones are equal.
"""

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from datasets.contract import Classification, DomainPair, Labelled

SIZE = 12


def load(data: Path | None = None) -> DomainPair:
    """Return the pair: 96 source, 96 target and 96 test images of three classes."""
    return DomainPair(
        name="shapes",
        task=Classification(classes=3),
        source=_flat(96, seed=0),
        oracle=_grainy(96, seed=1),
        test=_grainy(96, seed=2),
    )


def _flat(count: int, seed: int) -> Labelled:
    random = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 3
    centre = torch.randint(4, SIZE - 4, (2, count, 1, 1), generator=random)
    rows, columns = torch.meshgrid(torch.arange(SIZE), torch.arange(SIZE), indexing="ij")
    down, right = rows - centre[0], columns - centre[1]
    cross = ((down == 0) | (right == 0)) & (down.abs() + right.abs() < 4)
    disc = down**2 + right**2 < 9
    bar = (down.abs() < 2) & (right.abs() < 4)
    masks = torch.stack([cross, disc, bar], 1)[torch.arange(count), labels][:, None]
    places = (centre[0] * SIZE + centre[1]).flatten()
    return Labelled(
        images=masks.to(torch.uint8) * 255, labels=labels, masks=masks, groups=places * 3 + labels
    )


def _grainy(count: int, seed: int) -> Labelled:
    flat = _flat(count, seed)
    random = torch.Generator().manual_seed(100 + seed)
    grain: Tensor = torch.randint(0, 80, flat.images.shape, generator=random, dtype=torch.uint8)
    return replace(flat, images=flat.images // 2 + grain)
