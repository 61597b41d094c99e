"""The two bounds of every comparison: a task model without adaptation, and a task model that learns target labels.

Neither bound trains a network itself. The evaluation trains its task model, on unchanged source images for
``source-only`` and on labelled target images for ``target-only``. Only the evaluation has access to target labels.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from methods.contract import Batch, Config, Method, Problem, Stateful


class Identity(nn.Module):
    """The adapter that returns source images unchanged."""

    def forward(self, source: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return the images unchanged."""
        return source


class Untrained(Method):
    """A method that trains nothing and adapts nothing."""

    @property
    def state(self) -> Mapping[str, Stateful]:
        """Nothing: the method has no state."""
        return {}

    def step(self, batches: Iterator[Batch]) -> dict[str, Tensor]:
        """Return no losses: no network is trained."""
        return {}

    def adapter(self, batches: Iterator[Batch]) -> Identity:
        """Return the identity."""
        return Identity()


@dataclass(frozen=True, kw_only=True)
class SourceOnly(Config):
    """The lower bound: the task model sees the source as it is."""

    BOUND: ClassVar[bool] = True

    def build(self, problem: Problem, device: torch.device, seed: int) -> Untrained:
        """Return the method that trains nothing."""
        return Untrained()


@dataclass(frozen=True, kw_only=True)
class TargetOnly(SourceOnly):
    """The upper bound: the task model learns from labelled target images."""

    TRAINS_ON: ClassVar[Literal["source", "target"]] = "target"
