"""What task models are taught: the losses of the tasks by name, and how a lesson weighs them."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

import torch
import torch.nn.functional as F
from torch import Tensor

from mistakes import UserMistake


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """Weights of a task's loss: the whole, and within it the pose term ξ; only tasks with a pose have that term."""

    weight: float = 1.0
    pose: float = 0.125

    def __post_init__(self) -> None:
        for name in ("weight", "pose"):
            if not 0 < getattr(self, name) < inf:
                raise UserMistake(f"lesson {name} is {getattr(self, name)}; allowed: a number above 0.")

    def loss(self, task: str, model: Callable[[Tensor], Tensor], images: Tensor, labels: Tensor) -> Tensor:
        """Return the weighted loss of what a task model puts out for the images, against the task's labels."""
        return self.weight * TASK_LOSSES[task](model(images), labels, self.pose)


class NoLesson:
    """No lesson: zero, and no image passes the task model."""

    def loss(self, task: str, model: Callable[[Tensor], Tensor], images: Tensor, labels: Tensor) -> Tensor:
        """Return zero."""
        return images.new_zeros(())


def classification(outputs: Tensor, labels: Tensor, pose: float = 0.0) -> Tensor:
    """Return the mean cross-entropy of logits, N × classes, against class indices, int64 N."""
    return F.cross_entropy(outputs, labels)


def classification_and_pose(outputs: Tensor, labels: Tensor, pose: float) -> Tensor:
    """Return cross-entropy + ``pose`` · E log(1 − |q · q̂|) (PixelDA, 1612.05424, §3).

    ``outputs`` are logits and four more numbers (see :func:`quaternions`); ``labels``, float32 N × 5, are a class
    index and a unit quaternion. 1e-4 inside the logarithm bounds it, as in the release.
    """
    products = (quaternions(outputs) * labels[:, 1:]).sum(1)
    angle = torch.log(1e-4 + 1 - products.abs().clamp(max=1)).mean()
    return F.cross_entropy(outputs[:, :-4], labels[:, 0].long()) + pose * angle


def quaternions(outputs: Tensor) -> Tensor:
    """Return the unit quaternions, N × 4, that the last four outputs stand for: tanh, then length 1."""
    return F.normalize(torch.tanh(outputs[:, -4:]), dim=1)


TASK_LOSSES: dict[str, Callable[[Tensor, Tensor, float], Tensor]] = {
    "classification": classification,
    "classification+pose": classification_and_pose,
}
