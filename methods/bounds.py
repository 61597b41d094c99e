"""The two bounds of every comparison: no adaptation at all, and labels of the target.

Neither trains anything. The evaluation teaches its task model on unchanged source images for ``source-only``, and on the
labelled target images, which only the evaluation can reach, for ``target-only``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from methods.contract import Batch, Config, Method, Problem, Stateful


class Identity(nn.Module):
    """The adapter that changes nothing."""

    def forward(self, source: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return the images."""
        return source


class Untrained(Method):
    """A method without anything to train."""

    @property
    def state(self) -> Mapping[str, Stateful]:
        """Return nothing: there is no state."""
        return {}

    def step(self, batches: Iterator[Batch]) -> dict[str, Tensor]:
        """Do nothing."""
        return {}

    def adapter(self) -> Identity:
        """Return the identity."""
        return Identity()


@dataclass(frozen=True, kw_only=True)
class SourceOnly(Config):
    """The lower bound: the task model sees the source as it is."""

    BOUND: ClassVar[bool] = True

    def build(self, problem: Problem, device: torch.device, seed: int) -> Untrained:
        """Return a method that does nothing."""
        return Untrained()


@dataclass(frozen=True, kw_only=True)
class TargetOnly(SourceOnly):
    """The upper bound: the task model learns from labelled target images."""

    TRAINS_ON: ClassVar[Literal["source", "target"]] = "target"
