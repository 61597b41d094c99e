"""The provenance of a record: machine, versions, commit, time."""

import platform
import subprocess
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from benchmarks.studies.plugins import LOADED

PACKAGES = ("torch", "torchvision", "numpy", "scikit-learn", "matplotlib", "pillow")


def describe(device: torch.device) -> dict[str, Any]:
    """Return the fields ``host``, ``versions``, ``commit`` and ``created`` of a record."""
    return {
        "host": {"device": _device_name(device), "threads": torch.get_num_threads()},
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in PACKAGES},
            **{f"plugin {Path(name).name}": digest for name, digest in LOADED.items()},
        },
        "commit": _commit(),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


@cache
def _commit() -> str:
    """Return the commit of the checkout, with ``+`` if tracked files differ from it; empty outside a checkout."""
    folder = Path(__file__).parent
    try:
        answer = subprocess.run(
            ["git", "describe", "--always", "--dirty=+", "--abbrev=12", "--exclude=*"],
            cwd=folder, capture_output=True, text=True, timeout=10, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return ""
    return answer.stdout.strip()
