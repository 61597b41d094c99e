"""The contract between methods and the bench: the data that methods are given, and the models that they give back.

Images are float32, N × C × H × W, in [−1, 1]. Methods never see target labels.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from inspect import signature
from typing import Any, ClassVar, Literal, Protocol, TypeVar

import torch
from torch import Tensor, nn

from methods.settings import Value, flatten, method_name
from mistakes import UserMistake


@dataclass(frozen=True, kw_only=True)
class Batch:
    """One mini-batch of N ``source`` images and N ``target`` images.

    Source images have ``labels`` (N × …) and foreground ``masks`` (N × 1 × H × W). Masks are 1.0 on the foreground, and
    all ones if the pair has no masks.
    """

    source: Tensor
    labels: Tensor
    masks: Tensor
    target: Tensor


class Task(Protocol):
    """The task that a method's own task model learns."""

    @property
    def name(self) -> str:
        """The name of the task."""
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
    """All that a method knows before it trains: the images' shape (C, H, W), the task, batch size and number of steps."""

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

    All randomness comes from ``generator``; an adapter without randomness leaves the generator alone.
    """

    def __call__(self, source: Tensor, generator: torch.Generator) -> Tensor:
        """Return the adapted images."""
        ...

    def state_dict(self) -> dict[str, Tensor]:
        """Return the weights, which are stored beside the record."""
        ...


class Predictor(Protocol):
    """A frozen task model of the method's own: target images → task outputs, N × outputs."""

    def __call__(self, images: Tensor) -> Tensor:
        """Return the task model's outputs for the images."""
        ...


class Verdict(Protocol):
    """A frozen critic that judges images: N × C × H × W → N numbers, the higher the more adapted an image looks.

    A critic that normalises by its batch judges images beside their batch-mates, as in training: images of one kind at a
    time.
    """

    def __call__(self, images: Tensor) -> Tensor:
        """Return a verdict on each image."""
        ...


class Stateful(Protocol):
    """An object whose state can be saved and restored: a network, an optimiser, a buffer."""

    def state_dict(self) -> dict[str, Any]:
        """Return the whole state."""
        ...

    def load_state_dict(self, state_dict: Any, /) -> Any:
        """Restore a state that :meth:`state_dict` returned."""
        ...


class Method(ABC):
    """A method in training. It never times, logs, saves, prints or scores."""

    def __init_subclass__(cls) -> None:
        """Raise :class:`~mistakes.UserMistake` for a method whose adapter is not given batches."""
        super().__init_subclass__()
        if len(signature(cls.adapter).parameters) < 2:
            raise UserMistake(
                f"method {cls.__name__} has adapter{signature(cls.adapter)}; allowed: adapter(self, batches)."
            )

    @property
    @abstractmethod
    def state(self) -> Mapping[str, Stateful]:
        """Every object that training changes, by name: networks, optimisers, buffers and random states."""

    @abstractmethod
    def step(self, batches: Iterator[Batch]) -> dict[str, Tensor]:
        """Do one full update of all networks, on as many fresh batches as the algorithm asks for.

        Return the loss terms by name, as detached scalars on the device.
        """

    @abstractmethod
    def adapter(self, batches: Iterator[Batch]) -> Adapter | None:
        """Return a frozen copy of the map source → target, or ``None`` if the method adapts no images.

        ``batches`` is a stream apart from training's, for statistics that the copy needs: the same batches whenever the
        method is asked. It ends at once where weights are loaded afterwards. Nothing of the method itself may change.
        """

    def predictor(self) -> Predictor | None:
        """Return a frozen copy of the method's own task model, or ``None`` if the method has no task model."""
        return None

    def verdict(self) -> Verdict | None:
        """Return a frozen copy of the critic of adapted images, or ``None`` if the method has no such critic."""
        return None

    def pretrain(self, batches: Iterator[Batch]) -> None:  # noqa: B027 (most methods have no pretraining)
        """Do the training that precedes the first step; called once."""

    def networks(self) -> dict[str, nn.Module]:
        """Return the networks in training, by name."""
        return {name: part for name, part in self.state.items() if isinstance(part, nn.Module)}

    def state_dict(self) -> dict[str, Any]:
        """Return the state from which :meth:`load_state_dict` resumes bit for bit.

        The tensors are live: save or copy them before the next step.
        """
        return {name: part.state_dict() for name, part in self.state.items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Resume from a state that :meth:`state_dict` returned."""
        for name, part in self.state.items():
            part.load_state_dict(state[name])


@dataclass(frozen=True, kw_only=True)
class Config(ABC):
    """The frozen settings of an algorithm; their defaults are the values of its paper.

    ``SCALES`` holds the settings that differ from the paper's at other scales, by scale and dotted path. ``BUDGETS``
    holds, by scale, the numbers (steps, batch size …) that replace the scale's own for this algorithm. ``PAIRS`` holds the
    settings that the paper has for a pair of its own, by the pair's name and dotted path, on top of ``SCALES``. ``TRAINS_ON``
    names the labelled images that the row's task model learns from: the adapted source, or, for the upper bound only,
    the target. ``BOUND`` is true for a row that bounds a comparison and is no candidate in it.
    """

    SCALES: ClassVar[Mapping[str, Mapping[str, object]]] = {}
    BUDGETS: ClassVar[Mapping[str, Mapping[str, int]]] = {}
    PAIRS: ClassVar[Mapping[str, Mapping[str, object]]] = {}
    TRAINS_ON: ClassVar[Literal["source", "target"]] = "source"
    BOUND: ClassVar[bool] = False

    @property
    def settings(self) -> dict[str, Value]:
        """All settings by dotted path; the first, ``method``, is the algorithm's name."""
        return {"method": method_name(type(self)), **flatten(self)}

    @abstractmethod
    def build(self, problem: Problem, device: torch.device, seed: int) -> Method:
        """Return the method, ready to be pretrained; all its randomness derives from ``seed``."""


Module = TypeVar("Module", bound=nn.Module)


def frozen(module: Module) -> Module:
    """Return a copy of a network, in evaluation mode and without gradients, that later steps do not change."""
    return deepcopy(module).eval().requires_grad_(False)
