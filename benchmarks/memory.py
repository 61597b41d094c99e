"""Peak memory of a stretch of work: what CUDA had allocated, or on CPU what the process had resident."""

from pathlib import Path

import torch

MIB = 1 << 20
_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def forget_peak(device: torch.device) -> None:
    """Begin a new stretch: forget the peak so far."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    elif _RESET.exists():
        _RESET.write_text("5")  # Linux: 5 resets the peak resident size


def peak(device: torch.device) -> float | None:
    """Return the peak since :func:`forget_peak` in MiB, or ``None`` where the system does not tell."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / MIB
    if not _RESET.exists():
        return None
    lines = dict(line.split(":", 1) for line in _STATUS.read_text().splitlines())
    return int(lines["VmHWM"].split()[0]) / 1024
