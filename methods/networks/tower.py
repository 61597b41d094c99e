"""The task towers that PixelDA and the feature-alignment methods share, as the papers' releases have them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mistakes import UserMistake

MAX_HEIGHT = 5  # pixels of the doubling tower's deepest map; it halves its maps until they are no higher


@dataclass(frozen=True, kw_only=True)
class Layers:
    """What a tower consists of: ``channels`` of its convolutions, each followed by a pool, and ``hidden`` units.

    Every branch has the first ``private`` convolutions of its own. Dropout precedes the outputs.
    """

    kernel: int
    channels: Sequence[int]
    private: int
    hidden: Sequence[int]
    dropout: float = 0.0


@dataclass(frozen=True, kw_only=True)
class TowerNet:
    """DANN's digit classifier: channels of the two convolutions, and units of each of the two hidden layers."""

    first: int = 32
    second: int = 48
    hidden: int = 100

    def __post_init__(self) -> None:
        _check(first=self.first, second=self.second, hidden=self.hidden)

    def layers(self, height: int) -> Layers:
        """Return the layers for images of a height in pixels."""
        return Layers(
            kernel=5, channels=(self.first, self.second), private=1, hidden=(self.hidden, self.hidden)
        )


@dataclass(frozen=True, kw_only=True)
class CroppedTowerNet:
    """DSN's tower for LineMod: two convolutions 5 × 5, one hidden layer, and dropout before the outputs."""

    first: int = 32
    second: int = 64
    hidden: int = 128
    dropout: float = 0.5

    def __post_init__(self) -> None:
        _check(self.dropout, first=self.first, second=self.second, hidden=self.hidden)

    def layers(self, height: int) -> Layers:
        """Return the layers for images of a height in pixels."""
        channels = (self.first, self.second)
        return Layers(kernel=5, channels=channels, private=1, hidden=(self.hidden,), dropout=self.dropout)


@dataclass(frozen=True, kw_only=True)
class DoublingTowerNet:
    """PixelDA's tower for LineMod: convolutions 3 × 3, each twice as wide, down to ``MAX_HEIGHT``, and one hidden layer.

    ``private`` counts the convolutions that every branch has for itself.
    """

    first: int = 32
    private: int = 2
    hidden: int = 100
    dropout: float = 0.5

    def __post_init__(self) -> None:
        _check(self.dropout, first=self.first, private=self.private, hidden=self.hidden)

    def layers(self, height: int) -> Layers:
        """Return the layers for images of a height in pixels."""
        channels, width = list[int](), self.first
        while height > MAX_HEIGHT:
            channels.append(width)
            height, width = height // 2, 2 * width
        return Layers(
            kernel=3, channels=channels, private=self.private, hidden=(self.hidden,), dropout=self.dropout
        )


AnyTowerNet = TowerNet | CroppedTowerNet | DoublingTowerNet


class TaskTower(nn.Module):
    """Convolutions with a pool after each, hidden layers, dropout, outputs; ReLU, no normalisation.

    Each of ``branches`` has first convolutions of its own; the branches share all later layers. Target images pass the
    last branch.
    """

    def __init__(
        self, shape: tuple[int, int, int], outputs: int, net: AnyTowerNet, branches: Sequence[str]
    ) -> None:
        super().__init__()
        layers = net.layers(shape[1])
        widths, pools = [shape[0], *layers.channels], 2 ** len(layers.channels)
        flat = widths[-1] * (shape[1] // pools) * (shape[2] // pools)
        self.first = nn.ModuleDict(
            {name: _convolutions(widths[: layers.private + 1], layers.kernel) for name in branches}
        )
        self.target_branch = branches[-1]
        self.shared = _convolutions(widths[layers.private :], layers.kernel)
        self.hidden = nn.Linear(flat, layers.hidden[0])
        self.later_hidden = nn.ModuleList(nn.Linear(*sizes) for sizes in pairwise(layers.hidden))
        self.dropout = layers.dropout
        self.output = nn.Linear(layers.hidden[-1], outputs)

    def features(self, images: Tensor, branch: str) -> Tensor:
        """Return the first hidden layer's activations, N × hidden; alignment methods align these."""
        return F.relu(self.hidden(self.shared(self.first[branch](images)).flatten(1)))

    def decide(self, features: Tensor, random: torch.Generator | None = None) -> Tensor:
        """Return the task outputs, N × outputs, of :meth:`features`, N × hidden.

        Dropout draws from ``random``; without it nothing is dropped, as when the tower is not trained.
        """
        for layer in self.later_hidden:
            features = F.relu(layer(features))
        return self.output(features if random is None else dropped(features, self.dropout, random))

    def branch(self, name: str, random: torch.Generator | None = None) -> Callable[[Tensor], Tensor]:
        """Return the model of one branch's images, N × C × H × W in [−1, 1] → N × outputs; ``random`` as in :meth:`decide`."""
        return lambda images: self.decide(self.features(images, name), random)

    def forward(self, images: Tensor) -> Tensor:
        """Map target images, N × C × H × W in [−1, 1], to N × outputs."""
        return self.branch(self.target_branch)(images)


def dropped(values: Tensor, share: float, random: torch.Generator) -> Tensor:
    """Set a share of the values to 0 and divide the others by 1 − share, so that the mean stays; 0 draws nothing."""
    if not share:
        return values
    kept = torch.rand(values.shape, generator=random, device=values.device) >= share
    return values * kept / (1 - share)


def _convolutions(widths: Sequence[int], kernel: int) -> nn.Sequential:
    """Return a convolution with ReLU and a 2 × 2 pool from each width to the next."""
    layers = list[nn.Module]()
    for sizes in pairwise(widths):
        layers += [nn.Conv2d(*sizes, kernel, padding=kernel // 2), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers)


def _check(dropout: float = 0.0, **counts: int) -> None:
    for name, count in counts.items():
        if count < 1:
            raise UserMistake(f"tower.{name} is {count}; allowed: an integer from 1 on.")
    if not 0 <= dropout < 1:
        raise UserMistake(f"tower.dropout is {dropout}; allowed: a number from 0 on, below 1.")
