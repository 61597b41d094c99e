"""Domain separation (DSN; Bousmalis et al., NeurIPS 2016, arXiv 1608.06019): features private to a domain, and shared ones.

Each domain has a private encoder, whose features are added to the shared ones. A decoder rebuilds every image from the
sum; a difference loss keeps private and shared features orthogonal. The networks are those of the authors' release for
MNIST → MNIST-M, its ``default_encoder`` and ``small_decoder``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from methods.parts.content import PairwiseError
from mistakes import UserMistake

SMALL = (3, 10, 10)  # the decoder's first map, whatever the size of the images
EPSILON = 1e-3


@dataclass(frozen=True, kw_only=True)
class Separation:
    """Weights of the reconstruction (α) and difference (β) losses, both summed over the two domains.

    The paper chose them on labelled target images for every pair and does not print them. Those here are this project's:
    each loss has a gradient of some per cent to some tens of per cent of the task loss's on the shared layers. α weighs a
    *mean* over images. The release's pairwise error is twice that, summed over the batch, so an α of the release
    is 2 · batch times as strong as the same number here.
    """

    reconstruction: float = 0.5
    difference: float = 10.0

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

    @property
    def weights(self) -> Mapping[str, float]:
        """α and β by the names of their losses."""
        return {
            "reconstruction": self.separation.reconstruction,
            "difference": self.separation.difference,
        }

    def forward(self, source: tuple[Tensor, Tensor], target: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        """Return both losses, summed over the domains, unweighted; a domain is its images and their shared features."""
        losses = [self._losses(self.source_encoder, *source), self._losses(self.target_encoder, *target)]
        return {name: losses[0][name] + losses[1][name] for name in losses[0]}

    def _losses(self, encoder: nn.Module, images: Tensor, shared: Tensor) -> dict[str, Tensor]:
        private = encoder(images)
        rebuilt = self.decoder(private + shared)
        return {
            "reconstruction": PairwiseError().loss(images, rebuilt, masks=images.new_ones(())),
            "difference": difference(private, shared),
        }


class ShiftNorm(nn.Module):
    """Batch normalisation with a shift and no scale, by the statistics of the batch at hand, which is of one domain.

    There are no running statistics, because these networks are never evaluated.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.zeros(channels))

    def forward(self, values: Tensor) -> Tensor:
        """Map N × channels (× H × W) to the same shape."""
        return F.batch_norm(values, None, None, bias=self.shift, training=True, eps=EPSILON)


class Decoder(nn.Module):
    """Linear to a map of 3 × 10 × 10, two convolutions, upsampling to the image's size, two more.

    Every layer is batch-normalised, the last too, which has no ReLU.
    """

    def __init__(self, shape: tuple[int, int, int], features: int) -> None:
        super().__init__()
        channels, *self.size = shape
        self.project = nn.Sequential(
            nn.Linear(features, SMALL[0] * SMALL[1] * SMALL[2], bias=False),
            ShiftNorm(SMALL[0] * SMALL[1] * SMALL[2]),
            nn.ReLU(),
            nn.Unflatten(1, SMALL),
        )
        self.small_maps = nn.Sequential(*_conv(SMALL[0], 16), nn.ReLU(), *_conv(16, 16), nn.ReLU())
        self.large_maps = nn.Sequential(*_conv(16, 16), nn.ReLU(), *_conv(16, channels))

    def forward(self, features: Tensor) -> Tensor:
        """Map N × d to images N × C × H × W, unbounded."""
        maps = self.small_maps(self.project(features))
        return self.large_maps(F.interpolate(maps, self.size, mode="nearest"))


class NoSeparation(nn.Module):
    """No separation: no losses."""

    weights: Mapping[str, float] = {}

    def forward(self, source: tuple[Tensor, Tensor], target: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        """Return nothing."""
        return {}


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
    flat = 64 * (height // 4) * (width // 4)
    # fmt: off
    return nn.Sequential(
        *_conv(channels, 32, 5), nn.ReLU(), nn.MaxPool2d(2),
        *_conv(32, 64, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(flat, features, bias=False), ShiftNorm(features), nn.ReLU(),
    )
    # fmt: on


def _conv(in_channels: int, out_channels: int, size: int = 3) -> tuple[nn.Module, nn.Module]:
    return nn.Conv2d(in_channels, out_channels, size, padding=size // 2, bias=False), ShiftNorm(out_channels)
