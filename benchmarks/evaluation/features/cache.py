"""Features of real images, kept on disk between processes: they are the same for every run on a pair."""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor


def cache_folder() -> Path:
    """Return where features are kept: ``BENCH_CACHE``, or ``sim-to-real-bench`` in the user's cache folder."""
    if named := os.environ.get("BENCH_CACHE"):
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sim-to-real-bench"


def cached(key: Mapping[str, str | int], compute: Callable[[], Tensor], device: torch.device) -> Tensor:
    """Return the features that ``compute`` gives, read from disk where they were computed before under an equal key.

    ``key`` names all that decides them: data, split, extractor, weights and count. A file that cannot be read is
    computed anew; one that cannot be written is done without. Readers never see half a file.
    """
    digest = hashlib.sha256(json.dumps({**key, "device": device.type}, sort_keys=True).encode()).hexdigest()
    path = cache_folder() / f"{digest[:32]}.safetensors"
    try:
        return load_file(path, device=str(device))["features"]
    except (OSError, KeyError, SafetensorError):
        features = compute()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(prefix=".draft-", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(save({"features": features.contiguous().cpu()}))
        os.replace(draft, path)
    except OSError:
        pass  # a cache is a convenience: a full or read-only disk must not end a run
    return features
