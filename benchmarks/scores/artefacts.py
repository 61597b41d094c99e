"""The share of patches of adapted images that leave the distribution of real patches.

FID looks at whole images through a network that was taught to forget small things; a repeated dot or a checkerboard of a
few grey levels hardly moves it. Here patches of pixels are compared, whitened so that what real patches hardly vary in
counts as much as what they vary in. A patch lies outside when its distance to a real patch is large against how far that
real patch is from its own neighbours (the local outlier idea of Breunig et al., SIGMOD 2000), so a fault on smooth ground is
seen beside texture. The limit is what 99 % of held-out real patches keep, so real images score 1 %.
"""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from datasets.contract import to_unit

SIDE = 8  # pixels
PATCHES = 4000  # of each set
NEIGHBOURS = 5
KEPT = 0.99  # share of held-out real patches inside
FLOOR = 0.01  # share of the mean variance that every direction is given: grey levels and sensor noise


@dataclass(frozen=True, kw_only=True, eq=False)
class PatchManifold:
    """Real patches with their reach.

    ``real`` holds whitened real patches, m × d. ``reach`` is the distance of each to its k-th nearest neighbour among them.
    A patch is outside if its smallest ratio of distance to reach is above ``limit``.
    """

    mean: Tensor
    whitening: Tensor
    real: Tensor
    reach: Tensor
    limit: float

    @classmethod
    @torch.inference_mode()
    def of(cls, real: Tensor, held_out: Tensor) -> Self:
        """Return the manifold of uint8 images, N × C × H × W, with the limit that other real images keep."""
        patches = patches_of(real)
        mean = patches.mean(0)
        values, directions = torch.linalg.eigh(torch.cov((patches - mean).T))
        whitening = directions / (values.clamp(min=0) + FLOOR * values.mean().clamp(min=1e-6)).sqrt()
        bank = (patches - mean) @ whitening
        reach = torch.cdist(bank, bank).kthvalue(NEIGHBOURS + 1, dim=1).values
        reach = reach.clamp(min=1e-3 * max(reach.mean().item(), 1e-6))  # flat ground repeats to the last bit
        manifold = cls(mean=mean, whitening=whitening, real=bank, reach=reach, limit=0.0)
        ratios = manifold.ratios(patches_of(held_out))
        return cls(**{**vars(manifold), "limit": ratios.quantile(KEPT).item()})

    @torch.inference_mode()
    def ratios(self, patches: Tensor) -> Tensor:
        """Return for patches n × d the smallest distance to a real patch over that patch's reach: n values from 0 on."""
        return (torch.cdist((patches - self.mean) @ self.whitening, self.real) / self.reach).amin(1)

    def artefacts(self, images: Tensor) -> float:
        """Return the percentage of patches of uint8 images, N × C × H × W, that lie outside: 0 … 100, 1 for real images."""
        return 100 * (self.ratios(patches_of(images)) > self.limit).double().mean().item()


def patches_of(images: Tensor) -> Tensor:
    """Return ``PATCHES`` patches of uint8 images, N × C × H × W, at random places that are always the same.

    The patches are in [−1, 1], ``PATCHES`` × (C · s · s) for s = ``SIDE`` or the smaller side of the image.
    """
    count, _, height, width = images.shape
    side = min(SIDE, height, width)
    random = torch.Generator().manual_seed(0)
    which, top, left = (
        torch.randint(most, (PATCHES, 1, 1), generator=random).to(images.device)
        for most in (count, height - side + 1, width - side + 1)
    )
    inside = torch.arange(side, device=images.device)
    patches = images[which, :, top + inside[:, None], left + inside]  # PATCHES × s × s × C
    return to_unit(patches).permute(0, 3, 1, 2).flatten(1)
