"""Measured peak rates of this machine; a step's rate is reported as a share of them."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import torch
import torch.nn.functional as F

from benchmarks.running.clock import wait_for

MATRIX_SIDE = {"cpu": 2048, "cuda": 8192}
BATCH, CHANNELS, HEIGHT, WIDTH = 64, 64, 35, 55  # of the refiner's layers at the paper's scale
COPIED_FLOATS = {"cpu": 1 << 25, "cuda": 1 << 28}
REPEATS = 5


@dataclass(frozen=True, kw_only=True)
class Machine:
    """Rates: FLOP/s of a matrix product and of a 3 × 3 convolution with its gradients, bytes/s of a copy.

    All are in float32 but ``convolution_bf16``, which is in bfloat16 and measured on CUDA only.
    """

    gemm: float
    convolution: float
    copy: float
    convolution_bf16: float | None = None


def measured(device: torch.device) -> Machine:
    """Measure a device, each rate by the median of ``REPEATS`` times; takes a few seconds on a CPU."""
    product, operations = product_on(device)
    floats = torch.randn(COPIED_FLOATS[device.type], device=device)
    kept = torch.empty_like(floats)
    return Machine(
        gemm=operations / _seconds(product, device),
        convolution=_convolution(device, torch.float32),
        copy=2 * 4 * len(floats) / _seconds(lambda: kept.copy_(floats), device),
        convolution_bf16=_convolution(device, torch.bfloat16) if device.type == "cuda" else None,
    )


def product_on(device: torch.device) -> tuple[Callable[[], object], int]:
    """Return a function that takes a large matrix product in float32, and the floating-point operations of a call."""
    side = MATRIX_SIDE[device.type]
    first, second = torch.randn(2, side, side, device=device)
    return lambda: first @ second, 2 * side**3


def _convolution(device: torch.device, kind: torch.dtype) -> float:
    images = torch.randn(BATCH, CHANNELS, HEIGHT, WIDTH, device=device, dtype=kind)
    weight = torch.randn(CHANNELS, CHANNELS, 3, 3, device=device, dtype=kind)
    images, weight = (
        tensor.contiguous(memory_format=torch.channels_last).requires_grad_() for tensor in (images, weight)
    )

    def convolve() -> None:
        out = F.conv2d(images, weight, padding=1)
        torch.autograd.grad(out, (images, weight), out.detach())

    operations = 3 * 2 * BATCH * HEIGHT * WIDTH * CHANNELS * CHANNELS * 9  # the output and two gradients
    return operations / _seconds(convolve, device)


def _seconds(work: Callable[[], object], device: torch.device) -> float:
    times = []
    for _ in range(1 + REPEATS):
        wait_for(device)
        start = time.perf_counter()
        work()
        wait_for(device)
        times.append(time.perf_counter() - start)
    return median(times[1:])
