"""Losses that keep a refined image close to its source, so that the label survives.

Every loss is a mean over elements of images in [−1, 1], and the adversarial loss is a mean over verdicts. The weight
between them is therefore a normalised strength Λ, comparable between image sizes, batch sizes and implementations. It is
not comparable between losses: at Λ = 2 the gradient on a trained refiner was 0.38 of the adversarial one for L1, 0.37 for
image derivatives, 0.18 for the pairwise error, 0.17 for the hinged and 0.09 for the random network.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from math import inf
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from methods.seeding import initialising
from mistakes import UserMistake


@dataclass(frozen=True, kw_only=True)
class L1:
    """SimGAN's self-regularisation with ψ = identity: mean |R(x) − x| (1612.07828, eq. 3 and 4)."""

    def loss(self, source: Tensor, refined: Tensor, masks: Tensor) -> Tensor:
        """Return the loss of N × C × H × W images."""
        return F.l1_loss(refined, source)


@dataclass(frozen=True, kw_only=True)
class FeatureL1:
    """SimGAN's self-regularisation in a feature space: mean |ψ(R(x)) − ψ(x)| (1612.07828, eq. 3).

    ψ is the mean over colour channels, the image derivatives (right and down differences), or a small convolutional
    network with fixed random weights.
    """

    features: Literal["colour-mean", "derivatives", "random-network"] = "derivatives"

    def loss(self, source: Tensor, refined: Tensor, masks: Tensor) -> Tensor:
        """Return the loss of N × C × H × W images."""
        psi = FEATURES[self.features]
        return F.l1_loss(psi(refined), psi(source))


@dataclass(frozen=True, kw_only=True)
class PairwiseError:
    """PixelDA's masked pairwise mean squared error (Bousmalis et al., CVPR 2017, arXiv 1612.05424, eq. 7).

    With d = (x − R(x)) ∘ m over all k elements of an image: E[ Σ d² / k − (Σ d)² / k² ]. The background may change freely.
    A shift of the foreground's brightness by c costs c² f (1 − f), where the mask covers the share f of the elements, in
    place of c² f: it is free only for a mask that covers the whole image.
    """

    def loss(self, source: Tensor, refined: Tensor, masks: Tensor) -> Tensor:
        """Return the loss of N × C × H × W images under N × 1 × H × W masks."""
        difference = ((refined - source) * masks).flatten(1)
        return (difference.square().mean(1) - difference.mean(1).square()).mean()


@dataclass(frozen=True, kw_only=True)
class SquaredError:
    """Mean squared error, the plain alternative to :class:`PairwiseError` in PixelDA's release."""

    def loss(self, source: Tensor, refined: Tensor, masks: Tensor) -> Tensor:
        """Return the loss of N × C × H × W images."""
        return F.mse_loss(refined, source)


@dataclass(frozen=True, kw_only=True)
class Hinged:
    """Errors above a threshold only: mean max(0, e − hinge), e absolute or squared (PixelDA's release)."""

    error: Literal["squared", "absolute"] = "squared"
    hinge: float = 0.4

    def __post_init__(self) -> None:
        if not 0 <= self.hinge < inf:
            raise UserMistake(f"content.hinge is {self.hinge}; allowed: a number from 0 on.")

    def loss(self, source: Tensor, refined: Tensor, masks: Tensor) -> Tensor:
        """Return the loss of N × C × H × W images."""
        power = 2 if self.error == "squared" else 1
        return F.relu((refined - source).abs().pow(power) - self.hinge).mean()


class NoContent:
    """No content loss: zero, for free."""

    def loss(self, source: Tensor, refined: Tensor, masks: Tensor) -> Tensor:
        """Return zero."""
        return source.new_zeros(())


def derivatives(images: Tensor) -> Tensor:
    """Return the differences to the right and lower neighbour, N × 2C × (H − 1) × (W − 1)."""
    corner = images[:, :, :-1, :-1]
    return torch.cat([images[:, :, :-1, 1:] - corner, images[:, :, 1:, :-1] - corner], 1)


def colour_mean(images: Tensor) -> Tensor:
    """Return the mean over colour channels, N × 1 × H × W."""
    return images.mean(1, keepdim=True)


def random_network(images: Tensor) -> Tensor:
    """Return the features (N × 32 × ⌈H / 2⌉ × ⌈W / 2⌉) of a two-layer network whose weights are always the same."""
    return _network(images.shape[1], images.device)(images)


@cache
def _network(channels: int, device: torch.device) -> nn.Module:
    with initialising(0, "content features"):
        layers = (nn.Conv2d(channels, 16, 3, 1, 1), nn.ReLU(), nn.Conv2d(16, 32, 3, 2, 1))
    return nn.Sequential(*layers).to(device).requires_grad_(False)


FEATURES: dict[str, Callable[[Tensor], Tensor]] = {
    "colour-mean": colour_mean,
    "derivatives": derivatives,
    "random-network": random_network,
}

Content = L1 | FeatureL1 | PairwiseError | SquaredError | Hinged
"""Content losses: ``loss`` takes source and refined images, N × C × H × W, and masks, N × 1 × H × W; returns a scalar."""
