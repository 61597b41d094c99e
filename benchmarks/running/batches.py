"""Batches, drawn on the device from the uint8 images of a pair."""

from collections.abc import Mapping
from copy import copy
from typing import Any

import torch
from torch import Tensor

from datasets.contract import DomainPair, Labelled, to_unit
from methods.contract import Batch
from methods.seeding import generator


class Batches:
    """An endless stream of batches, drawn uniformly with replacement from a random stream of its own.

    If a pair limits the classes that adaptation may see, only source images of those classes are drawn. ``drawn`` counts
    the source images drawn so far. Every batch is a copy: a method that writes into it changes neither the data nor a
    later batch.
    """

    def __init__(self, pair: DomainPair, size: int, seed: int) -> None:
        self.size, self._target = size, pair.target
        self.drawn, self.seed = 0, seed
        self.random = generator(seed, "batches", pair.target.device)
        self._source = _seen(pair)

    def aside(self, purpose: str) -> "Batches":
        """Return the purpose's own stream of batches from its beginning; it is the same at every call and moves nothing."""
        other = copy(self)
        other.drawn, other.random = 0, generator(self.seed, f"batches {purpose}", self.random.device)
        return other

    def __iter__(self) -> "Batches":
        return self

    def __next__(self) -> Batch:
        """Draw the next batch; nothing waits for the device."""
        self.drawn += self.size
        index = self._draw(len(self._source))
        images, masks = self._source.images[index], self._source.masks
        return Batch(
            source=_laid_out(images),
            labels=self._source.labels[index],
            masks=torch.ones_like(images[:, :1], dtype=torch.float32)
            if masks is None
            else masks[index].float(),
            target=_laid_out(self._target[self._draw(len(self._target))]),
        )

    def state_dict(self) -> dict[str, Any]:
        """Return the number of source images drawn, the seed and the random state."""
        return {"drawn": self.drawn, "seed": self.seed, "random": self.random.get_state()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a state of the same pair and batch size."""
        self.drawn, self.seed = state["drawn"], state["seed"]
        self.random.set_state(state["random"].cpu())

    def _draw(self, count: int) -> Tensor:
        return torch.randint(count, (self.size,), generator=self.random, device=self.random.device)


def _laid_out(images: Tensor) -> Tensor:
    return to_unit(images).contiguous(memory_format=torch.channels_last)


def _seen(pair: DomainPair) -> Labelled:
    """Return the source examples of the classes that adaptation may see."""
    if pair.seen is None:
        return pair.source
    classes = pair.task.classes_of(pair.source.labels)
    return pair.source.pick(torch.isin(classes, torch.tensor(pair.seen, device=classes.device)))
