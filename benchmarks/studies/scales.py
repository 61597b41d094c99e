"""How large a run is: steps, batch and evaluation. A method's config holds the settings that it changes at each scale."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from methods.settings import unflatten
from mistakes import unknown


@dataclass(frozen=True, kw_only=True)
class Scale:
    """The budget of one run.

    The method does ``steps`` steps on batches of ``pixels`` // (H · W) images, at least 16 and at most ``batch``, timed in
    windows of ``window`` steps. Each task model does ``task_steps`` steps.
    """

    about: str = ""
    steps: int
    batch: int
    pixels: int
    window: int
    task_steps: int

    @classmethod
    def of(cls, budget: Mapping[str, str | int]) -> Self:
        """Return the scale of a run's ``budget``; raises :class:`~mistakes.UserMistake` for a missing or unknown number."""
        return unflatten(cls, {"about": "", **budget})

    def batch_for(self, shape: tuple[int, int, int]) -> int:
        """Return the batch size for images of shape C, H, W."""
        return min(self.batch, max(16, self.pixels // (shape[1] * shape[2])))


SCALES: dict[str, Scale] = {
    "smoke": Scale(
        about="seconds; shows that everything runs, its numbers mean nothing",
        steps=12, batch=16, pixels=4096, window=2, task_steps=20,
    ),
    "small": Scale(
        about="about a minute of training on two CPU cores; narrow networks, Adam",
        steps=600, batch=32, pixels=8192, window=20, task_steps=250,
    ),
    "paper": Scale(
        about="the paper's widths, optimiser and schedule; wants a GPU",
        steps=10_000, batch=512, pixels=1 << 30, window=50, task_steps=2000,
    ),
}  # fmt: skip


def find_scale(name: str) -> Scale:
    """Return a scale by name, or raise :class:`~mistakes.UserMistake`."""
    if name not in SCALES:
        raise unknown("scale", name, SCALES)
    return SCALES[name]
