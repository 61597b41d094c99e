"""What a machine can do, measured: the rates that a step's own is compared with."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import torch
import torch.nn.functional as F

from benchmarks.running.clock import wait_for

SIDE = {"cpu": 2048, "cuda": 8192}
WIDTH, HEIGHT, BREADTH, IMAGES = 64, 35, 55, 64  # of the refiner's layers at the paper's scale
FLOATS = {"cpu": 1 << 25, "cuda": 1 << 28}
REPEATS = 5


@dataclass(frozen=True, kw_only=True)
class Machine:
    """Rates: FLOP/s of a matrix product and of a 3 × 3 convolution with its gradients, bytes/s of a copy.

    All are of float32; ``convolution_bf16``, measured on CUDA only, is of bfloat16.
    """

    gemm: float
    convolution: float
    copy: float
    convolution_bf16: float | None = None


def measured(device: torch.device) -> Machine:
    """Measure a device, each rate by the median of ``REPEATS``; takes a few seconds on a CPU."""
    product, operations = product_on(device)
    floats = torch.randn(FLOATS[device.type], device=device)
    kept = torch.empty_like(floats)
    return Machine(
        gemm=operations / _seconds(product, device),
        convolution=_convolution(device, torch.float32),
        copy=2 * 4 * len(floats) / _seconds(lambda: kept.copy_(floats), device),
        convolution_bf16=_convolution(device, torch.bfloat16) if device.type == "cuda" else None,
    )


def product_on(device: torch.device) -> tuple[Callable[[], object], int]:
    """Return a large matrix product in float32, to be called, and its operations."""
    side = SIDE[device.type]
    one, two = torch.randn(2, side, side, device=device)
    return lambda: one @ two, 2 * side**3


def _convolution(device: torch.device, kind: torch.dtype) -> float:
    images = torch.randn(IMAGES, WIDTH, HEIGHT, BREADTH, device=device, dtype=kind)
    weight = torch.randn(WIDTH, WIDTH, 3, 3, device=device, dtype=kind)
    images, weight = (
        one.contiguous(memory_format=torch.channels_last).requires_grad_() for one in (images, weight)
    )

    def convolve() -> None:
        out = F.conv2d(images, weight, padding=1)
        torch.autograd.grad(out, (images, weight), out.detach())

    once = 2 * IMAGES * HEIGHT * BREADTH * WIDTH * WIDTH * 9
    return 3 * once / _seconds(convolve, device)


def _seconds(work: Callable[[], object], device: torch.device) -> float:
    times = []
    for _ in range(1 + REPEATS):
        wait_for(device)
        start = time.perf_counter()
        work()
        wait_for(device)
        times.append(time.perf_counter() - start)
    return median(times[1:])
