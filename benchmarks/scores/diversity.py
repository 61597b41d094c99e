"""How much an adapter's randomness changes an image, and how much its images differ from each other."""

import torch
from torch import Tensor

from benchmarks.evaluation.features.perceptual import Distance
from datasets.contract import to_bytes, to_unit
from datasets.sealing import closed
from methods.contract import Adapter
from methods.seeding import generator

IMAGES, DRAWS, SPREAD = 64, 8, 256


@closed()
@torch.inference_mode()
def draws(adapter: Adapter, source: Tensor, seed: int, count: int = DRAWS) -> Tensor:
    """Return ``count`` adaptations of every source image (uint8, N × C × H × W): count × N × C × H × W, uint8."""
    random = generator(seed, "adapter draws", source.device)
    images = to_unit(source)
    return torch.stack([to_bytes(adapter(images, random)) for _ in range(count)])


def pixel_distance(first: Tensor, second: Tensor) -> Tensor:
    """Return the mean absolute difference of a pixel between uint8 images, N × C × H × W twice → N values in 0 … 2."""
    return (to_unit(first) - to_unit(second)).abs().double().mean((1, 2, 3))


@torch.inference_mode()
def between_draws(drawn: Tensor, distance: Distance) -> float:
    """Return the mean distance of two adaptations of one image, over all pairs: 0 without randomness."""
    pairs = torch.combinations(torch.arange(len(drawn), device=drawn.device))
    if torch.equal(drawn, drawn[:1].expand_as(drawn)):
        return 0.0
    return distance(drawn[pairs[:, 0]].flatten(0, 1), drawn[pairs[:, 1]].flatten(0, 1)).double().mean().item()


@torch.inference_mode()
def between_images(images: Tensor, distance: Distance) -> float:
    """Return the mean distance of two different images, over at most ``SPREAD`` pairs: 0 where all are the same."""
    random = torch.Generator().manual_seed(0)
    some = images[torch.randperm(len(images), generator=random)[:SPREAD].to(images.device)]
    return distance(some, some.roll(1, 0)).double().mean().item()
