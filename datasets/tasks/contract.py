"""The contract of tasks."""

from abc import ABC, abstractmethod
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor

from datasets.tasks.measures import Measure


class Task(ABC):
    """The meaning of labels (a tensor, N × …): the outputs, losses and scores of a task model.

    ``name`` is for people only; nothing is looked up by it.
    """

    @property
    @abstractmethod
    def name(self) -> str:
        """The task's name for people."""

    @property
    @abstractmethod
    def outputs(self) -> int:
        """The number of a task model's outputs for one image."""

    @property
    @abstractmethod
    def measures(self) -> tuple[Measure, ...]:
        """The scores of the task; the first is its headline score, for which lower is better."""

    @abstractmethod
    def check(self, labels: Tensor, count: int, where: str) -> None:
        """Raise :class:`~mistakes.UserMistake`, beginning with ``where``, unless these are labels of ``count`` images."""

    @abstractmethod
    def losses(self, outputs: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Return one or more loss terms by name; each is a scalar, the mean over N outputs (N × outputs) and labels."""

    @abstractmethod
    def scores(self, outputs: Tensor, labels: Tensor) -> dict[str, float]:
        """Return the value of every measure by name, for outputs (N × outputs) against labels."""

    def logits(self, outputs: Tensor) -> Tensor | None:
        """Return the logits of classes, N × classes, or ``None`` if the task has no probabilities of classes."""
        return None

    @property
    def titles(self) -> tuple[str, ...]:
        """The names of the classes; empty if labels name no classes."""
        return ()

    def classes_of(self, labels: Tensor) -> Tensor:
        """Return the class of every label as an index into ``titles`` (int64, N); raise ``TypeError`` without classes."""
        raise TypeError(f"labels of the task {self.name!r} name no classes")

    def counts(self, labels: Tensor) -> dict[str, int]:
        """Return the number of labels of every class by its name; empty if labels name no classes."""
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
        """The task's description in a record, as plain data: enough to title its scores without the task."""
        return {
            "name": self.name,
            "headline": self.headline,
            "probabilities": self.logits(torch.zeros(1, self.outputs)) is not None,
            "measures": [asdict(measure) for measure in self.measures],
        }
