"""How much an adapter's randomness changes an image, and how much its images differ from each other."""

from collections.abc import Callable

import torch
from torch import Tensor

from datasets.contract import to_unit

DRAWN_IMAGES, DRAWS_PER_IMAGE = 64, 8
MAX_PAIRS = 256
Distance = Callable[[Tensor, Tensor], Tensor]


def pixel_distance(first: Tensor, second: Tensor) -> Tensor:
    """Return the mean absolute difference of a pixel between uint8 images, N × C × H × W twice → N values in 0 … 2."""
    return (to_unit(first) - to_unit(second)).abs().double().mean((1, 2, 3))


@torch.inference_mode()
def between_draws(drawn: Tensor, distance: Distance) -> float:
    """Return the mean distance between two adaptations of one image, draws × N × C × H × W, over all pairs of draws."""
    pairs = torch.combinations(torch.arange(len(drawn), device=drawn.device))
    if torch.equal(drawn, drawn[:1].expand_as(drawn)):
        return 0.0
    return distance(drawn[pairs[:, 0]].flatten(0, 1), drawn[pairs[:, 1]].flatten(0, 1)).double().mean().item()


@torch.inference_mode()
def between_images(images: Tensor, distance: Distance) -> float:
    """Return the mean distance of two different images, over at most ``MAX_PAIRS`` pairs: 0 where all are equal."""
    random = torch.Generator().manual_seed(0)
    some = images[torch.randperm(len(images), generator=random)[:MAX_PAIRS].to(images.device)]
    return distance(some, some.roll(1, 0)).double().mean().item()
