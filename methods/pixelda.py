"""PixelDA: unsupervised pixel-level domain adaptation with generative adversarial networks.

Bousmalis, Silberman, Dohan, Erhan and Krishnan, CVPR 2017, arXiv 1612.05424; layers, weights and schedule follow
the authors' release for MNIST → MNIST-M. On LineMod the task tower is the release's for poses; the weights for LineMod
were never published, so MNIST-M's stand in. :meth:`PixelDA.step` is one update of the critic D and the task tower T
with the generator G fixed, then one of G with D and T fixed.

Differences from the release:

- both updates of a step share one mini-batch and its adapted images, while the release draws another mini-batch for G;
  this saves a pass of G, and the update of D and T leaves G and its running statistics untouched;
- the learning rate decays every 10,000 steps; the release's 20,000 count the updates of D and those of G;
- batch normalisation has a scale besides its shift; D has no running statistics, because it would never use them;
- the frozen G normalises by statistics that are taken anew from source mini-batches; the release uses the running ones,
  which lag behind G's weights at the rate of this schedule's first steps;
- D's convolutions of stride 2 pad all four sides alike, while the release pads even sizes at the bottom and the right;
- there is no weight decay; the release sets it on layers but never adds it to a loss.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from math import inf
from typing import ClassVar

import torch
from torch import Tensor, nn

from methods.contract import Batch, Config, Method, Problem, Stateful, frozen
from methods.networks.pixelda import AdaptedVerdict, DeepCritic, DeepCriticNet, Generator, GeneratorNet, Noise
from methods.networks.tower import AnyTowerNet, DoublingTowerNet, TaskTower, TowerNet
from methods.parts.adversary import passing_loss, real_or_adapted_loss
from methods.parts.content import Content, NoContent
from methods.parts.guidance import GGDR, guidance_of
from methods.parts.history import History, history_of
from methods.parts.lessons import Lesson, NoLesson
from methods.parts.optimisers import DecayedAdam, Optimiser, descend
from methods.parts.statistics import re_estimated
from methods.seeding import Draws, initialising
from mistakes import UserMistake

SOURCE, ADAPTED = "source", "adapted"
SETTLING_BATCHES = 50  # mini-batches that the statistics of a frozen generator are taken from


@dataclass(frozen=True, kw_only=True)
class PixelDAConfig(Config):
    """PixelDA's settings; their defaults are the release's values. A part that is ``None`` is absent and costs nothing.

    ``critic_weight`` and ``adversarial_weight`` weigh the adversarial loss of D and of G. ``content_strength`` is Λ, the
    weight of the mean content loss against G's mean cross-entropy. ``source_lesson`` and ``adapted_lesson`` weigh the
    task loss that T learns from on source and on adapted images; ``task_lesson`` weighs the task loss that G learns from.
    ``spread`` is the standard deviation of initial weights; ``None`` keeps torch's own initialisation.
    """

    noise: Noise | None = Noise()
    generator: GeneratorNet = GeneratorNet()
    critic: DeepCriticNet = DeepCriticNet()
    tower: AnyTowerNet = TowerNet()
    critic_weight: float = 0.135603587834
    adversarial_weight: float = 0.0113173311334
    source_lesson: Lesson | None = Lesson(pose=0.25)
    adapted_lesson: Lesson = Lesson()
    task_lesson: Lesson | None = Lesson(weight=0.0100959947002)
    content: Content | None = None
    content_strength: float = 10.0
    history: History | None = None
    guidance: GGDR | None = None
    optimiser: Optimiser = DecayedAdam()
    spread: float | None = 0.02

    SCALES: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {"generator.width": 16, "generator.blocks": 3, "critic.width": 32, "spread": None},
        "smoke": {
            "generator.width": 8,
            "generator.blocks": 2,
            "critic.width": 8,
            "tower.first": 4,
            "tower.second": 6,
            "tower.hidden": 12,
            "spread": None,
        },
    }
    BUDGETS: ClassVar[Mapping[str, Mapping[str, int]]] = {
        "small": {"steps": 1200},
        "paper": {"steps": 250_000, "batch": 32, "window": 500},
    }
    PAIRS: ClassVar[Mapping[str, Mapping[str, object]]] = {"linemod": {"tower": DoublingTowerNet()}}

    def __post_init__(self) -> None:
        for name in ("critic_weight", "adversarial_weight"):
            if not 0 < getattr(self, name) < inf:
                raise UserMistake(f"{name} is {getattr(self, name)}; allowed: a number above 0.")
        if not 0 <= self.content_strength < inf:
            raise UserMistake(f"content_strength is {self.content_strength}; allowed: a number from 0 on.")
        if self.spread is not None and not 0 < self.spread < inf:
            raise UserMistake(f"spread is {self.spread}; allowed: a number above 0, or none.")
        if self.guidance:
            self.guidance.check(self.generator.blocks)

    def build(self, problem: Problem, device: torch.device, seed: int) -> "PixelDA":
        """Return the method, ready for its first step."""
        return PixelDA(self, problem, device, seed)


class PixelDA(Method):
    """The generator G, the critic D and the task tower T in training. Ablations exchange parts; the steps stay the same."""

    def __init__(self, config: PixelDAConfig, problem: Problem, device: torch.device, seed: int) -> None:
        self.config, self.task = config, problem.task
        self.content = config.content or NoContent()
        self.source_lesson = config.source_lesson or NoLesson()
        self.adapted_lesson = config.adapted_lesson
        self.task_lesson = config.task_lesson or NoLesson()
        self.draws = Draws(seed, "pixelda", device)
        self.history = history_of(config.history, problem.batch, problem.shape, seed, device)
        with initialising(seed, "generator"):
            self.generator = Generator(problem.shape, config.generator, config.noise)
        with initialising(seed, "critic"):
            self.critic = DeepCritic(problem.shape, config.critic)
        branches = (SOURCE, ADAPTED) if config.source_lesson else (ADAPTED,)
        with initialising(seed, "tower"):
            self.tower = TaskTower(problem.shape, problem.outputs, config.tower, branches)
        self.guidance = guidance_of(
            config.guidance,
            seed,
            critic_width=self.critic.head.in_channels,
            refiner=lambda: Generator(problem.shape, config.generator, None),
        )
        for module in (self.generator, self.critic, self.tower, self.guidance):
            if config.spread is not None:
                with initialising(seed, f"spread {type(module).__name__}"):
                    _redraw(module, config.spread)
            module.to(device).to(memory_format=torch.channels_last)  # the faster layout on CPU and CUDA
        self.generator_optimiser = config.optimiser.over(self.generator.parameters())
        self.critic_optimiser = config.optimiser.over(
            [*self.critic.parameters(), *self.guidance.parameters(), *self.tower.parameters()]
        )

    @property
    def state(self) -> Mapping[str, Stateful]:
        """The networks, optimisers, history and random draws, by name."""
        return {
            "generator": self.generator,
            "critic": self.critic,
            "tower": self.tower,
            "guidance": self.guidance,
            "generator_optimiser": self.generator_optimiser,
            "critic_optimiser": self.critic_optimiser,
            "history": self.history,
            "draws": self.draws,
        }

    def step(self, batches: Iterator[Batch]) -> dict[str, Tensor]:
        """Adapt one mini-batch; update D and T on it, then G."""
        batch = next(batches)
        features = self.generator.trunk(batch.source, self.draws.random)
        adapted = self.generator.decode(features[-1])
        return self.critic_step(batch, adapted.detach(), features) | self.generator_step(batch, adapted)

    def critic_step(self, batch: Batch, adapted: Tensor, features: list[Tensor]) -> dict[str, Tensor]:
        """Update D and T: D tells adapted from real images (eq. 2), T solves the task on source and adapted images (eq. 3)."""
        fresh, random = self.history.fresh, self.draws.random
        maps = self.critic.trunk(self.history.join(adapted[:fresh]), random)
        real = self.critic(batch.target, random)
        adversarial = real_or_adapted_loss(self.critic.head(maps), real)
        guided = self.guidance.terms(
            maps[:fresh], batch.source[:fresh], [feature[:fresh] for feature in features]
        )
        on_adapted, on_source = (self.tower.branch(name, random) for name in (ADAPTED, SOURCE))
        task = self.adapted_lesson.loss(self.task, on_adapted, adapted, batch.labels)
        task = task + self.source_lesson.loss(self.task, on_source, batch.source, batch.labels)
        descend(self.config.critic_weight * (adversarial + guided["guidance"]) + task, self.critic_optimiser)
        terms = {"critic adversarial": adversarial, "task": task, **guided}
        return {name: value.detach() for name, value in terms.items()}

    def generator_step(self, batch: Batch, adapted: Tensor) -> dict[str, Tensor]:
        """Update G: fool D, keep images solvable for T, and stay close to the source if there is a content loss (eq. 6)."""
        adversarial = passing_loss(self.critic(adapted, self.draws.random))
        content = self.content.loss(batch.source, adapted, batch.masks)
        solve = self.tower.branch(ADAPTED, self.draws.random)
        task = self.task_lesson.loss(self.task, solve, adapted, batch.labels)
        realism = adversarial + self.config.content_strength * content
        descend(self.config.adversarial_weight * realism + task, self.generator_optimiser)
        terms = {"generator adversarial": adversarial, "content": content, "generator task": task}
        return {name: value.detach() for name, value in terms.items()}

    def adapter(self, batches: Iterator[Batch]) -> Generator:
        """Return a frozen copy of G that normalises by its mean statistics on ``SETTLING_BATCHES`` source batches."""
        random = self.draws.random.clone_state()
        seen = islice(batches, SETTLING_BATCHES)
        return re_estimated(self.generator, ((batch.source, random) for batch in seen))

    def predictor(self) -> TaskTower:
        """Return a frozen copy of T; target images pass through its branch for adapted images."""
        return frozen(self.tower)

    def verdict(self) -> AdaptedVerdict:
        """Return a frozen copy of D that gives one verdict an image."""
        return AdaptedVerdict(self.critic)


def _redraw(network: nn.Module, spread: float) -> None:
    """Draw the weights of all convolutions and linear layers from N(0, spread²) and set their biases to 0."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.normal_(module.weight, std=spread)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
