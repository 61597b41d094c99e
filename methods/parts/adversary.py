"""Adversarial losses: SimGAN's, local or global, and PixelDA's.

SimGAN (Shrivastava et al., CVPR 2017, arXiv 1612.07828): the critic D gives two logits at every place of its map;
class 1 is *refined*, so that D = P(refined). PixelDA (Bousmalis et al., CVPR 2017, arXiv 1612.05424): D gives one
logit of being real. Both losses are cross-entropies, means over verdicts.
"""

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

REAL, REFINED = 0, 1


@dataclass(frozen=True, kw_only=True)
class Adversary:
    """Cross-entropy of the critic's verdicts: one for each local patch, or one for the whole image.

    ``scope="patches"`` is the paper's local adversarial loss (§2.2). ``"image"`` first averages the logits over the map;
    with a linear last layer this is the usual classifier on globally pooled features. Losses are means over verdicts
    where the paper has sums, so neither batch nor image size changes their weight.
    """

    scope: Literal["patches", "image"] = "patches"

    def critic_loss(self, refined: Tensor, real: Tensor) -> Tensor:
        """Return −E log D(x̃) − E log(1 − D(y)) (eq. 2) from logits N × 2 × h × w of refined and real images."""
        return self._against(refined, REFINED) + self._against(real, REAL)

    def refiner_loss(self, refined: Tensor) -> Tensor:
        """Return −E log(1 − D(R(x))) (first term of eq. 4) from logits N × 2 × h × w."""
        return self._against(refined, REAL)

    def _against(self, logits: Tensor, truth: int) -> Tensor:
        if self.scope == "image":
            logits = logits.mean((2, 3))
        labels = torch.full((len(logits), *logits.shape[2:]), truth, device=logits.device)
        return F.cross_entropy(logits, labels)


def real_or_adapted_loss(adapted: Tensor, real: Tensor) -> Tensor:
    """Return −E log D(real) − E log(1 − D(adapted)) from logits of being real (1612.05424, eq. 2)."""
    return F.softplus(-real).mean() + F.softplus(adapted).mean()


def passing_loss(adapted: Tensor) -> Tensor:
    """Return −E log D(adapted) from logits of being real: the generator's side, in its non-saturating form."""
    return F.softplus(-adapted).mean()
