"""Domain separation (DSN; Bousmalis et al., NeurIPS 2016, arXiv 1608.06019): features private to a domain, and shared ones.

Each domain has a private encoder, whose features are added to the shared ones. A decoder rebuilds every image from the
sum; a difference loss keeps private and shared features orthogonal.
"""

from dataclasses import dataclass
from math import inf

import torch.nn.functional as F
from torch import Tensor, nn

from methods.parts.content import PairwiseError
from mistakes import UserMistake


@dataclass(frozen=True, kw_only=True)
class Separation:
    """Weights of the reconstruction (α) and difference (β) losses.

    The paper chose them on labelled target images for every pair and does not print them.
    """

    reconstruction: float = 0.01
    difference: float = 0.05

    def __post_init__(self) -> None:
        for name in ("reconstruction", "difference"):
            if not 0 <= getattr(self, name) < inf:
                raise UserMistake(f"separation.{name} is {getattr(self, name)}; allowed: a number from 0 on.")


class Separator(nn.Module):
    """Private encoders and the shared decoder of :class:`Separation`, with their losses."""

    def __init__(self, separation: Separation, shape: tuple[int, int, int], features: int) -> None:
        super().__init__()
        self.separation = separation
        self.source_encoder = _encoder(shape, features)
        self.target_encoder = _encoder(shape, features)
        self.decoder = Decoder(shape, features)

    def forward(self, source: tuple[Tensor, Tensor], target: tuple[Tensor, Tensor]) -> Tensor:
        """Return α L_recon + β L_difference summed over the domains; each gives its images and their shared features."""
        return self._loss(self.source_encoder, *source) + self._loss(self.target_encoder, *target)

    def _loss(self, encoder: nn.Module, images: Tensor, shared: Tensor) -> Tensor:
        weights = self.separation
        private = encoder(images)
        rebuilt = self.decoder(private + shared)
        reconstruction = PairwiseError().loss(images, rebuilt, masks=images.new_ones(()))
        return weights.reconstruction * reconstruction + weights.difference * difference(private, shared)


class Decoder(nn.Module):
    """Linear to a small map, two convolutions, upsampling to the image's size, two more (the release's small decoder)."""

    def __init__(self, shape: tuple[int, int, int], features: int) -> None:
        super().__init__()
        channels, height, width = shape
        self.size, self.small = (height, width), (-(-height // 3), -(-width // 3))
        self.project = nn.Linear(features, 3 * self.small[0] * self.small[1])
        self.small_maps = nn.Sequential(_conv(3, 16), nn.ReLU(), _conv(16, 16), nn.ReLU())
        self.large_maps = nn.Sequential(_conv(16, 16), nn.ReLU(), _conv(16, channels))

    def forward(self, features: Tensor) -> Tensor:
        """Map N × d to images N × C × H × W, unbounded."""
        maps = self.small_maps(F.relu(self.project(features)).view(-1, 3, *self.small))
        return self.large_maps(F.interpolate(maps, self.size, mode="nearest"))


class NoSeparation(nn.Module):
    """No separation: zero, for free."""

    def forward(self, source: tuple[Tensor, Tensor], target: tuple[Tensor, Tensor]) -> Tensor:
        """Return zero."""
        return source[0].new_zeros(())


def difference(private: Tensor, shared: Tensor) -> Tensor:
    """Return ‖HᵀH′‖² / d², 0 where private and shared features, both N × d, are orthogonal (1608.06019, eq. 5).

    As in the release, the features are centred, each example's features are scaled to length 1, and the mean of the
    d × d squares replaces the paper's sum. The products are sums over the batch, so the loss grows with the square of
    the batch size.
    """
    one, two = (F.normalize(values - values.mean(0), dim=1) for values in (private, shared))
    return (one.T @ two).square().mean()


def _encoder(shape: tuple[int, int, int], features: int) -> nn.Module:
    channels, height, width = shape
    # fmt: off
    return nn.Sequential(
        nn.Conv2d(channels, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(64 * (height // 4) * (width // 4), features), nn.ReLU(),
    )
    # fmt: on


def _conv(in_channels: int, out_channels: int) -> nn.Conv2d:
    return nn.Conv2d(in_channels, out_channels, 3, padding=1)
