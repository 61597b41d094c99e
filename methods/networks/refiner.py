"""SimGAN's two networks, layer by layer (1612.07828, appendix, gaze experiments)."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from methods.networks.convolution import Convolution
from mistakes import UserMistake


@dataclass(frozen=True, kw_only=True)
class RefinerNet:
    """Width and number of residual blocks of the refiner; the paper's are 64 and 4."""

    width: int = 64
    blocks: int = 4

    def __post_init__(self) -> None:
        if self.width < 1 or self.blocks < 1:
            raise UserMistake(
                f"refiner has width {self.width}, blocks {self.blocks}; allowed: integers from 1 on."
            )


@dataclass(frozen=True, kw_only=True)
class CriticNet:
    """Width of the critic's first layer; the paper's widths 96, 64 and 32 are ``width``, 2/3 and 1/3 of it."""

    width: int = 96

    def __post_init__(self) -> None:
        if self.width < 3 or self.width % 3:
            raise UserMistake(f"critic.width is {self.width}; allowed: a multiple of 3.")


class ResidualBlock(nn.Module):
    """h + conv(ReLU(conv(h))), both 3 × 3; the caller applies the ReLU after the sum."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = Convolution(width, width)
        self.second = Convolution(width, width)

    def forward(self, maps: Tensor) -> Tensor:
        """Map N × width × H × W to the same shape, before its ReLU."""
        return self.second(F.relu(self.first(maps), inplace=True)).add_(maps)  # in place: no new memory


class Refiner(nn.Module):
    """conv 3 × 3, residual blocks, conv 1 × 1, tanh; ReLU, stride 1, no normalisation."""

    def __init__(self, channels: int, net: RefinerNet) -> None:
        super().__init__()
        self.stem = nn.Conv2d(channels, net.width, 3, padding=1)
        self.blocks = nn.ModuleList(ResidualBlock(net.width) for _ in range(net.blocks))
        self.head = nn.Conv2d(net.width, channels, 1)

    def trunk(self, images: Tensor) -> list[Tensor]:
        """Return every block's output before its ReLU, each N × width × H × W."""
        maps, outputs = self.stem(images), []
        for block in self.blocks:
            maps = block(F.relu(maps))
            outputs.append(maps)
        return outputs

    def decode(self, maps: Tensor) -> Tensor:
        """Turn the last block's output into images in [−1, 1]."""
        return torch.tanh(self.head(F.relu(maps)))

    def forward(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Map N × C × H × W in [−1, 1] to refined images of the same shape; there is no randomness."""
        return self.decode(self.trunk(images)[-1])


class Critic(nn.Module):
    """conv 3 × 3 /2, conv 3 × 3 /2, max-pool 3 × 3 /1, conv 3 × 3, conv 1 × 1, conv 1 × 1 → 2; ReLU, no normalisation.

    Strided layers pad one pixel on every side. TensorFlow's SAME pads even sizes at the far side only: the map has the
    same size, shifted by a pixel.
    """

    def __init__(self, channels: int, net: CriticNet) -> None:
        super().__init__()
        wide, middle, narrow = net.width, net.width * 2 // 3, net.width // 3
        # fmt: off
        self.trunk = nn.Sequential(
            nn.Conv2d(channels, wide, 3, stride=2, padding=1), nn.ReLU(),
            nn.Conv2d(wide, middle, 3, stride=2, padding=1), nn.ReLU(),
            nn.MaxPool2d(3, stride=1, padding=1),
            nn.Conv2d(middle, narrow, 3, padding=1), nn.ReLU(),
            nn.Conv2d(narrow, narrow, 1), nn.ReLU(),
        )
        # fmt: on
        self.head = nn.Conv2d(narrow, 2, 1)

    def forward(self, images: Tensor) -> Tensor:
        """Map N × C × H × W to logits N × 2 × ⌈H / 4⌉ × ⌈W / 4⌉ over (real, refined)."""
        return self.head(self.trunk(images))
