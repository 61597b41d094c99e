"""Lessons: the weighted task losses that task models learn from."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from math import inf

import torch
from torch import Tensor

from methods.contract import Task
from mistakes import UserMistake


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """The weights of a task's loss: ``weight`` for the whole loss, ``pose`` (ξ) for the term "pose"; other terms weigh 1."""

    weight: float = 1.0
    pose: float = 0.125

    def __post_init__(self) -> None:
        for name in ("weight", "pose"):
            if not 0 < getattr(self, name) < inf:
                raise UserMistake(f"lesson {name} is {getattr(self, name)}; allowed: a number above 0.")

    def loss(self, task: Task, model: Callable[[Tensor], Tensor], images: Tensor, labels: Tensor) -> Tensor:
        """Return the weighted loss, a scalar, of a task model's outputs for the images against their labels."""
        terms = task.losses(model(images), labels)
        weighed = [self.pose * term if name == "pose" else term for name, term in terms.items()]
        return self.weight * reduce(torch.add, weighed)


class NoLesson:
    """No lesson: the loss is zero, and the task model is not run."""

    def loss(self, task: Task, model: Callable[[Tensor], Tensor], images: Tensor, labels: Tensor) -> Tensor:
        """Return zero."""
        return images.new_zeros(())
