"""The task tower that PixelDA and the feature-alignment methods share: DANN's digit classifier."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from mistakes import UserMistake


@dataclass(frozen=True, kw_only=True)
class TowerNet:
    """Channels of the two convolutions, and units of each of the two hidden layers."""

    first: int = 32
    second: int = 48
    hidden: int = 100

    def __post_init__(self) -> None:
        if min(self.first, self.second, self.hidden) < 1:
            raise UserMistake(
                f"tower has first {self.first}, second {self.second}, hidden {self.hidden}; allowed: integers from 1 on."
            )


class TaskTower(nn.Module):
    """conv 5 × 5, pool, conv 5 × 5, pool, two hidden layers, outputs; ReLU, no normalisation.

    Each of ``branches`` has a first convolution of its own; the branches share all later layers. Target images pass the
    last branch.
    """

    def __init__(
        self, shape: tuple[int, int, int], outputs: int, net: TowerNet, branches: Sequence[str]
    ) -> None:
        super().__init__()
        channels, height, width = shape
        self.first = nn.ModuleDict({name: nn.Conv2d(channels, net.first, 5, padding=2) for name in branches})
        self.target_branch = branches[-1]
        self.second = nn.Conv2d(net.first, net.second, 5, padding=2)
        self.hidden = nn.Linear(net.second * (height // 4) * (width // 4), net.hidden)
        self.second_hidden = nn.Linear(net.hidden, net.hidden)
        self.output = nn.Linear(net.hidden, outputs)

    def features(self, images: Tensor, branch: str) -> Tensor:
        """Return the first hidden layer's activations, N × hidden; alignment methods align these."""
        maps = F.max_pool2d(F.relu(self.first[branch](images)), 2)
        maps = F.max_pool2d(F.relu(self.second(maps)), 2)
        return F.relu(self.hidden(maps.flatten(1)))

    def decide(self, features: Tensor) -> Tensor:
        """Return the task outputs, N × outputs, of :meth:`features`, N × hidden."""
        return self.output(F.relu(self.second_hidden(features)))

    def branch(self, name: str) -> Callable[[Tensor], Tensor]:
        """Return the model of one branch's images, N × C × H × W in [−1, 1] → N × outputs."""
        return lambda images: self.decide(self.features(images, name))

    def forward(self, images: Tensor) -> Tensor:
        """Map target images, N × C × H × W in [−1, 1], to N × outputs."""
        return self.branch(self.target_branch)(images)
