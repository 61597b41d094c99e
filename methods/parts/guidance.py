"""Generator-guided discriminator regularisation (GGDR; Lee et al., ECCV 2022, arXiv 2207.13320) on a refiner.

Departures that a residual refiner asks for:

- its features have the image's resolution, so they are averaged down to the critic's map instead of decoding up to them;
- no skip from shallower maps, since they would let the critic copy pixels;
- aims are centred. The features of a refiner point nearly the same way in all images and places, before the last ReLU
  as behind it, so that one constant vector reaches a mean cosine of 0.8 and the critic has nothing to learn. Less their
  mean, what is left is what differs between images and places.

GGDR's own aims have a quarter of the image's resolution. SimGAN's critic has that map too; the map of PixelDA's critic
has 4 rows, an eighth of 32 pixels, and lies behind its dropout and noise. As in the paper the term is added to the
critic's loss alone, on fresh fakes alone, against detached features.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf
from typing import Literal, Protocol, Self

import torch.nn.functional as F
from torch import Tensor, nn

from methods.seeding import initialising
from mistakes import UserMistake

FACTOR = 4  # pixels, by side, of the patch that an aim of ``input`` holds


@dataclass(frozen=True, kw_only=True)
class GGDR:
    """The critic's map, decoded by a linear 1 × 1 convolution, is pulled to the direction of the refiner's features.

    ``weight`` 10 is the paper's; ``block`` counts the refiner's residual blocks, −1 is the last. ``centred`` aims have,
    in every channel, a mean of 0 over the batch and its places.

    ``aims`` other than ``features`` are controls. A critic that gains as much from one of them gains nothing from what the
    refiner has learnt: ``shuffled`` aims are those of the next image of the batch, ``random-network`` the features of a
    frozen refiner with random weights (and, on PixelDA, without noise), ``input`` the source image itself.
    """

    weight: float = 10.0
    block: int = -1
    centred: bool = True
    aims: Literal["features", "shuffled", "random-network", "input"] = "features"

    def __post_init__(self) -> None:
        if not 0 <= self.weight < inf:
            raise UserMistake(f"guidance.weight is {self.weight}; allowed: a number from 0 on.")

    def check(self, blocks: int) -> None:
        """Raise :class:`UserMistake` unless ``block`` is one of a refiner's ``blocks`` residual blocks."""
        if not -blocks <= self.block < blocks:
            raise UserMistake(
                f"guidance.block is {self.block}; allowed: {-blocks} … {blocks - 1}, there are {blocks} blocks."
            )


class Painter(Protocol):
    """A refiner or generator: residual blocks, then a 1 × 1 convolution to an image."""

    head: nn.Conv2d

    def trunk(self, images: Tensor) -> list[Tensor]:
        """Return every block's output, each N × f × H × W, for images N × C × H × W."""
        ...

    def requires_grad_(self, requires_grad: bool) -> Self:
        """Say whether the weights are trained, as any module does."""
        ...


class Decoder(nn.Module):
    """The decoder of :class:`GGDR` with its loss; ``network`` has the features that replace the refiner's, if any."""

    def __init__(
        self, guidance: GGDR, *, critic_width: int, aim_width: int, network: Painter | None = None
    ) -> None:
        super().__init__()
        self.guidance = guidance
        self.decode = nn.Conv2d(critic_width, aim_width, 1)
        self.network = network.requires_grad_(False) if network else None

    def terms(self, critic_maps: Tensor, source: Tensor, features: Sequence[Tensor]) -> dict[str, Tensor]:
        """Return ``guidance``, the loss to learn from, and what it would be at best if no image were looked at.

        ``critic_maps`` (N × c × h × w) come from fresh refined images, ``source`` (N × C × H × W) are the images that these
        were made of, and ``features`` (each N × f × H × W) the refiner's blocks on the way. A loss above its floors has
        taught the critic nothing of single images. With few images the floors are a little too high.
        """
        aims = self.aims(source, features, (critic_maps.shape[2], critic_maps.shape[3]))
        constant, place = image_blind(aims)
        return {
            "guidance": self.loss(critic_maps, aims),
            "guidance constant floor": self.guidance.weight * (1 - constant),
            "guidance place floor": self.guidance.weight * (1 - place),
        }

    def aims(self, source: Tensor, features: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
        """Return the maps whose directions are aimed at, N × f × h × w for a ``size`` of h, w; no gradient passes."""
        if self.guidance.aims == "input":
            maps = patches(source, size)
        else:
            shown = self.network.trunk(source) if self.network else features
            maps = F.adaptive_avg_pool2d(shown[self.guidance.block].detach(), size)
        if self.guidance.aims == "shuffled":
            maps = maps.roll(1, 0)
        return maps - maps.mean((0, 2, 3), keepdim=True) if self.guidance.centred else maps

    def loss(self, critic_maps: Tensor, aims: Tensor) -> Tensor:
        """Return weight · (1 − mean cosine over the channels), 0 … 2 · weight, of maps N × c × h × w and aims N × f × h × w."""
        return self.guidance.weight * (1 - F.cosine_similarity(self.decode(critic_maps), aims, dim=1).mean())


class NoGuidance(nn.Module):
    """No guidance: zero, without parameters."""

    def terms(self, critic_maps: Tensor, source: Tensor, features: Sequence[Tensor]) -> dict[str, Tensor]:
        """Return a loss of zero."""
        return {"guidance": critic_maps.new_zeros(())}


def guidance_of(
    guidance: GGDR | None, seed: int, *, critic_width: int, refiner: Callable[[], Painter]
) -> Decoder | NoGuidance:
    """Return the decoder of a run, or :class:`NoGuidance` where ``guidance`` is ``None``.

    ``refiner`` makes a network like the one in training, with new weights and without noise.
    """
    if guidance is None:
        return NoGuidance()
    with initialising(seed, "guidance network"):
        network = refiner()
    width = FACTOR**2 * network.head.out_channels if guidance.aims == "input" else network.head.in_channels
    kept = network if guidance.aims == "random-network" else None
    with initialising(seed, "guidance"):
        return Decoder(guidance, critic_width=critic_width, aim_width=width, network=kept)


def image_blind(aims: Tensor) -> tuple[Tensor, Tensor]:
    """Return the best mean cosine to aims, N × f × h × w, of one constant vector, and of one vector a place.

    Every image is compared with the mean direction of the *other* images, so that few images do not flatter it.
    """
    units = F.normalize(aims, dim=1)
    others = units.sum(0) - units
    constant = F.cosine_similarity(units, others.sum((2, 3), keepdim=True), dim=1).mean()
    return constant, F.cosine_similarity(units, others, dim=1).mean()


def patches(images: Tensor, size: tuple[int, int]) -> Tensor:
    """Return images, N × C × H × W, with a patch of 4 × 4 pixels in the channels of each place, N × 16C × h × w.

    Images whose sides are not four times those of ``size`` are averaged, or repeated, to such sides.
    """
    height, width = size
    return F.pixel_unshuffle(F.adaptive_avg_pool2d(images, (FACTOR * height, FACTOR * width)), FACTOR)
