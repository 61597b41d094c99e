"""What a machine can do, measured: the rates that a step's own is compared with."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import torch
import torch.nn.functional as F

from benchmarks.clock import wait_for

SIDE = {"cpu": 2048, "cuda": 8192}
WIDTH, HEIGHT, BREADTH, IMAGES = 64, 35, 55, 64  # of the refiner's layers at the paper's scale
FLOATS = {"cpu": 1 << 25, "cuda": 1 << 28}
REPEATS = 5


@dataclass(frozen=True, kw_only=True)
class Machine:
    """Rates in float32: FLOP/s of a matrix product and of a 3 × 3 convolution with its gradients, bytes/s of a copy."""

    gemm: float
    convolution: float
    copy: float


def measured(device: torch.device) -> Machine:
    """Measure a device, each rate by the median of ``REPEATS``; takes a few seconds on a CPU."""
    side = SIDE[device.type]
    one, two = torch.randn(2, side, side, device=device)
    images = torch.randn(IMAGES, WIDTH, HEIGHT, BREADTH, device=device).contiguous(
        memory_format=torch.channels_last
    )
    weight = torch.randn(WIDTH, WIDTH, 3, 3, device=device).contiguous(memory_format=torch.channels_last)
    images.requires_grad_()
    weight.requires_grad_()

    def convolve() -> None:
        out = F.conv2d(images, weight, padding=1)
        torch.autograd.grad(out, (images, weight), out.detach())

    floats = torch.randn(FLOATS[device.type], device=device)
    kept = torch.empty_like(floats)
    once = 2 * IMAGES * HEIGHT * BREADTH * WIDTH * WIDTH * 9
    return Machine(
        gemm=2 * side**3 / _seconds(lambda: one @ two, device),
        convolution=3 * once / _seconds(convolve, device),
        copy=2 * 4 * len(floats) / _seconds(lambda: kept.copy_(floats), device),
    )


def _seconds(work: Callable[[], object], device: torch.device) -> float:
    times = []
    for _ in range(1 + REPEATS):
        wait_for(device)
        start = time.perf_counter()
        work()
        wait_for(device)
        times.append(time.perf_counter() - start)
    return median(times[1:])
