"""Adversarial losses: SimGAN's and PixelDA's.

SimGAN (Shrivastava et al., CVPR 2017, arXiv 1612.07828): the critic D gives two logits at every place of its map, or two
for the whole image; class 1 is *refined*, so that D = P(refined). PixelDA (Bousmalis et al., CVPR 2017, arXiv
1612.05424): D gives one logit of being real. All losses are cross-entropies, means over verdicts.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

REAL, REFINED = 0, 1


def real_or_refined_loss(refined: Tensor, real: Tensor) -> Tensor:
    """Return −E log D(x̃) − E log(1 − D(y)) (1612.07828, eq. 2) from logits N × 2 × h × w of refined and real images."""
    return _against(refined, REFINED) + _against(real, REAL)


def fooling_loss(refined: Tensor) -> Tensor:
    """Return −E log(1 − D(R(x))) (1612.07828, first term of eq. 4) from logits N × 2 × h × w: the refiner's side."""
    return _against(refined, REAL)


def real_or_adapted_loss(adapted: Tensor, real: Tensor) -> Tensor:
    """Return −E log D(real) − E log(1 − D(adapted)) from logits of being real (1612.05424, eq. 2)."""
    return F.softplus(-real).mean() + F.softplus(adapted).mean()


def passing_loss(adapted: Tensor) -> Tensor:
    """Return −E log D(adapted) from logits of being real: the generator's side, in its non-saturating form."""
    return F.softplus(-adapted).mean()


def _against(logits: Tensor, truth: int) -> Tensor:
    labels = torch.full((len(logits), *logits.shape[2:]), truth, device=logits.device)
    return F.cross_entropy(logits, labels)
