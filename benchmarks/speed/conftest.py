"""How every suite times work: until the device has finished, with the size of the work beside the time."""

from collections.abc import Callable
from typing import Any, Protocol

import pytest
import torch

from benchmarks.profiling.counting import bytes_of, flops_of
from benchmarks.running.clock import wait_for
from benchmarks.running.memory import PeakMemory
from benchmarks.running.provenance import describe


class Timed(Protocol):
    """Times a piece of work, ``rounds`` times."""

    def __call__(self, work: Callable[[], object], *, rounds: int) -> None:
        """Time ``work``; put the host, the amount of work and on CUDA the memory into ``extra_info``."""
        ...


@pytest.fixture
def device() -> torch.device:
    """Return the GPU, or the CPU where there is none."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


@pytest.fixture
def timed(benchmark: Any, device: torch.device) -> Timed:
    """Return a function that times work on the device.

    ``extra_info`` holds the device's name, the number of threads, the floating-point operations (if any) and bytes of a
    call, and on CUDA ``peak_mib``; resident memory on a CPU would include all earlier tests. The calls that count
    operations and bytes also warm the work up.
    """

    def time(work: Callable[[], object], *, rounds: int) -> None:
        def whole() -> None:
            work()
            wait_for(device)

        flops, moved = flops_of(whole), bytes_of(whole)
        memory = PeakMemory(device)
        benchmark.pedantic(whole, rounds=rounds)
        benchmark.extra_info.update({**describe(device)["host"], "bytes": moved})
        if flops:
            benchmark.extra_info["flops"] = flops
        if device.type == "cuda":
            benchmark.extra_info["peak_mib"] = memory.mib()

    return time
