"""The task of naming classes."""

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from datasets.tasks.contract import Task
from datasets.tasks.measures import ERROR, Measure
from mistakes import UserMistake


@dataclass(frozen=True, kw_only=True)
class Classification(Task):
    """The task of naming one of ``classes`` classes; its error is the share of wrong answers in percent.

    Labels are int64, N, in 0 … classes − 1. ``called`` holds the classes' names; without it, their numbers are their names.
    ``COLUMNS`` are the columns of a label in a user's CSV file: the class by its name, then numbers.
    """

    classes: int
    called: tuple[str, ...] = ()
    name: str = "classification"

    COLUMNS: ClassVar[tuple[str, ...]] = ("label",)

    @property
    def titles(self) -> tuple[str, ...]:
        """The name of every class."""
        return self.called or tuple(map(str, range(self.classes)))

    @property
    def outputs(self) -> int:
        """The number of a task model's outputs for one image: one for each class."""
        return self.classes

    @property
    def measures(self) -> tuple[Measure, ...]:
        """The error."""
        return (ERROR,)

    def classes_of(self, labels: Tensor) -> Tensor:
        """Return the class of every label (int64, N)."""
        return labels

    def logits(self, outputs: Tensor) -> Tensor:
        """Return the logits of the classes, N × classes."""
        return outputs

    def losses(self, outputs: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Return the mean cross-entropy as ``class``."""
        return {"class": F.cross_entropy(self.logits(outputs), self.classes_of(labels))}

    def scores(self, outputs: Tensor, labels: Tensor) -> dict[str, float]:
        """Return the error."""
        return {ERROR.name: error(self.logits(outputs), self.classes_of(labels))}

    def check(self, labels: Tensor, count: int, where: str) -> None:
        """Raise :class:`~mistakes.UserMistake`, beginning with ``where``, unless these are labels of ``count`` images."""
        if tuple(labels.shape) != (count,) or labels.dtype != torch.int64:
            raise UserMistake(
                f"{where}: labels are {labels.dtype} of shape {tuple(labels.shape)}; allowed: int64, ({count},)."
            )
        self.check_range(labels, where)

    def check_range(self, classes: Tensor, where: str) -> None:
        """Raise :class:`~mistakes.UserMistake`, beginning with ``where``, unless these are indices of classes."""
        lowest, highest = int(classes.min()), int(classes.max())
        if not 0 <= lowest <= highest < self.classes:
            raise UserMistake(
                f"{where}: labels lie in {lowest} … {highest}; allowed: 0 … {self.classes - 1}."
            )


def error(logits: Tensor, classes: Tensor) -> float:
    """Return the share of wrong answers in percent, 0 … 100, of logits, N × classes, against classes, int64 N."""
    return 100 * (logits.argmax(1) != classes).double().mean().item()
