"""Perceptual distance of images (LPIPS; Zhang et al., CVPR 2018, arXiv 1801.03924, eq. 1), by torchmetrics."""

from pathlib import Path

import torch
from torch import Tensor

from benchmarks.evaluation.features.extractors import resized, squeezenet_state
from benchmarks.scores.diversity import Distance
from methods.seeding import initialising

SIDE = 64  # pixels: LPIPS was fitted on patches of this size


def load_perceptual(device: torch.device, data: Path | None) -> Distance | None:
    """Return the LPIPS of uint8 images, N × C × H × W twice → N values from 0 on; ``None`` without SqueezeNet's weights.

    Images are resized to 64 × 64; grey images count as RGB, and a fourth channel (depth) is left out.
    """
    state = squeezenet_state(data)
    if state is None:
        return None
    from torchmetrics.functional.image.lpips import _NoTrainLpips  # imported late: it loads much else

    # Torchmetrics contains LPIPS's own weights. It would download those of the backbone, so they are loaded below.
    with initialising(0, "lpips"):
        network = _NoTrainLpips(net="squeeze", pnet_rand=True)
    for part in network.net.get_submodule("slices").children():
        own = dict(part.named_children())
        part.load_state_dict({name: value for name, value in state.items() if name.split(".")[0] in own})
    network.to(device)

    def distance(first: Tensor, second: Tensor) -> Tensor:
        pairs = zip(first[:, :3].split(256), second[:, :3].split(256), strict=True)
        return torch.cat([network(*(resized(one, SIDE) * 2 - 1 for one in pair)).flatten() for pair in pairs])

    return distance
