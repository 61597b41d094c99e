"""The task of naming an object's class and its rotation, a unit quaternion (w, x, y, z)."""

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from datasets.tasks.classification import Classification
from datasets.tasks.measures import ANGLE, ERROR, Measure
from mistakes import UserMistake


@dataclass(frozen=True, kw_only=True)
class ClassificationAndPose(Classification):
    """The task of naming the class of an object and its rotation.

    Labels are float32, N × 5: the class, then a quaternion (w, x, y, z) of norm 1 within 0.001.
    """

    name: str = "classification+pose"

    COLUMNS: ClassVar[tuple[str, ...]] = ("label", "w", "x", "y", "z")

    @property
    def outputs(self) -> int:
        """The number of a task model's outputs for one image: one for each class, and four for a quaternion."""
        return self.classes + 4

    @property
    def measures(self) -> tuple[Measure, ...]:
        """The error of the class, and the angle."""
        return (ERROR, ANGLE)

    def classes_of(self, labels: Tensor) -> Tensor:
        """Return the class of every label (int64, N)."""
        return labels[:, 0].long()

    def logits(self, outputs: Tensor) -> Tensor:
        """Return the logits of the classes, N × classes."""
        return outputs[:, :-4]

    def losses(self, outputs: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Return the mean cross-entropy as ``class`` and E log(1 − |q · q̂|) as ``pose`` (PixelDA, 1612.05424, §3).

        The term 1e-4 inside the logarithm keeps it finite, as in the authors' release.
        """
        products = (quaternions(outputs) * labels[:, 1:]).sum(1)
        pose = torch.log(1e-4 + 1 - products.abs().clamp(max=1)).mean()
        return {**super().losses(outputs, labels), "pose": pose}

    def scores(self, outputs: Tensor, labels: Tensor) -> dict[str, float]:
        """Return the error of the class, and the angle."""
        return {**super().scores(outputs, labels), ANGLE.name: angle(outputs, labels)}

    def check(self, labels: Tensor, count: int, where: str) -> None:
        """Raise :class:`~mistakes.UserMistake`, beginning with ``where``, unless these are labels of ``count`` images."""
        if tuple(labels.shape) != (count, 5) or labels.dtype != torch.float32:
            raise UserMistake(
                f"{where}: labels are {labels.dtype} of shape {tuple(labels.shape)}; allowed: float32, ({count}, 5)."
            )
        classes, norms = labels[:, 0], labels[:, 1:].norm(dim=1)
        if len(broken := classes[classes % 1 != 0]):
            raise UserMistake(f"{where}: labels name the class {float(broken[0])}; allowed: whole numbers.")
        self.check_range(classes, where)
        if len(broken := norms[~((norms - 1).abs() <= 1e-3)]):  # negated, so that NaN is broken too
            raise UserMistake(
                f"{where}: labels hold a quaternion of norm {float(broken[0]):.4g}; allowed: 1 within 0.001."
            )


def angle(outputs: Tensor, labels: Tensor) -> float:
    """Return the mean angle between predicted and true orientation in degrees: 0 … 180.

    The angle is 2 arccos |q · q̂|; q̂ comes from the last four of the outputs, and q from labels (N × 5).
    """
    products = (quaternions(outputs) * labels[:, 1:]).double().sum(1).abs().clamp(max=1)
    return torch.rad2deg(2 * torch.arccos(products)).mean().item()


def quaternions(outputs: Tensor) -> Tensor:
    """Return unit quaternions, N × 4, from the last four outputs: tanh, then normalised to length 1."""
    return F.normalize(torch.tanh(outputs[:, -4:]), dim=1)
