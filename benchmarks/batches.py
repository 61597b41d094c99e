"""Batches drawn on the device from a pair that lies there as uint8."""

import torch
from torch import Tensor

from datasets.contract import DomainPair, to_unit
from methods.contract import Batch
from methods.seeding import generator


class Batches:
    """An endless stream of batches, drawn uniformly with replacement from a random stream of its own.

    ``drawn`` counts the source images given out so far.
    """

    def __init__(self, pair: DomainPair, size: int, seed: int) -> None:
        self.pair, self.size = pair, size
        self.drawn = 0
        self.random = generator(seed, "batches", pair.target.device)

    def __iter__(self) -> "Batches":
        return self

    def __next__(self) -> Batch:
        """Draw the next batch; nothing waits for the device."""
        self.drawn += self.size
        source = self._draw(len(self.pair.source))
        images = self.pair.source.images[source]
        masks = self.pair.source.masks
        return Batch(
            source=_laid_out(images),
            labels=self.pair.source.labels[source],
            masks=torch.ones_like(images[:, :1], dtype=torch.float32)
            if masks is None
            else masks[source].float(),
            target=_laid_out(self.pair.target[self._draw(len(self.pair.target))]),
        )

    def _draw(self, count: int) -> Tensor:
        return torch.randint(count, (self.size,), generator=self.random, device=self.random.device)


def _laid_out(images: Tensor) -> Tensor:
    return to_unit(images).contiguous(memory_format=torch.channels_last)
