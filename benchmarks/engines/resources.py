"""The devices and cores of this machine."""

import os

from mistakes import UserMistake


def resolve_device(name: str) -> str:
    """Return "cpu" or "cuda"; "auto" becomes "cuda" if CUDA is available.

    Raises :class:`~mistakes.UserMistake` for an unknown or unavailable device.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise UserMistake(f"device {name!r}; allowed: auto, cpu, cuda.")
    if name == "cpu":
        return name
    import torch  # imported here: it takes seconds

    if torch.cuda.is_available():
        return "cuda"
    if name == "cuda":
        raise UserMistake("device 'cuda' is not available on this machine; allowed: auto, cpu.")
    return "cpu"


def check_jobs(jobs: int) -> None:
    """Refuse more runs at a time than cores, since every run keeps one core busy, with a GPU too.

    Raises :class:`~mistakes.UserMistake`.
    """
    if not 1 <= jobs <= cores():
        raise UserMistake(f"jobs {jobs}; allowed: 1 to {cores()}, a core for each.")


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
