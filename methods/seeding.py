"""Random streams: every purpose has a stream derived from the run's seed, so draws for one purpose never shift another's."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch


def derive(seed: int, purpose: str) -> int:
    """Return the 63-bit seed of a ``purpose`` ("init critic", "batches" …) within a run."""
    digest = hashlib.sha256(f"{seed}/{purpose}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def generator(seed: int, purpose: str, device: torch.device | str = "cpu") -> torch.Generator:
    """Return a generator on ``device`` that serves a single purpose of a run."""
    return torch.Generator(device).manual_seed(derive(seed, purpose))


class Draws:
    """The generator that a method draws from while it trains; its state can be saved and restored."""

    def __init__(self, seed: int, purpose: str, device: torch.device) -> None:
        self.random = generator(seed, purpose, device)

    def state_dict(self) -> dict[str, torch.Tensor]:
        """Return the random state."""
        return {"random": self.random.get_state()}

    def load_state_dict(self, state: Mapping[str, torch.Tensor]) -> None:
        """Restore the random state."""
        self.random.set_state(state["random"].cpu())


@contextmanager
def initialising(seed: int, purpose: str) -> Iterator[None]:
    """Draw the weights of modules built in this context from the purpose's stream; the global generator is restored."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(derive(seed, f"init {purpose}"))
        yield
