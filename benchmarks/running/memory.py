"""Peak memory of a stretch of work: what CUDA had allocated, or on CPU what the process had resident; how it is kept."""

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
    """Return a function of the C library's allocator, or ``None`` where it has no such one."""
    return getattr(ctypes.CDLL(None), name, None) if os.name == "posix" else None


def keep_freed_memory() -> None:
    """Let the process keep the CPU memory it frees, where its allocator is glibc's; elsewhere nothing changes.

    Otherwise every large tensor is new memory from the system, which clears it page by page: a tenth of a step.
    """
    if mallopt := allocator("mallopt"):
        for parameter, value in ((MMAP_MAX, 0), (TRIM_THRESHOLD, (1 << 31) - 1), (TOP_PAD, 64 * MIB)):
            mallopt(parameter, value)


def return_freed_memory() -> None:
    """Give kept memory back to the system, so that what is resident is what is used."""
    if trim := allocator("malloc_trim"):
        trim(0)


class PeakMemory:
    """Watches one stretch of work, which begins when this is made, or began in an earlier process."""

    def __init__(self, device: torch.device) -> None:
        self.device, self._told = device, True
        self._earlier: float | None = 0.0
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
            return
        return_freed_memory()
        try:
            RESET.write_text("5")  # Linux: 5 resets the peak resident size
        except OSError:
            self._told = False

    def mib(self) -> float | None:
        """Return the peak so far in MiB, or ``None`` where the system does not tell."""
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
        if not self._told:
            return None
        lines = dict(line.split(":", 1) for line in STATUS.read_text().splitlines())
        return int(lines["VmHWM"].split()[0]) / 1024
