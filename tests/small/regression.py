"""A task without classes, whole in this file, and a pair that asks it: where does the shape's centre lie?"""

from dataclasses import dataclass, replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from datasets.contract import DomainPair, Labelled, Measure, Task
from datasets.pairs import shapes
from mistakes import UserMistake


@dataclass(frozen=True, kw_only=True)
class Centre(Task):
    """The task of pointing at the centre of a shape. Labels are float32, N × 2: row and column in pixels."""

    name = "centre"
    outputs = 2
    measures = (
        Measure(
            name="distance",
            unit="px",
            about="mean distance between predicted and true centre",
            span="from 0",
            digits=2,
        ),
    )

    def check(self, labels: Tensor, count: int, where: str) -> None:
        """Raise :class:`UserMistake`, beginning with ``where``, unless these are labels of ``count`` images."""
        if tuple(labels.shape) != (count, 2) or not labels.isfinite().all():
            raise UserMistake(
                f"{where}: labels have shape {tuple(labels.shape)}; allowed: ({count}, 2), all finite."
            )

    def losses(self, outputs: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Return the mean squared error."""
        return {"square": F.mse_loss(outputs, labels)}

    def scores(self, outputs: Tensor, labels: Tensor) -> dict[str, float]:
        """Return the mean distance in pixels."""
        return {"distance": (outputs - labels).norm(dim=1).mean().item()}


def load(data: Path | None = None) -> DomainPair:
    """Return the pair ``shapes`` with centres for labels."""
    pair = shapes.load(data)
    source, test = centred(pair.source), centred(pair.test)
    assert pair.oracle is not None
    return replace(pair, name="centres", task=Centre(), source=source, oracle=centred(pair.oracle), test=test)


def centred(examples: Labelled) -> Labelled:
    """Return the examples with the centres of their masks for labels."""
    assert examples.masks is not None
    places = [mask[0].nonzero().float().mean(0) for mask in examples.masks]
    return replace(examples, labels=torch.stack(places))
