"""Features of real images, kept on disk between processes: they are the same for every run on a pair."""

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from benchmarks.records.files import write_atomic
from mistakes import UserMistake


def cache_folder() -> Path:
    """Return where features are kept: ``BENCH_CACHE``, or ``sim-to-real-bench`` in the user's cache folder."""
    if named := os.environ.get("BENCH_CACHE"):
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sim-to-real-bench"


@cache
def code_digest(folder: Path) -> str:
    """Return the SHA-256 of a folder's modules, which is another one after any edit."""
    digest = hashlib.sha256()
    for module in sorted(folder.glob("*.py")):
        digest.update(module.name.encode() + b"\0" + module.read_bytes() + b"\0")
    return digest.hexdigest()


def cached(key: Mapping[str, str | int], compute: Callable[[], Tensor], device: torch.device) -> Tensor:
    """Return the features that ``compute`` gives, or read them from disk if an equal key was computed before.

    ``key`` names what decides the features: data, split, extractor, weights and count. The code that resizes images and
    calls the network belongs to it too, so that an edit never compares old features with new ones. Features are computed
    anew if their file cannot be read; they are not kept if it cannot be written. Readers never see half a file.
    """
    whole = {**key, "device": device.type, "code": code_digest(Path(__file__).parent)}
    digest = hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()
    path = cache_folder() / f"{digest[:32]}.safetensors"
    try:
        return load_file(path, device=str(device))["features"]
    except (OSError, KeyError, SafetensorError):
        features = compute()
    with suppress(UserMistake):  # a cache is a convenience: a full or read-only disk must not end a run
        write_atomic(path, save({"features": features.contiguous().cpu()}))
    return features
