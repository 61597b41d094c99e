"""Features of real images, kept on disk between processes: they are the same for every run on a pair."""

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
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


def cached(key: Mapping[str, str | int], compute: Callable[[], Tensor], device: torch.device) -> Tensor:
    """Return the features that ``compute`` gives, or read them from disk if an equal key was computed before.

    ``key`` names everything that decides the features: data, split, extractor, weights and count. Features are computed
    anew if their file cannot be read; they are not kept if it cannot be written. Readers never see half a file.
    """
    digest = hashlib.sha256(json.dumps({**key, "device": device.type}, sort_keys=True).encode()).hexdigest()
    path = cache_folder() / f"{digest[:32]}.safetensors"
    try:
        return load_file(path, device=str(device))["features"]
    except (OSError, KeyError, SafetensorError):
        features = compute()
    with suppress(UserMistake):  # a cache is a convenience: a full or read-only disk must not end a run
        write_atomic(path, save({"features": features.contiguous().cpu()}))
    return features
