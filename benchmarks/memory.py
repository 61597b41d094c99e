"""Peak memory of a stretch of work: what CUDA had allocated, or on CPU what the process had resident."""

from pathlib import Path

import torch

MIB = 1 << 20
_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class PeakMemory:
    """Watches one stretch of work, which begins when this is made."""

    def __init__(self, device: torch.device) -> None:
        self.device, self._told = device, True
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
            return
        try:
            _RESET.write_text("5")  # Linux: 5 resets the peak resident size
        except OSError:
            self._told = False

    def mib(self) -> float | None:
        """Return the peak so far in MiB, or ``None`` where the system does not tell."""
        if self.device.type == "cuda":
            return torch.cuda.max_memory_allocated(self.device) / MIB
        if not self._told:
            return None
        lines = dict(line.split(":", 1) for line in _STATUS.read_text().splitlines())
        return int(lines["VmHWM"].split()[0]) / 1024
