"""What this machine has for runs: its devices and cores."""

import os

from mistakes import UserMistake


def resolve_device(name: str) -> str:
    """Return "cpu" or "cuda"; "auto" takes CUDA where there is one."""
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
    """Refuse a number of runs at a time that has no core for each: with a GPU too, every run keeps one busy."""
    if not 1 <= jobs <= cores():
        raise UserMistake(f"jobs {jobs}; allowed: 1 to {cores()}, a core for each.")


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
