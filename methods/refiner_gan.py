"""SimGAN: learning from simulated and unsupervised images through adversarial training.

Shrivastava, Pfister, Tuzel, Susskind, Wang and Webb, CVPR 2017, arXiv 1612.07828; Algorithm 1 is :meth:`RefinerGan.step`.

Differences from the paper:

- losses are reported and weighed as means over patches and pixels, while the paper has sums. An update descends the mean
  times the places P of the critic's map, which is the paper's sum over patches: a rate of gradient descent means the same.
  P is that of the map for the global critic too, so that its rate is the same as the local one's. Adam ignores such a factor;
- Λ = 0.153 is λ = 0.01 (not in the paper, attributed to its authors) on sums over 35 × 55 grey pixels and 126 patches;
  the same λ on sums over three channels would be Λ = 0.458;
- the refiner is pretrained by L1 in every row, also in a row with another content loss or none; the paper's pretraining
  has the row's own self-regularisation;
- the refiner is updated twice for each critic update, as in the paper's first version; the 50 updates of the second
  version are reported to collapse the refiner without batch normalisation;
- the history is filled while the refiner is pretrained, so from the first update of the critic on, half of every fake
  mini-batch comes from the history.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import inf
from typing import ClassVar

import torch
from torch import Tensor

from methods.contract import Batch, Config, Method, Problem, Stateful, frozen
from methods.networks.refiner import Critic, CriticNet, RefinedVerdict, Refiner, RefinerNet
from methods.parts.adversary import fooling_loss, real_or_refined_loss
from methods.parts.content import L1, Content, NoContent
from methods.parts.guidance import GGDR, guidance_of
from methods.parts.history import History, history_of
from methods.parts.optimisers import Adam, Optimiser, Sgd, descend
from methods.seeding import initialising
from mistakes import UserMistake


@dataclass(frozen=True, kw_only=True)
class RefinerGanConfig(Config):
    """SimGAN's settings; their defaults are the paper's values. A part that is ``None`` is absent and costs nothing.

    ``content_strength`` is Λ, the weight of the mean content loss against the mean cross-entropy. ``refiner_updates``
    and ``critic_updates`` are K_g and K_d of Algorithm 1.
    """

    content: Content | None = L1()
    content_strength: float = 0.153
    history: History | None = History()
    guidance: GGDR | None = None
    refiner: RefinerNet = RefinerNet()
    critic: CriticNet = CriticNet()
    refiner_optimiser: Optimiser = Sgd()
    critic_optimiser: Optimiser = Sgd()
    refiner_updates: int = 2
    critic_updates: int = 1
    refiner_pretraining: int = 1000
    critic_pretraining: int = 200

    SCALES: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "small": {
            "refiner.width": 32,
            "refiner.blocks": 3,
            "critic.width": 48,
            "content_strength": 2.0,
            "refiner_optimiser": Adam(),
            "critic_optimiser": Adam(),
            "refiner_pretraining": 100,
            "critic_pretraining": 20,
        },
        "smoke": {
            "refiner.width": 8,
            "refiner.blocks": 2,
            "critic.width": 12,
            "refiner_optimiser": Adam(),
            "critic_optimiser": Adam(),
            "refiner_pretraining": 3,
            "critic_pretraining": 2,
            "history.batches": 2,
        },
    }

    def __post_init__(self) -> None:
        if not 0 <= self.content_strength < inf:
            raise UserMistake(f"content_strength is {self.content_strength}; allowed: a number from 0 on.")
        for name in ("refiner_updates", "critic_updates"):
            if getattr(self, name) < 1:
                raise UserMistake(f"{name} is {getattr(self, name)}; allowed: an integer from 1 on.")
        if self.critic_pretraining < 0:
            raise UserMistake(
                f"critic_pretraining is {self.critic_pretraining}; allowed: an integer from 0 on."
            )
        if self.guidance:
            self.guidance.check(self.refiner.blocks)
        minimum = 1 if self.history else 0  # pretraining fills the history
        if self.refiner_pretraining < minimum:
            raise UserMistake(
                f"refiner_pretraining is {self.refiner_pretraining}; allowed: an integer from {minimum} on."
            )

    def build(self, problem: Problem, device: torch.device, seed: int) -> "RefinerGan":
        """Return the method, ready to be pretrained."""
        return RefinerGan(self, problem, device, seed)


class RefinerGan(Method):
    """The refiner R and the critic D in training. Ablations exchange parts; the steps stay the same."""

    def __init__(self, config: RefinerGanConfig, problem: Problem, device: torch.device, seed: int) -> None:
        self.config = config
        self.content = config.content or NoContent()
        self.history = history_of(config.history, problem.batch, problem.shape, seed, device)
        with initialising(seed, "refiner"):
            self.refiner = Refiner(problem.shape[0], config.refiner)
        with initialising(seed, "critic"):
            self.critic = Critic(problem.shape, config.critic)
        self.guidance = guidance_of(
            config.guidance,
            seed,
            critic_width=self.critic.head.in_channels,
            refiner=lambda: Refiner(problem.shape[0], config.refiner),
        )
        for module in (self.refiner, self.critic, self.guidance):
            module.to(device).to(memory_format=torch.channels_last)  # the faster layout on CPU and CUDA
        self.refiner_optimiser = config.refiner_optimiser.over(self.refiner.parameters())
        self.critic_optimiser = config.critic_optimiser.over(
            [*self.critic.parameters(), *self.guidance.parameters()]
        )

    @property
    def state(self) -> Mapping[str, Stateful]:
        """The networks, the optimisers and the history, by name."""
        return {
            "refiner": self.refiner,
            "critic": self.critic,
            "guidance": self.guidance,
            "refiner_optimiser": self.refiner_optimiser,
            "critic_optimiser": self.critic_optimiser,
            "history": self.history,
        }

    def pretrain(self, batches: Iterator[Batch]) -> None:
        """Train R to reproduce its input and fill the history; then train D to tell refined from real images."""
        for _ in range(self.config.refiner_pretraining):
            batch = next(batches)
            refined = self.refiner(batch.source)
            self._descend(L1().loss(batch.source, refined, batch.masks), self.refiner_optimiser)
            self.history.fill(refined)
        for _ in range(self.config.critic_pretraining):
            self.critic_step(next(batches))

    def step(self, batches: Iterator[Batch]) -> dict[str, Tensor]:
        """Do one iteration of Algorithm 1: K_g updates of R, then K_d updates of D, each on fresh images."""
        terms: dict[str, Tensor] = {}
        for _ in range(self.config.refiner_updates):
            terms |= self.refiner_step(next(batches))
        for _ in range(self.config.critic_updates):
            terms |= self.critic_step(next(batches))
        return terms

    def refiner_step(self, batch: Batch) -> dict[str, Tensor]:
        """Update R on eq. 4: fool D, stay close to the source."""
        refined = self.refiner(batch.source)
        adversarial = fooling_loss(self.critic(refined))
        content = self.content.loss(batch.source, refined, batch.masks)
        self._descend(adversarial + self.config.content_strength * content, self.refiner_optimiser)
        return {"refiner adversarial": adversarial.detach(), "content": content.detach()}

    def critic_step(self, batch: Batch) -> dict[str, Tensor]:
        """Update D on eq. 2: tell refined images, fresh and from the history, from real images."""
        with torch.no_grad():
            source = batch.source[: self.history.fresh]
            features = self.refiner.trunk(source)
            refined = self.refiner.decode(features[-1])
        maps = self.critic.trunk(self.history.join(refined))
        adversarial = real_or_refined_loss(self.critic.head(maps), self.critic(batch.target))
        guided = self.guidance.terms(maps[: len(refined)], source, features)
        self._descend(adversarial + guided["guidance"], self.critic_optimiser)
        terms = {"critic adversarial": adversarial, **guided}
        return {name: value.detach() for name, value in terms.items()}

    def _descend(self, loss: Tensor, optimiser: torch.optim.Optimizer) -> None:
        """Take one step down a mean over places times their number: the sum over the critic's map (eq. 2 and 4)."""
        descend(self.critic.places * loss, optimiser)

    def adapter(self, batches: Iterator[Batch]) -> Refiner:
        """Return a frozen copy of R."""
        return frozen(self.refiner)

    def verdict(self) -> RefinedVerdict:
        """Return a frozen copy of D that gives one verdict an image."""
        return RefinedVerdict(self.critic)
