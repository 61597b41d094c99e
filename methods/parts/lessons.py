"""What task models are taught: how a lesson weighs the loss terms of a task."""

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
    """Weights of a task's loss: the whole, and within it the term ``pose``, ξ; every other term counts as it is."""

    weight: float = 1.0
    pose: float = 0.125

    def __post_init__(self) -> None:
        for name in ("weight", "pose"):
            if not 0 < getattr(self, name) < inf:
                raise UserMistake(f"lesson {name} is {getattr(self, name)}; allowed: a number above 0.")

    def loss(self, task: Task, model: Callable[[Tensor], Tensor], images: Tensor, labels: Tensor) -> Tensor:
        """Return the weighted loss of what a task model puts out for the images, against the task's labels."""
        terms = task.losses(model(images), labels)
        weighed = [self.pose * term if name == "pose" else term for name, term in terms.items()]
        return self.weight * reduce(torch.add, weighed)


class NoLesson:
    """No lesson: zero, and no image passes the task model."""

    def loss(self, task: Task, model: Callable[[Tensor], Tensor], images: Tensor, labels: Tensor) -> Tensor:
        """Return zero."""
        return images.new_zeros(())
