"""All that the outside may rely on: what methods are given, and what they give back.

Images are float32, N × C × H × W, in [−1, 1]. There are no target labels on this side of the contract.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol, TypeVar

import torch
from torch import Tensor, nn

from methods.settings import Value, flatten, method_name


@dataclass(frozen=True, kw_only=True)
class Batch:
    """One draw: as many ``source`` images, with labels (N × …) and foreground masks (N × 1 × H × W), as ``target`` images.

    Masks are 1.0 on the foreground, and all ones where the pair knows none.
    """

    source: Tensor
    labels: Tensor
    masks: Tensor
    target: Tensor


class Task(Protocol):
    """What a task model of the method's own is taught."""

    @property
    def name(self) -> str:
        """What people call the task."""
        ...

    @property
    def outputs(self) -> int:
        """How many numbers a task model puts out for one image."""
        ...

    def losses(self, outputs: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Return the loss terms by name, scalars, of outputs, N × outputs, against labels, N × …."""
        ...


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What a method may know before it trains: the images' shape (C, H, W), the task, batch size and steps to come."""

    shape: tuple[int, int, int]
    task: Task
    batch: int
    steps: int

    @property
    def outputs(self) -> int:
        """How many numbers a task model puts out for one image."""
        return self.task.outputs


class Adapter(Protocol):
    """A frozen map from source images to target-looking images of the same shape and range.

    All randomness comes from ``generator``; an adapter without randomness leaves it alone.
    """

    def __call__(self, source: Tensor, generator: torch.Generator) -> Tensor:
        """Return the adapted images."""
        ...

    def state_dict(self) -> dict[str, Tensor]:
        """Return the weights, to be stored beside the record."""
        ...


class Predictor(Protocol):
    """A frozen task model of the method's own: target images → task outputs, N × outputs."""

    def __call__(self, images: Tensor) -> Tensor:
        """Return the outputs."""
        ...


class Stateful(Protocol):
    """Anything whose state can be taken and put back: networks, optimisers, buffers."""

    def state_dict(self) -> dict[str, Any]:
        """Return the whole state."""
        ...

    def load_state_dict(self, state_dict: Any, /) -> Any:
        """Put a state back."""
        ...


class Method(ABC):
    """A method in training. It never times, logs, saves, prints or scores."""

    @property
    @abstractmethod
    def state(self) -> Mapping[str, Stateful]:
        """Name all that changes in training: networks, optimisers, buffers, each with its random state."""

    @abstractmethod
    def step(self, batches: Iterator[Batch]) -> dict[str, Tensor]:
        """Do one full update of all that is trained, on as many fresh batches as the algorithm asks for.

        Returns the loss terms by name, as detached scalars on the device.
        """

    @abstractmethod
    def adapter(self) -> Adapter | None:
        """Return a frozen copy of the map source → target, or ``None`` if the method has none."""

    def predictor(self) -> Predictor | None:
        """Return a frozen copy of the method's own task model, or ``None`` if it has none."""
        return None

    def pretrain(self, batches: Iterator[Batch]) -> None:  # noqa: B027 (most methods need none)
        """Do once all that precedes the first step."""

    def networks(self) -> dict[str, nn.Module]:
        """Return the networks in training, by name."""
        return {name: part for name, part in self.state.items() if isinstance(part, nn.Module)}

    def state_dict(self) -> dict[str, Any]:
        """Return all that a later :meth:`load_state_dict` needs to go on bit for bit.

        The tensors are the live ones: save or copy them before the next step.
        """
        return {name: part.state_dict() for name, part in self.state.items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state taken by :meth:`state_dict`."""
        for name, part in self.state.items():
            part.load_state_dict(state[name])


@dataclass(frozen=True, kw_only=True)
class Config(ABC):
    """The frozen settings of an algorithm, at the values of its paper.

    ``SCALES`` holds what another scale than ``paper`` changes, by dotted path. ``BUDGETS`` holds, by scale, the steps,
    batch size and the like that the algorithm asks for in place of the scale's own. ``TRAINS_ON`` says which labelled
    images the task model of the row learns from: adapted source, or (the upper bound only) the labelled target.
    ``BOUND`` says that the row bounds a comparison and is no candidate in it.
    """

    SCALES: ClassVar[Mapping[str, Mapping[str, object]]] = {}
    BUDGETS: ClassVar[Mapping[str, Mapping[str, int]]] = {}
    TRAINS_ON: ClassVar[Literal["source", "target"]] = "source"
    BOUND: ClassVar[bool] = False

    @property
    def settings(self) -> dict[str, Value]:
        """All settings by dotted path, led by the algorithm's name as ``method``."""
        return {"method": method_name(type(self)), **flatten(self)}

    @abstractmethod
    def build(self, problem: Problem, device: torch.device, seed: int) -> Method:
        """Return the method, ready for its first step, all randomness derived from ``seed``."""


Module = TypeVar("Module", bound=nn.Module)


def frozen(module: Module) -> Module:
    """Return a copy of a network in evaluation mode that no later step changes."""
    return deepcopy(module).eval().requires_grad_(False)
