"""Generator-guided discriminator regularisation (GGDR; Lee et al., ECCV 2022, arXiv 2207.13320) on a refiner.

Departures that a residual refiner asks for: its features have the image's resolution, so they are averaged down to
the critic's map instead of decoding up to them; no skip from shallower maps, since they would let the critic copy
pixels; features are taken before the block's last ReLU, since two non-negative maps are never far from parallel.
As in the paper the term is added to the critic's loss alone, on fresh fakes alone, against detached features.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import torch.nn.functional as F
from torch import Tensor, nn

from methods.seeding import initialising
from mistakes import UserMistake


@dataclass(frozen=True, kw_only=True)
class GGDR:
    """The critic's map, decoded by a linear 1 × 1 convolution, is pulled to the direction of the refiner's features.

    ``weight`` 10 is the paper's; ``block`` counts the refiner's residual blocks, −1 is the last.
    """

    weight: float = 10.0
    block: int = -1

    def __post_init__(self) -> None:
        if not 0 <= self.weight < inf:
            raise UserMistake(f"guidance.weight is {self.weight}; allowed: a number from 0 on.")

    def check(self, blocks: int) -> None:
        """Raise :class:`UserMistake` unless ``block`` is one of a refiner's ``blocks`` residual blocks."""
        if not -blocks <= self.block < blocks:
            raise UserMistake(
                f"guidance.block is {self.block}; allowed: {-blocks} … {blocks - 1}, there are {blocks} blocks."
            )


class Decoder(nn.Module):
    """The decoder of :class:`GGDR` with its loss."""

    def __init__(self, guidance: GGDR, *, critic_width: int, refiner_width: int) -> None:
        super().__init__()
        self.guidance = guidance
        self.decode = nn.Conv2d(critic_width, refiner_width, 1)

    def loss(self, critic_maps: Tensor, features: Sequence[Tensor]) -> Tensor:
        """Return weight · (1 − mean cosine over the channels): 0 … 2 · weight.

        ``critic_maps`` (N × c × h × w) come from fresh refined images, ``features`` (each N × f × H × W) are the
        refiner's blocks for the same images.
        """
        height, width = critic_maps.shape[2:]
        aim = F.adaptive_avg_pool2d(features[self.guidance.block].detach(), (height, width))
        return self.guidance.weight * (1 - F.cosine_similarity(self.decode(critic_maps), aim, dim=1).mean())


class NoGuidance(nn.Module):
    """No guidance: zero, without parameters."""

    def loss(self, critic_maps: Tensor, features: Sequence[Tensor]) -> Tensor:
        """Return zero."""
        return critic_maps.new_zeros(())


def guidance_of(
    guidance: GGDR | None, seed: int, *, critic_width: int, refiner_width: int
) -> Decoder | NoGuidance:
    """Return the decoder of a run, or :class:`NoGuidance` where ``guidance`` is ``None``."""
    if guidance is None:
        return NoGuidance()
    with initialising(seed, "guidance"):
        return Decoder(guidance, critic_width=critic_width, refiner_width=refiner_width)
