"""SimGAN's two networks, layer by layer (1612.07828, appendix, gaze experiments)."""

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from methods.contract import frozen
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
    """Width of the critic's first layer, a verdict for each patch or image, and the normalisation of hidden layers.

    The paper's widths 96, 64 and 32 are ``width``, 2/3 and 1/3 of it. ``verdict="patches"`` is the paper's local
    adversarial loss (§2.2); ``"image"`` is the global loss that the paper compares it with, a fully connected layer over
    the whole map. ``normalisation="batch"`` is not the paper's: batch norm after each convolution between first and last.
    """

    width: int = 96
    verdict: Literal["patches", "image"] = "patches"
    normalisation: Literal["none", "batch"] = "none"

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
    """conv 3 × 3 /2, conv 3 × 3 /2, max-pool 3 × 3 /1, conv 3 × 3, conv 1 × 1, then the head → 2; ReLU.

    The head is a conv 1 × 1 for verdicts on patches, and spans the whole map for one on the image. ``places`` is the
    number of places of the map, whatever the head. Strided layers pad one pixel on every side. TensorFlow's SAME pads
    even sizes at the far side only: the map has the same size, shifted by a pixel. Batch norm, if there is any, uses the
    statistics of the batch at hand and keeps no running ones, so refined and real images pass in batches of their own.
    """

    def __init__(self, shape: tuple[int, int, int], net: CriticNet) -> None:
        super().__init__()
        channels, *image = shape
        wide, middle, narrow = net.width, net.width * 2 // 3, net.width // 3
        height, width = (-(-pixels // 4) for pixels in image)
        self.places = height * width
        self.trunk = nn.Sequential(
            nn.Conv2d(channels, wide, 3, stride=2, padding=1),
            nn.ReLU(),
            *_hidden(net, wide, middle, 3, stride=2),
            nn.MaxPool2d(3, stride=1, padding=1),
            *_hidden(net, middle, narrow, 3),
            *_hidden(net, narrow, narrow, 1),
        )
        self.head = nn.Conv2d(narrow, 2, (height, width) if net.verdict == "image" else 1)

    def forward(self, images: Tensor) -> Tensor:
        """Map N × C × H × W to logits over (real, refined): N × 2 × ⌈H / 4⌉ × ⌈W / 4⌉ of patches, N × 2 × 1 × 1 of images."""
        return self.head(self.trunk(images))


def _hidden(net: CriticNet, inputs: int, outputs: int, size: int, stride: int = 1) -> list[nn.Module]:
    if net.normalisation == "none":
        return [nn.Conv2d(inputs, outputs, size, stride, size // 2), nn.ReLU()]
    convolution = nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False)
    return [convolution, nn.BatchNorm2d(outputs, track_running_stats=False), nn.ReLU()]


class RefinedVerdict(nn.Module):
    """A frozen critic's verdict on each image: the log-odds of *refined*, averaged over the places of the map."""

    def __init__(self, critic: Critic) -> None:
        super().__init__()
        self.critic = frozen(critic)

    def forward(self, images: Tensor) -> Tensor:
        """Map N × C × H × W to N verdicts, the higher the more refined an image looks."""
        real, refined = self.critic(images).unbind(1)
        return (refined - real).mean((1, 2))
