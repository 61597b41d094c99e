"""The peak memory of a stretch of work (allocated on CUDA, resident on CPU), and how the process keeps freed memory."""

import ctypes
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

MIB = 1 << 20
STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")

TRIM_THRESHOLD, TOP_PAD, MMAP_MAX = -1, -2, -4  # of glibc's mallopt


def allocator(name: str) -> Any:
    """Return a function of the C library's allocator, or ``None`` if the library lacks it."""
    return getattr(ctypes.CDLL(None), name, None) if os.name == "posix" else None


def keep_freed_memory() -> None:
    """Let the process keep the CPU memory that it frees, if its allocator is glibc's; else nothing changes.

    Otherwise every large tensor is new memory; the system clears it page by page, which takes a tenth of a step.
    """
    if mallopt := allocator("mallopt"):
        for parameter, value in ((MMAP_MAX, 0), (TRIM_THRESHOLD, (1 << 31) - 1), (TOP_PAD, 64 * MIB)):
            mallopt(parameter, value)


def return_freed_memory() -> None:
    """Give kept memory back to the system, so that only memory in use is resident."""
    if trim := allocator("malloc_trim"):
        trim(0)


class PeakMemory:
    """The peak memory of one stretch of work: from the making of this object, or from an earlier process, until now."""

    def __init__(self, device: torch.device) -> None:
        self.device, self._measurable = device, True
        self._earlier: float | None = 0.0
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
            return
        return_freed_memory()
        try:
            RESET.write_text("5")  # Linux: 5 resets the peak resident size
        except OSError:
            self._measurable = False

    def mib(self) -> float | None:
        """Return the peak so far in MiB, or ``None`` if the system does not tell it."""
        now = self._now()
        return None if now is None or self._earlier is None else max(now, self._earlier)

    def state_dict(self) -> dict[str, float | None]:
        """Return the peak so far."""
        return {"mib": self.mib()}

    def load_state_dict(self, state: Mapping[str, float | None]) -> None:
        """Count the peak of the earlier process too."""
        self._earlier = state["mib"]

    def _now(self) -> float | None:
        if self.device.type == "cuda":
            return torch.cuda.max_memory_allocated(self.device) / MIB
        if not self._measurable:
            return None
        lines = dict(line.split(":", 1) for line in STATUS.read_text().splitlines())
        return int(lines["VmHWM"].split()[0]) / 1024
