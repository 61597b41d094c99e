"""PixelDA's generator and critic, layer by layer (1612.05424, §4.1 and the authors' release)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from methods.contract import frozen
from mistakes import UserMistake

MOMENTUM, EPSILON = 0.1, 1e-3  # batch normalisation: the release's decay 0.9 is a momentum of 0.1 here
MAX_HEIGHT = 4  # pixels of the critic's deepest map; the critic halves its maps until they are no higher


@dataclass(frozen=True, kw_only=True)
class Noise:
    """z ~ U(−1, 1)^dimensions, which a linear layer turns into one more channel of the source image."""

    dimensions: int = 10

    def __post_init__(self) -> None:
        if self.dimensions < 1:
            raise UserMistake(
                f"noise.dimensions is {self.dimensions}; allowed: an integer from 1 on, or noise=none."
            )


@dataclass(frozen=True, kw_only=True)
class GeneratorNet:
    """Width and number of residual blocks of the generator; the release's are 64 and 6."""

    width: int = 64
    blocks: int = 6

    def __post_init__(self) -> None:
        if self.width < 1 or self.blocks < 1:
            raise UserMistake(
                f"generator has width {self.width}, blocks {self.blocks}; allowed: integers from 1 on."
            )


@dataclass(frozen=True, kw_only=True)
class DeepCriticNet:
    """Width of the critic's first layer, a verdict for each image or patch, and the dropout and noise of hidden layers.

    Widths double from layer to layer. ``dropout`` is the share of values set to 0, ``noise`` the standard deviation of
    the Gaussian noise that is added after it.
    """

    width: int = 64
    verdict: Literal["image", "patches"] = "image"
    dropout: float = 0.1
    noise: float = 0.2

    def __post_init__(self) -> None:
        if self.width < 1:
            raise UserMistake(f"critic.width is {self.width}; allowed: an integer from 1 on.")
        if not 0 <= self.dropout < 1:
            raise UserMistake(f"critic.dropout is {self.dropout}; allowed: a number from 0 on, below 1.")
        if not 0 <= self.noise < float("inf"):
            raise UserMistake(f"critic.noise is {self.noise}; allowed: a number from 0 on.")


class NoiseChannel(nn.Module):
    """z → linear → batch norm → ReLU → one channel of the image's size."""

    def __init__(self, noise: Noise, height: int, width: int) -> None:
        super().__init__()
        self.size = (height, width)
        self.project = nn.Linear(noise.dimensions, height * width, bias=False)
        self.norm = nn.BatchNorm1d(height * width, eps=EPSILON, momentum=MOMENTUM)

    def forward(self, images: Tensor, random: torch.Generator) -> Tensor:
        """Return the images with the drawn channel after their own, N × (C + 1) × H × W."""
        z = torch.rand(len(images), self.project.in_features, generator=random, device=images.device)
        channel = F.relu(self.norm(self.project(2 * z - 1))).view(-1, 1, *self.size)
        return torch.cat([images, channel], 1).contiguous(memory_format=torch.channels_last)


class NoNoise(nn.Module):
    """No noise: the images stay as they are, and nothing is drawn."""

    def forward(self, images: Tensor, random: torch.Generator) -> Tensor:
        """Return the images."""
        return images


class NormedBlock(nn.Module):
    """h + BN(conv(ReLU(BN(conv(h))))), both 3 × 3; nothing after the sum."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(width, eps=EPSILON, momentum=MOMENTUM)
        self.second = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(width, eps=EPSILON, momentum=MOMENTUM)

    def forward(self, maps: Tensor) -> Tensor:
        """Map N × width × H × W to the same shape."""
        inner = F.relu(self.first_norm(self.first(maps)), inplace=True)
        return maps + self.second_norm(self.second(inner))


class Generator(nn.Module):
    """Noise channel, conv 3 × 3 with ReLU, residual blocks, conv 1 × 1, tanh; stride 1."""

    def __init__(self, shape: tuple[int, int, int], net: GeneratorNet, noise: Noise | None) -> None:
        super().__init__()
        channels, height, width = shape
        self.noise = NoiseChannel(noise, height, width) if noise else NoNoise()
        self.stem = nn.Conv2d(channels + bool(noise), net.width, 3, padding=1)
        self.blocks = nn.ModuleList(NormedBlock(net.width) for _ in range(net.blocks))
        self.head = nn.Conv2d(net.width, channels, 1)

    def trunk(self, images: Tensor, random: torch.Generator | None = None) -> list[Tensor]:
        """Return every block's output, each N × width × H × W; a generator without noise needs no ``random``."""
        maps, outputs = F.relu(self.stem(self.noise(images, random)), inplace=True), []
        for block in self.blocks:
            maps = block(maps)
            outputs.append(maps)
        return outputs

    def decode(self, maps: Tensor) -> Tensor:
        """Turn the last block's output into images in [−1, 1]."""
        return torch.tanh(self.head(maps))

    def forward(self, images: Tensor, random: torch.Generator) -> Tensor:
        """Map N × C × H × W in [−1, 1] to adapted images of the same shape."""
        return self.decode(self.trunk(images, random)[-1])


class DeepCritic(nn.Module):
    """conv 3 × 3, then convs 3 × 3 /2 with batch norm, each twice as wide, down to a height of 4; one linear layer.

    Leaky ReLU 0.2; dropout and Gaussian noise follow every hidden layer. Batch norm uses the statistics of the batch at
    hand and keeps no running ones, since the critic is never evaluated. Convolutions of stride 2 pad one pixel on all four
    sides; the release pads maps of even size at the bottom and the right alone.
    """

    def __init__(self, shape: tuple[int, int, int], net: DeepCriticNet) -> None:
        super().__init__()
        channels, height, width = shape
        self.net = net
        self.layers = nn.ModuleList([nn.Conv2d(channels, net.width, 3, padding=1)])
        self.norms = nn.ModuleList([nn.Identity()])
        self.sizes = [(net.width, height, width)]
        while self.sizes[-1][1] > MAX_HEIGHT:
            channels, height, width = self.sizes[-1]
            self.sizes.append((2 * channels, -(-height // 2), -(-width // 2)))
            self.layers.append(nn.Conv2d(channels, 2 * channels, 3, stride=2, padding=1, bias=False))
            self.norms.append(nn.BatchNorm2d(2 * channels, eps=EPSILON, track_running_stats=False))
        deepest, height, width = self.sizes[-1]
        self.head = nn.Conv2d(deepest, 1, (height, width) if net.verdict == "image" else 1)

    def trunk(self, images: Tensor, random: torch.Generator) -> Tensor:
        """Map N × C × H × W to the deepest map, N × c × h × w with h ≤ 4."""
        maps = images
        drawn = dropout_and_noise(self.net, len(images), self.sizes, random)
        for layer, norm, (kept, noise) in zip(self.layers, self.norms, drawn, strict=True):
            active = F.leaky_relu(norm(layer(maps)), 0.2, inplace=True)
            maps = torch.addcmul(noise, active, kept, value=1 / (1 - self.net.dropout))
        return maps

    def forward(self, images: Tensor, random: torch.Generator) -> Tensor:
        """Map N × C × H × W to logits of being real: N × 1 × 1 × 1, or N × 1 × h × w for patches."""
        return self.head(self.trunk(images, random))


class AdaptedVerdict(nn.Module):
    """A frozen critic's verdict on each image: its logit of *real*, negated and averaged over places, without dropout and noise."""

    def __init__(self, critic: DeepCritic) -> None:
        super().__init__()
        self.critic = frozen(critic)
        self.critic.net = replace(critic.net, dropout=0.0, noise=0.0)

    def forward(self, images: Tensor) -> Tensor:
        """Map N × C × H × W to N verdicts, the higher the more adapted an image looks."""
        ignored = torch.Generator(images.device)
        return -self.critic(images, ignored).mean((1, 2, 3))


def dropout_and_noise(
    net: DeepCriticNet, images: int, sizes: Sequence[tuple[int, int, int]], random: torch.Generator
) -> list[tuple[Tensor, Tensor]]:
    """Return two maps for every layer: 1.0 where dropout keeps a value and 0.0 elsewhere, and the noise to add.

    Both are drawn in one contiguous block and viewed as channels-last maps: drawing into that layout directly took ten
    times as long on a CPU. Dropout compares 16 random bits with a threshold, exact to 2⁻¹⁶.
    """
    counts = [images * channels * height * width for channels, height, width in sizes]
    total = sum(counts)
    noise = torch.empty(total, device=random.device).normal_(0, net.noise, generator=random)
    words = torch.empty(-(-total // 4), dtype=torch.int64, device=random.device)
    bits = words.random_(-(2**63), None, generator=random).view(torch.int16)[:total]
    threshold = min(round(net.dropout * 2**16), 2**16 - 1) - 2**15
    kept = (bits >= threshold).float()
    return [
        (_as_map(mask, images, size), _as_map(added, images, size))
        for mask, added, size in zip(kept.split(counts), noise.split(counts), sizes, strict=True)
    ]


def _as_map(flat: Tensor, images: int, size: tuple[int, int, int]) -> Tensor:
    channels, height, width = size
    return flat.view(images, height, width, channels).permute(0, 3, 1, 2)
