"""Reproducible runs: one instruction set, one thread and deterministic operations, so that two machines give equal bits.

Every library on the CPU is held to AVX2, which it would leave for wider instructions where the processor has them, and so
add in another order. GPUs of two kinds give other bits all the same. Importing this loads no torch.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from mistakes import UserMistake

ENVIRONMENT: Mapping[str, str] = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_CBWR": "AVX2",
    "OPENBLAS_CORETYPE": "Haswell",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
}
"""Variables that torch, oneDNN, MKL, OpenBLAS, NumPy and cuBLAS read when they are loaded."""
CPUINFO = Path("/proc/cpuinfo")


def prepare() -> None:
    """Set the environment of this process and of those that it starts; torch must not be loaded yet.

    Raises :class:`UserMistake` if it is, and on a processor without AVX2.
    """
    if "torch" in sys.modules:
        raise UserMistake("torch is loaded already; allowed: reproducible runs in a new process.")
    if not CPUINFO.exists() or " avx2 " not in CPUINFO.read_text():
        raise UserMistake("--reproducible on this processor; allowed: Linux on a processor with AVX2.")
    os.environ.update(ENVIRONMENT)


@contextmanager
def settled(reproducible: bool) -> Iterator[None]:
    """Compute on one thread, with deterministic operations alone, in the block of a reproducible run; else change nothing.

    Raises :class:`UserMistake` in a process that was not prepared.
    """
    if not reproducible:
        yield
        return
    if odd := [name for name, value in ENVIRONMENT.items() if os.environ.get(name) != value]:
        raise UserMistake(
            f"variable {odd[0]} is {os.environ.get(odd[0])!r}; allowed: {ENVIRONMENT[odd[0]]!r} in a reproducible run."
        )
    import torch  # imported here: the environment is set first

    threads, cudnn = torch.get_num_threads(), torch.backends.cudnn
    before = torch.are_deterministic_algorithms_enabled(), cudnn.deterministic, cudnn.benchmark
    _switch(1, True, True, False)
    try:
        yield
    finally:
        _switch(threads, *before)


def _switch(threads: int, deterministic: bool, cudnn_deterministic: bool, cudnn_benchmark: bool) -> None:
    import torch

    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(deterministic)
    torch.backends.cudnn.deterministic = cudnn_deterministic
    torch.backends.cudnn.benchmark = cudnn_benchmark
