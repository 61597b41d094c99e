"""How every suite times: on the device, waited for, with a word on what it was that took so long."""

from collections.abc import Callable
from typing import Any, Protocol

import pytest
import torch

from benchmarks.profiling.counting import bytes_of, flops_of
from benchmarks.running.clock import wait_for
from benchmarks.running.memory import PeakMemory
from benchmarks.running.provenance import describe


class Timed(Protocol):
    """Times a piece of work so many times over."""

    def __call__(self, work: Callable[[], object], *, rounds: int) -> None:
        """Time ``work``, and say in ``extra_info`` on what and how much work and memory it was."""
        ...


@pytest.fixture
def device() -> torch.device:
    """Return the GPU where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


@pytest.fixture
def timed(benchmark: Any, device: torch.device) -> Timed:
    """Return what times work on the device.

    ``extra_info`` holds the device's name, the threads, the floating-point operations and bytes of a call (``flops`` only
    where there are any) and on CUDA ``peak_mib``; resident memory would be that of all tests before. The calls that are
    counted warm the work up.
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
