"""SimGAN's history of refined images (1612.07828, §2.3): the critic keeps seeing images that the refiner made earlier."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from methods.seeding import generator
from mistakes import UserMistake


@dataclass(frozen=True, kw_only=True)
class History:
    """A buffer that holds ``batches`` mini-batches of refined images.

    The paper does not state its size; the first public implementation used 50 mini-batches of 512.
    """

    batches: int = 50

    def __post_init__(self) -> None:
        if self.batches < 1:
            raise UserMistake(
                f"history.batches is {self.batches}; allowed: an integer from 1 on, or history=none."
            )


class HistoryBuffer:
    """Refined images on the device, with a random stream of their own.

    While the refiner is pretrained the buffer is a ring of the latest mini-batches. From then on, half of each fake
    mini-batch is fresh and half is drawn from the buffer; the fresh half replaces as many random entries. Entries
    are detached copies.
    """

    def __init__(
        self, history: History, batch: int, shape: tuple[int, int, int], random: torch.Generator
    ) -> None:
        if batch < 2:
            raise UserMistake(f"batch is {batch}; allowed: at least 2 with a history, half of it is drawn.")
        self.old = batch // 2
        self.fresh = batch - self.old
        self._random = random
        self.images = torch.zeros((history.batches * batch, *shape), device=random.device)
        self._filled = 0

    def fill(self, refined: Tensor) -> None:
        """Store a whole mini-batch over the oldest one; the first mini-batch fills every place."""
        if not self._filled:
            every = torch.arange(len(self.images), device=self.images.device)
            self.images.copy_(refined.detach()[every % len(refined)])
        start = self._filled % len(self.images)
        self.images[start : start + len(refined)] = refined.detach()
        self._filled += len(refined)

    def join(self, refined: Tensor) -> Tensor:
        """Return the fresh images with as many old ones drawn without replacement; then store the fresh ones.

        An empty buffer starts with these fresh images in every place.
        """
        if not self._filled:
            self.fill(refined)
        drawn = self.images[self._random_places(self.old)]
        stored = refined[: self.old].detach().to(self.images.dtype)  # autocast may have given another type
        self.images[self._random_places(self.old)] = stored
        return torch.cat([refined, drawn])

    def _random_places(self, count: int) -> Tensor:
        order = torch.randperm(len(self.images), generator=self._random, device=self.images.device)
        return order[:count]

    def state_dict(self) -> dict[str, Tensor]:
        """Return the images, the number of images filled in, and the random state."""
        random = self._random.get_state()
        return {"images": self.images.clone(), "filled": torch.tensor(self._filled), "random": random}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Restore all three."""
        self.images.copy_(state["images"])
        self._filled = int(state["filled"])
        self._random.set_state(state["random"].cpu())


class NoHistory:
    """No history: every fake image is fresh, nothing is stored."""

    def __init__(self, batch: int) -> None:
        self.fresh = batch

    def fill(self, refined: Tensor) -> None:
        """Do nothing."""

    def join(self, refined: Tensor) -> Tensor:
        """Return the fresh images."""
        return refined

    def state_dict(self) -> dict[str, Tensor]:
        """Return nothing."""
        return {}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take nothing."""


def history_of(
    history: History | None, batch: int, shape: tuple[int, int, int], seed: int, device: torch.device
) -> HistoryBuffer | NoHistory:
    """Return the buffer of a run, or :class:`NoHistory` where ``history`` is ``None``."""
    if history is None:
        return NoHistory(batch)
    return HistoryBuffer(history, batch, shape, generator(seed, "history", device))
