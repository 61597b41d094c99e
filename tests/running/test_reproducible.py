"""Reproducible runs: equal bits whatever instructions a process is given, and a record that says so."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks.running import reproducible
from benchmarks.running.provenance import describe
from benchmarks.running.reproducible import ENVIRONMENT, prepare, settled
from mistakes import UserMistake

ROOT = Path(__file__).parents[2]
WIDE = torch.backends.cpu.get_cpu_capability() not in ("DEFAULT", "AVX2")
WORDS = [
    "--methods",
    "simgan",
    "--pair",
    "shapes",
    "--scale",
    "smoke",
    "--seeds",
    "1",
    "--no-bounds",
    "--device",
    "cpu",
]
FORCED = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_CBWR": "AVX2",
    "OMP_NUM_THREADS": "1",
}
NARROW = {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41", "OMP_NUM_THREADS": "1"}


def ran(results: Path, environment: Mapping[str, str], *words: str) -> dict[str, Any]:
    """Do one run in a process with these variables alone of those that choose instructions.

    Returns the content of its record, with the SHA-256 of the trained weights as ``weights``.
    """
    kept = {name: value for name, value in os.environ.items() if name not in ENVIRONMENT}
    command = [sys.executable, "bench.py", *WORDS, "--results", str(results), *words]
    subprocess.run(
        command, cwd=ROOT, env={**kept, **environment}, check=True, capture_output=True, timeout=300
    )
    (folder,) = (results / "runs").iterdir()
    weights = hashlib.sha256((folder / "adapter.safetensors").read_bytes()).hexdigest()
    return {**json.loads((folder / "record.json").read_bytes()), "weights": weights}


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Return records of one run: on AVX2, on narrower instructions, and reproducible although begun on the latter."""
    if torch.backends.cpu.get_cpu_capability() == "DEFAULT":
        pytest.skip("the processor has no AVX2")
    asked = {"avx2": (FORCED, ()), "narrow": (NARROW, ()), "switch": (NARROW, ("--reproducible",))}
    return {
        name: ran(tmp_path_factory.mktemp(name), environment, *words)
        for name, (environment, words) in asked.items()
    }


def test_the_switch_gives_the_bits_of_avx2(records: dict[str, dict[str, Any]]) -> None:
    assert records["switch"]["weights"] == records["avx2"]["weights"]
    assert records["narrow"]["weights"] != records["avx2"]["weights"]
    for name in ("error", "refinement"):
        assert records["switch"]["scores"][name] == records["avx2"]["scores"][name]


def test_the_record_says_what_the_numbers_hang_on(records: dict[str, dict[str, Any]]) -> None:
    host = records["switch"]["host"]
    assert (
        host.items() >= {"instructions": "AVX2", "threads": 1, "deterministic": "yes", **ENVIRONMENT}.items()
    )
    assert records["switch"]["spec"]["reproducible"] is True
    assert "reproducible" not in records["avx2"]["spec"]
    assert len({record["id"] for record in records.values()}) == 2
    assert records["narrow"]["host"]["instructions"] == "DEFAULT"
    assert "deterministic" not in records["narrow"]["host"]


@pytest.mark.skipif(not WIDE, reason="the processor has no instructions wider than AVX2")
def test_wider_instructions_are_another_machine_and_the_switch_leaves_them(
    records: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    wide = ran(tmp_path / "wide", {"OMP_NUM_THREADS": "1"})
    held = ran(tmp_path / "held", {"OMP_NUM_THREADS": "1"}, "--reproducible")
    assert wide["host"] != records["avx2"]["host"]
    assert held["weights"] == records["avx2"]["weights"]


def test_torch_that_is_loaded_is_refused() -> None:
    with pytest.raises(UserMistake, match="torch is loaded already; allowed: "):
        prepare()


@pytest.mark.parametrize("flags", ["flags : fpu avx avx512f\n", None])
def test_a_processor_without_avx2_is_refused(
    flags: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "torch")
    monkeypatch.setattr(reproducible, "CPUINFO", tmp_path / "cpuinfo")
    if flags:
        (tmp_path / "cpuinfo").write_text(flags)
    with pytest.raises(UserMistake, match="--reproducible on this processor; allowed: "):
        prepare()


def test_a_process_that_was_not_prepared_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MKL_CBWR", raising=False)
    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "avx2")
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    with pytest.raises(UserMistake, match="variable MKL_CBWR is None; allowed: 'AVX2'"), settled(True):
        pass


def test_switches_hold_for_the_block_and_then_are_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    before, device = describe(torch.device("cpu"))["host"], torch.device("cpu")
    with settled(False):
        assert describe(device)["host"] == before
    with settled(True):
        inside = describe(device)["host"]
    assert (inside["threads"], inside["deterministic"]) == (1, "yes")
    assert describe(device)["host"] == before


def test_a_host_names_processor_build_and_switches() -> None:
    host = describe(torch.device("cpu"))["host"]
    assert host["torch"] == torch.__version__
    assert host["instructions"] == torch.backends.cpu.get_cpu_capability()
    assert host["interop_threads"] == torch.get_num_interop_threads()
    assert host["matmul_precision"] == "highest"
    assert host["processor"]
