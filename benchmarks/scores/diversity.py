"""How much an adapter's randomness changes an image."""

import torch
from torch import Tensor

from datasets.contract import to_bytes, to_unit
from methods.contract import Adapter
from methods.seeding import generator

IMAGES, DRAWS = 64, 8


@torch.inference_mode()
def draws(adapter: Adapter, source: Tensor, seed: int, count: int = DRAWS) -> Tensor:
    """Return ``count`` adaptations of every source image (uint8, N × C × H × W): count × N × C × H × W, uint8."""
    random = generator(seed, "adapter draws", source.device)
    images = to_unit(source)
    return torch.stack([to_bytes(adapter(images, random)) for _ in range(count)])


def diversity(adapter: Adapter, source: Tensor, seed: int) -> float:
    """Return the mean absolute difference of a pixel between two adaptations of one image: 0 … 2, 0 without randomness.

    Taken over all pairs of ``DRAWS`` draws of the first ``IMAGES`` source images, on the scale of [−1, 1].
    """
    drawn = to_unit(draws(adapter, source[:IMAGES], seed))
    pairs = torch.combinations(torch.arange(len(drawn), device=drawn.device))
    return (drawn[pairs[:, 0]] - drawn[pairs[:, 1]]).abs().double().mean().item()
