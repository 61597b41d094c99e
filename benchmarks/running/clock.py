"""Step timing in windows: the device is waited for only at the edges of a window, and the first windows are dropped."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from statistics import quantiles

import torch

WARM_UP_WINDOWS = 2


def wait_for(device: torch.device) -> None:
    """Return once all work queued on the device is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


class StepClock:
    """Collects the duration of windows, in milliseconds a step."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.windows: list[float] = []

    @contextmanager
    def window(self, steps: int) -> Iterator[None]:
        """Time the ``steps`` steps of the block; the clock waits for the device only before and after it."""
        wait_for(self.device)
        start = time.perf_counter()
        yield
        wait_for(self.device)
        self.windows.append(1000 * (time.perf_counter() - start) / steps)

    def state_dict(self) -> dict[str, list[float]]:
        """Return the windows so far."""
        return {"windows": list(self.windows)}

    def load_state_dict(self, state: Mapping[str, list[float]]) -> None:
        """Continue with the windows of a state."""
        self.windows = list(state["windows"])

    def summary(self) -> dict[str, float | int]:
        """Return quartiles over windows in ms a step, without the first ``WARM_UP_WINDOWS``; empty if no window is left."""
        counted = self.windows[WARM_UP_WINDOWS:]
        if not counted:
            return {}
        low, median, high = quantiles(counted, n=4, method="inclusive") if len(counted) > 1 else counted * 3
        return {"median": median, "q1": low, "q3": high, "windows": len(counted)}
