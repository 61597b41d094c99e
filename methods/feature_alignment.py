"""Feature alignment: a task model, trained on the source, whose features are alike in source and target.

DANN, MMD, Deep CORAL and DSN are this algorithm with different parts, on PixelDA's task tower, or on LineMod on DSN's.
They adapt no images; they give a task model. The features are the outputs of the first hidden layer, and all losses but
the task loss set in after a delay; both follow the DSN paper (Bousmalis et al., NeurIPS 2016, arXiv 1608.06019).

Differences from the papers:

- the papers chose the weights of the losses on labelled target images for every pair, and printed few of them; DANN's
  weight is from the DSN release's example, the other weights are this project's;
- CORAL in the tables of the DSN and PixelDA papers is a linear classifier on aligned features; here it is Deep CORAL
  (Sun and Saenko, 2016, arXiv 1607.01719);
- DANN's own schedule (Ganin et al., JMLR 2016) raises the weight smoothly; here all methods use the DSN paper's delay;
- in the release all losses have a weight of 1e-10 during the delay; here networks that only delayed losses train stand
  still until it is over, weight decay included.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import Any, ClassVar

import torch
from torch import Tensor

from methods.contract import Batch, Config, Method, Problem, Stateful, frozen
from methods.networks.tower import AnyTowerNet, CroppedTowerNet, TaskTower, TowerNet
from methods.parts.alignment import CovarianceAlignment, DomainConfusion, KernelDiscrepancy, NoAlignment
from methods.parts.lessons import Lesson
from methods.parts.optimisers import DecayedAdam, DecayedSgd, descend, updates
from methods.parts.separation import NoSeparation, Separation, Separator
from methods.seeding import Draws, initialising
from mistakes import UserMistake

SHARED = "shared"


@dataclass(frozen=True, kw_only=True)
class FeatureAlignmentConfig(Config):
    """Settings; their defaults are the DSN paper's values. A part that is ``None`` is absent and costs nothing.

    ``weight`` (γ) weighs the alignment loss. The losses of alignment and separation set in after ``delay`` steps.
    ``weight_decay`` times each weight is added to its gradient, as in DSN's release; biases, shifts and the domain
    classifier have none.
    """

    tower: AnyTowerNet = TowerNet()
    lesson: Lesson = Lesson()
    alignment: DomainConfusion | KernelDiscrepancy | CovarianceAlignment | None = DomainConfusion()
    weight: float = 0.25
    separation: Separation | None = None
    delay: int = 10_000
    weight_decay: float = 1e-6
    optimiser: DecayedAdam | DecayedSgd = DecayedSgd()

    SCALES: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"delay": 100},
        "smoke": {
            "tower.first": 4,
            "tower.second": 6,
            "tower.hidden": 12,
            "delay": 2,
            "optimiser": DecayedAdam(),
        },
    }
    BUDGETS: ClassVar[Mapping[str, Mapping[str, int]]] = {
        "small": {"steps": 1500, "batch": 32, "pixels": 32 * 32 * 32},
        "paper": {"steps": 250_000, "batch": 32, "window": 500},
    }
    PAIRS: ClassVar[Mapping[str, Mapping[str, object]]] = {"linemod": {"tower": CroppedTowerNet()}}

    def __post_init__(self) -> None:
        for name in ("weight", "weight_decay"):
            if not 0 <= getattr(self, name) < inf:
                raise UserMistake(f"{name} is {getattr(self, name)}; allowed: a number from 0 on.")
        if self.delay < 0:
            raise UserMistake(f"delay is {self.delay}; allowed: an integer from 0 on.")

    def build(self, problem: Problem, device: torch.device, seed: int) -> "FeatureAlignment":
        """Return the method, ready for its first step."""
        return FeatureAlignment(self, problem, device, seed)


class FeatureAlignment(Method):
    """The task model in training, with the networks of its alignment and separation losses."""

    def __init__(
        self, config: FeatureAlignmentConfig, problem: Problem, device: torch.device, seed: int
    ) -> None:
        self.config, self.task = config, problem.task
        self.draws = Draws(seed, "alignment", device)
        with initialising(seed, "tower"):
            self.tower = TaskTower(problem.shape, problem.outputs, config.tower, [SHARED])
        with initialising(seed, "alignment"):
            self.alignment = config.alignment.over(config.tower.hidden) if config.alignment else NoAlignment()
        self.separation: Separator | NoSeparation = NoSeparation()
        if config.separation:
            with initialising(seed, "separation"):
                self.separation = Separator(config.separation, problem.shape, config.tower.hidden)
        for module in (self.tower, self.alignment, self.separation):
            module.to(device).to(memory_format=torch.channels_last)  # the faster layout on CPU and CUDA
        regular = [*self.tower.parameters(), *self.separation.parameters()]
        weights = [parameter for parameter in regular if parameter.ndim > 1]
        others = [parameter for parameter in regular if parameter.ndim == 1]
        groups: list[dict[str, Any]] = [
            {"params": weights, "weight_decay": config.weight_decay},
            {"params": [*others, *self.alignment.parameters()]},
        ]
        self.optimiser = config.optimiser.over(groups)

    @property
    def state(self) -> Mapping[str, Stateful]:
        """The networks, the optimiser and the random draws, by name."""
        return {
            "tower": self.tower,
            "alignment": self.alignment,
            "separation": self.separation,
            "optimiser": self.optimiser,
            "draws": self.draws,
        }

    @property
    def weights(self) -> dict[str, float]:
        """The weights of the losses after the delay, by name."""
        return {"task": 1.0, "alignment": self.config.weight, **self.separation.weights}

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return the losses of a mini-batch by name, scalars, unweighted."""
        source, target = (self.tower.features(images, SHARED) for images in (batch.source, batch.target))
        decide = partial(self.tower.decide, random=self.draws.random)
        return {
            "task": self.config.lesson.loss(self.task, decide, source, batch.labels),
            "alignment": self.alignment(source, target),
            **self.separation((batch.source, source), (batch.target, target)),
        }

    def step(self, batches: Iterator[Batch]) -> dict[str, Tensor]:
        """Update all networks on one mini-batch: solve the task on the source, align features, separate private features."""
        losses = self.losses(next(batches))
        delayed = updates(self.optimiser) < self.config.delay
        weights = {"task": 1.0} if delayed else self.weights
        descend(torch.stack([weights[name] * losses[name] for name in weights]).sum(), self.optimiser)
        return {name: value.detach() for name, value in losses.items()}

    def adapter(self, batches: Iterator[Batch]) -> None:
        """Return ``None``: no image is adapted."""

    def predictor(self) -> TaskTower:
        """Return a frozen copy of the task model."""
        return frozen(self.tower)
