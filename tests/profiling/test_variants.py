"""Other ways to run a step: shown when networks come out the same, left out when they do not."""

import json
import shutil
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

import bench
from benchmarks.profiling import machine, phases, variants
from benchmarks.profiling.phases import MemoryMeter, Phases
from benchmarks.profiling.steps import Omitted, profiled
from benchmarks.profiling.subjects import Start, start
from benchmarks.profiling.trace import device_of
from benchmarks.profiling.variants import MAX_BF16_DIFFERENCE, MAX_DIFFERENCE, VARIANTS, Variant
from benchmarks.studies.runs import runs
from benchmarks.studies.study import RunSpec, Study
from methods.contract import Batch, Method
from tests.small.rows import TRAINED

DIFFERENT = ["simgan", "simgan-ggdr", "pixelda-hist", "dsn"]


@pytest.fixture(autouse=True)
def slight(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure the machine in no time."""
    monkeypatch.setattr(machine, "MATRIX_SIDE", {"cpu": 64})
    monkeypatch.setattr(machine, "BATCH", 1)
    monkeypatch.setattr(machine, "COPIED_FLOATS", {"cpu": 1000})


def specs(*rows: str, device: str = "cpu") -> list[RunSpec]:
    return list(
        runs(Study(name="t", about="", pairs=("shapes",), rows=rows, seeds=(0,), scale="smoke"), device)
    )


def begun(row: str, device: str = "cpu") -> Start:
    return start(specs(row, device=device)[0], None)


@pytest.mark.parametrize("row", DIFFERENT)
def test_ways_differ_by_rounding_alone(row: str) -> None:
    one = begun(row)
    differences = {name: one.subject(name).difference for name in ("eager", "contiguous", "channels-last")}
    assert differences["eager"] == 0
    assert all(difference < MAX_DIFFERENCE for difference in differences.values())


@pytest.mark.parametrize("row", ["simgan", "simgan-ggdr", "pixelda-hist", "dann"])
def test_half_precision_differs_by_a_part_of_what_is_learnt(row: str) -> None:
    assert 0 < begun(row).subject("bf16").difference < MAX_BF16_DIFFERENCE


def test_normalised_networks_of_dsn_round_too_far_in_half_precision() -> None:
    assert begun("dsn").subject("bf16").difference > 4 * MAX_DIFFERENCE


@pytest.mark.filterwarnings("default")  # of torch's own compiler
@pytest.mark.skipif(shutil.which("g++") is None, reason="compilation needs g++")
def test_a_compiled_method_learns_the_same_and_is_compiled_once() -> None:
    one = begun("simgan").subject("compile")
    assert 0 < one.difference < MAX_DIFFERENCE
    compiled = torch._dynamo.utils.counters["stats"]["unique_graphs"]
    assert compiled > 0
    for _ in range(3):
        one.step(one.batches)
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == compiled


def test_layouts_are_what_they_are_called() -> None:
    one = begun("simgan")
    for name, layout in (("contiguous", torch.contiguous_format), ("channels-last", torch.channels_last)):
        method = one.subject(name).method
        weight = method.networks()["refiner"].get_parameter("blocks.0.first.weight")
        assert weight.is_contiguous(memory_format=layout)
        kept = [value for state in variants._states(method) for value in state.values() if value.ndim == 4]
        assert kept
        assert all(value.is_contiguous(memory_format=layout) for value in kept)


def idle(method: Method, batches: Any, lead: int) -> variants.Step:
    """Draw and compute, but never learn."""

    def step(drawn: Iterator[Batch]) -> dict[str, Tensor]:
        next(drawn)
        return {}

    return step


def broken(method: Method, batches: Any, lead: int) -> variants.Step:
    raise RuntimeError("no\nsuch kernel")


@pytest.mark.parametrize(
    ("prepare", "reason"),
    [
        (idle, "its networks differ from those of plain steps by 1, allowed 0.01"),
        (broken, "failed: RuntimeError: no such kernel"),
    ],
)
def test_a_way_that_learns_otherwise_has_no_speed(
    prepare: variants.Way, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(VARIANTS, "other", Variant(about="for tests", prepare=prepare))
    found = profiled(specs("simgan"), None, windows=4, steps=1, variants=("eager", "other"))
    assert [one.name for one in found.rows] == ["simgan"]
    assert found.omitted == [Omitted(row="simgan", variant="other", reason=reason)]


def test_a_slight_error_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps that learn at a rate 5 % higher."""

    def prepare(method: Method, batches: Any, lead: int) -> variants.Step:
        for part in method.state.values():
            if isinstance(part, torch.optim.Optimizer):
                part.param_groups[0]["lr"] *= 1.05
        return variants._led(method.step, batches, lead)

    monkeypatch.setitem(VARIANTS, "other", Variant(about="for tests", prepare=prepare))
    assert begun("simgan").subject("other").difference > 4 * MAX_DIFFERENCE


def test_words_for_variants(capsys: pytest.CaptureFixture[str]) -> None:
    assert variants.parse_variants("bf16, eager", "cpu") == ("eager", "bf16")
    words = ["profile", "--pair", "shapes", "--scale", "smoke", "--device", "cpu", "--variants"]
    assert bench.main([*words, "bf61"]) == 2
    assert "unknown variant 'bf61'" in capsys.readouterr().err
    assert bench.main([*words, "graphs"]) == 2
    said = capsys.readouterr().err
    assert said == (
        "error: variant 'graphs' is not for device 'cpu'; allowed: eager, compile, bf16, channels-last, contiguous.\n"
    )


def test_command_shows_ways_beside_each_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(VARIANTS, "bf16", replace(VARIANTS["bf16"], tolerance=0.0))
    words = ["profile", "--methods", "simgan", "--pair", "shapes", "--scale", "smoke", "--device", "cpu"]
    words += ["--windows", "4", "--steps", "1", "--variants", "contiguous,bf16", "--out", str(tmp_path)]
    assert bench.main([*words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [(row["row"], row["variant"]) for row in told["rows"]] == [
        ("simgan", "eager"),
        ("simgan", "contiguous"),
    ]
    assert [one["variant"] for one in told["omitted"]] == ["bf16"]
    page = (tmp_path / "profile.md").read_text()
    assert "## Ways to run a step" in page
    assert "| simgan (contiguous) | refiner backward |" in page
    assert "not shown: its networks differ" in page


class Calls(TorchDispatchMode):
    """Notes the names of operations on tensors, but for those on numbers that stay with the host."""

    def __init__(self, host: Sequence[Tensor] = ()) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.host = {one.data_ptr() for one in host}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if not (args and isinstance(args[0], Tensor) and args[0].data_ptr() in self.host):
            self.names.add(func.overloadpacket.__name__)
        return func(*args, **(kwargs or {}))


def test_reading_a_number_is_noticed() -> None:
    with Calls() as calls:
        torch.ones(3).sum().item()
    assert "_local_scalar_dense" in calls.names


@pytest.mark.parametrize("row", TRAINED)
def test_no_step_reads_a_number(row: str) -> None:
    """Operations whose result the host would wait for on a GPU."""
    one = begun(row).subject("eager")
    counts = [state["step"] for state in variants._states(one.method) if "step" in state]  # Adam's
    with Calls(counts) as calls:
        one.step(one.batches)
    assert not calls.names & {"_local_scalar_dense", "nonzero", "masked_select", "_unique2", "equal"}


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("row", TRAINED)
def test_no_window_waits_for_the_device(row: str) -> None:
    one = begun(row, "cuda").subject("eager")
    torch.cuda.set_sync_debug_mode("warn")
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            for _ in range(3):
                one.step(one.batches)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert [str(one.message) for one in said if "synchroniz" in str(one.message)] == []


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("row", TRAINED)
def test_a_captured_step_learns_the_same(row: str) -> None:
    assert begun(row, "cuda").subject("graphs").difference < MAX_DIFFERENCE


def test_what_a_device_did_is_read_from_its_kernels() -> None:
    kernels = [(30.0, 40.0), (0.0, 10.0), (12.0, 20.0), (15.0, 18.0)]
    found = device_of(kernels, steps=2)
    assert found.kernels == 2
    assert found.busy == pytest.approx((10 + 8 + 10) / 40)
    assert found.gap_us == pytest.approx((2 + 10) / 3)
    assert device_of([], steps=1).kernels == 0


def test_peaks_belong_to_phases(monkeypatch: pytest.MonkeyPatch) -> None:
    mib = iter([100, 1, 50, 20, 70, 5])
    resets = []
    monkeypatch.setattr(phases.torch.cuda, "max_memory_allocated", lambda device: next(mib) << 20)
    monkeypatch.setattr(phases.torch.cuda, "reset_peak_memory_stats", resets.append)
    seen = Phases(MemoryMeter(torch.device("cuda")), max)
    with seen.step():
        with seen.phase("forward"):
            pass
        with seen.phase("forward"):
            pass
    assert seen.taken() == [{"other": 20, "forward": 70}] or seen.taken() == [
        {"other": 20.0, "forward": 70.0}
    ]
    assert len(resets) == 6
