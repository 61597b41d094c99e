"""What every task promises."""

from abc import ABC, abstractmethod
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor

from datasets.tasks.measures import Measure


class Task(ABC):
    """What labels mean: what a task model puts out, learns by and is scored with. Labels are a tensor, N × ….

    Nothing is looked up by ``name``: it is what people call the task.
    """

    @property
    @abstractmethod
    def name(self) -> str:
        """What people call the task."""

    @property
    @abstractmethod
    def outputs(self) -> int:
        """How many numbers a task model puts out for one image."""

    @property
    @abstractmethod
    def measures(self) -> tuple[Measure, ...]:
        """The scores of the task; the first is its headline score, of which less is better."""

    @abstractmethod
    def check(self, labels: Tensor, count: int, where: str) -> None:
        """Raise :class:`~mistakes.UserMistake`, beginning with ``where``, unless these are labels of ``count`` images."""

    @abstractmethod
    def losses(self, outputs: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Return the loss terms by name, at least one, each a scalar: the mean over outputs, N × outputs, and labels."""

    @abstractmethod
    def scores(self, outputs: Tensor, labels: Tensor) -> dict[str, float]:
        """Return every measure's value by its name, of outputs, N × outputs, against labels."""

    def logits(self, outputs: Tensor) -> Tensor | None:
        """Return the logits of classes, N × classes, or ``None`` for a task whose outputs are no probabilities."""
        return None

    @property
    def titles(self) -> tuple[str, ...]:
        """The names of the classes that labels fall into; none where they fall into none."""
        return ()

    def classes_of(self, labels: Tensor) -> Tensor:
        """Return the class of every label: int64, N, a place in ``titles``."""
        raise TypeError(f"labels of the task {self.name!r} fall into no classes")

    def counts(self, labels: Tensor) -> dict[str, int]:
        """Return how many labels fall into every class, by its name."""
        if not self.titles:
            return {}
        each = torch.bincount(self.classes_of(labels), minlength=len(self.titles)).tolist()
        return dict(zip(self.titles, each, strict=True))

    @property
    def headline(self) -> str:
        """The name of the headline score."""
        return self.measures[0].name

    @property
    def plain(self) -> dict[str, Any]:
        """What a record says of the task, as plain data: enough to title its scores without the task itself."""
        return {
            "name": self.name,
            "headline": self.headline,
            "probabilities": self.logits(torch.zeros(1, self.outputs)) is not None,
            "measures": [asdict(measure) for measure in self.measures],
        }
