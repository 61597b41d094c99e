"""The picture beside a record: rows of source, adapted and real target images."""

import io

import torch
from PIL import Image
from torch import Tensor
from torchvision.utils import make_grid

from datasets.contract import DomainPair

COLUMNS, ENLARGED = 16, 64


def sample_grid(pair: DomainPair, adapted: Tensor | None) -> bytes:
    """Return a PNG: 16 source images, the same images adapted (if any), 16 real ones of the target."""
    picked = torch.arange(COLUMNS) * len(pair.source) // COLUMNS
    real = torch.arange(COLUMNS) * len(pair.target) // COLUMNS
    rows = [pair.source.images[picked.to(pair.source.images.device)].cpu()]
    if adapted is not None:
        rows.append(adapted[picked.to(adapted.device)].cpu())
    rows.append(pair.target[real.to(pair.target.device)].cpu())
    grid = make_grid(torch.cat(rows), nrow=COLUMNS, padding=1, pad_value=128)
    factor = max(1, ENLARGED // pair.shape[1])
    picture = Image.fromarray(grid.permute(1, 2, 0).numpy())
    picture = picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
