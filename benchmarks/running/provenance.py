"""The provenance of a record: machine, versions, commit, time."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from benchmarks.running.reproducible import CPUINFO, ENVIRONMENT
from benchmarks.studies.plugins import LOADED

PACKAGES = ("torch", "torchvision", "numpy", "scikit-learn", "matplotlib", "pillow")


def describe(device: torch.device) -> dict[str, Any]:
    """Return the fields ``host``, ``versions``, ``commit`` and ``created`` of a record.

    ``host`` holds what moves the last digits of a result: only runs of equal hosts are compared.
    """
    return {
        "host": {"device": _device_name(device), "threads": torch.get_num_threads(), **_numerics(device)},
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
    return _processor().get("model name") or platform.processor() or platform.machine()


@cache
def _processor() -> dict[str, str]:
    """Return what Linux says of the first processor, by name."""
    lines = CPUINFO.read_text().partition("\n\n")[0].splitlines() if CPUINFO.exists() else []
    pairs = (line.partition(":") for line in lines)
    return {name.strip(): value.strip() for name, _, value in pairs}


def _numerics(device: torch.device) -> dict[str, str | int]:
    """Return the processor, its instructions in use, torch's build, and the switches that change how numbers are added."""
    kind = [_processor().get(name, "") for name in ("vendor_id", "cpu family", "model", "stepping")]
    found: dict[str, str | int] = {
        "processor": " ".join(kind) if all(kind) else platform.machine(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "torch": torch.__version__,
        "interop_threads": torch.get_num_interop_threads(),
        "matmul_precision": torch.get_float32_matmul_precision(),
        **{name: os.environ[name] for name in ENVIRONMENT if name in os.environ},
    }
    if torch.are_deterministic_algorithms_enabled():
        found["deterministic"] = "warns" if torch.is_deterministic_algorithms_warn_only_enabled() else "yes"
    if device.type == "cuda":
        cudnn = torch.backends.cudnn
        switches = {
            "deterministic": cudnn.deterministic,
            "benchmark": cudnn.benchmark,
            "TF32": cudnn.allow_tf32,
        }
        found["cudnn"] = ", ".join([str(cudnn.version()), *(name for name, on in switches.items() if on)])
    return found


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
