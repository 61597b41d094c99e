"""What is measured of speed: plain ways that do the same as the fast ones, ratios of neighbours, promises in words."""

import itertools
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from benchmarks.profiling.machine import Machine
from benchmarks.profiling.steps import Omitted, Profile, Profiles, Work
from benchmarks.scores.frechet import frechet_distance
from benchmarks.speed import __main__ as everything
from benchmarks.speed import goals, optimisations
from benchmarks.speed.goals import Goal, interleaved, on_gpu, ratio
from benchmarks.speed.optimisations import Gain
from methods.networks.pixelda import DeepCriticNet, dropout_and_noise
from methods.seeding import generator

ROOT = Path(__file__).parents[1]
CPU, CUDA = torch.device("cpu"), torch.device("cuda")


def test_works_take_turns_and_ratios_are_of_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    works = {name: lambda name=name: order.append(name) for name in ("one", "two")}
    clock = itertools.accumulate(
        [0, 9, 0, 9, 0, 2, 0, 1, 0, 30, 0, 10, 0, 4, 0, 4]
    )  # work, then nothing between
    monkeypatch.setattr(goals.time, "perf_counter", lambda: next(clock))
    found = interleaved(works, CPU, rounds=3)
    assert order == ["one", "two"] * 4
    assert found == {"one": [2, 30, 4], "two": [1, 10, 4]}
    assert ratio(found, "one", "two") == 2


Changes = Callable[[], AbstractContextManager[object]]


def losses(row: str, around: Changes, steps: int = 2) -> Iterator[dict[str, torch.Tensor]]:
    with around():
        step = optimisations.small(row, "shapes")
        for _ in range(steps):
            yield step()  # type: ignore[misc]


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand the smallest scale in for the small one."""
    scale = goals.find_scale("smoke")
    monkeypatch.setattr(optimisations, "find_scale", lambda name: scale)
    configure = optimisations.configure
    monkeypatch.setattr(optimisations, "configure", lambda row, name: configure(row, "smoke"))


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("row", ["simgan-ggdr", "pixelda"])
@pytest.mark.parametrize("around", [optimisations.fresh_memory, optimisations.gradients_for_all])
def test_results_are_the_same_bits(row: str, around: Changes) -> None:
    for plain, fast in zip(losses(row, around), losses(row, optimisations.nullcontext), strict=True):
        assert all(torch.equal(value, fast[name]) for name, value in plain.items())


@pytest.mark.usefixtures("tiny")
def test_gradients_for_all_are_more_work() -> None:
    work = optimisations.small("simgan", "shapes")
    with optimisations.gradients_for_all():
        plain = goals.flops_of(work)
    assert plain > 1.01 * goals.flops_of(work)


def test_draws_in_layout_follow_the_same_law() -> None:
    sizes = [(16, 12, 12), (32, 6, 6)]
    net = DeepCriticNet()
    with optimisations.draws_in_layout():
        plain = optimisations.pixelda.dropout_and_noise(net, 64, sizes, generator(0, "one"))
    for one, other in zip(plain, dropout_and_noise(net, 64, sizes, generator(0, "two")), strict=True):
        for mine, its in zip(one, other, strict=True):
            assert mine.shape == its.shape
            assert mine.mean().item() == pytest.approx(its.mean().item(), abs=0.01)
            assert mine.std().item() == pytest.approx(its.std().item(), abs=0.01)


def test_both_ways_to_the_distance_agree() -> None:
    first, second = torch.randn(2, 200, 12, generator=torch.Generator().manual_seed(0))
    plain = optimisations.by_square_root(first, second + 0.1)
    assert plain == pytest.approx(float(frechet_distance(first, second + 0.1)), rel=1e-6)


def test_kept_memory_is_not_fetched_again() -> None:
    """Count the pages that a process asks the system for while it fills large tensors."""
    code = (
        "import resource, sys, torch\n"
        "from benchmarks.running.memory import keep_freed_memory\n"
        "if sys.argv[1] == 'keep': keep_freed_memory()\n"
        "faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "for _ in range(10): torch.ones(1 << 24)\n"
        "before = faults()\n"
        "for _ in range(5): torch.ones(1 << 24)\n"
        "print(faults() - before)"
    )
    fetched = {
        word: int(
            subprocess.run(
                [sys.executable, "-c", code, word], cwd=ROOT, capture_output=True, check=True
            ).stdout
        )
        for word in ("keep", "plain")
    }
    if fetched["plain"] < 1000 or optimisations.memory.allocator("mallopt") is None:
        pytest.skip("this allocator keeps memory anyhow")
    assert fetched["keep"] < fetched["plain"] / 10


def test_promises_of_a_gpu_are_not_measured_without_one() -> None:
    found = list(on_gpu(CPU))
    assert len(found) == 4
    assert all(one.kept is None and one.verdict == "not measured" for one in found)


def test_promises_of_a_gpu_are_read_from_profiles(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(gemm=9e12, convolution=5e12, copy=1e12, convolution_bf16=10e12)
    work = Work(images=64, phase_flops={"other": 9e9}, bytes=1)
    asked = []

    def profiled(
        specs: list[SimpleNamespace], data: None, *, windows: int, steps: int, variants: tuple[str, str]
    ) -> Profiles:
        row, scale = specs[0].row, specs[0].scale
        asked.append((row, scale, variants[1]))
        if row == "pixelda" and scale == "small":
            return Profiles(
                rows=[],
                omitted=[Omitted(row=row, variant="graphs", reason="failed")],
                machine=machine,
                about={},
            )
        one = Profile(
            row=row, variant=variants[1], work=work, step_ms=(1.0, 2.0, 3.0), drift=0, noise=0, gain=3.0, difference=0,
            tolerance=1, first_s=1, hottest=[],
        )  # fmt: skip
        return Profiles(rows=[replace(one, variant="eager"), one], omitted=[], machine=machine, about={})

    monkeypatch.setattr(goals, "profiled", profiled)
    found = list(on_gpu(CUDA))
    assert asked == [
        *(("simgan", "small", "graphs"), ("pixelda", "small", "graphs"), ("pixelda", "paper", "graphs")),
        ("simgan[refiner_pretraining=1]", "paper", "bf16"),
    ]
    assert [(one.found, one.kept) for one in found] == [
        *(("3.0 ×", True), ("failed", False), ("2.00 ms", True), ("45%", True)),
    ]


def test_page_holds_what_was_measured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    promise = Goal(name="list", limit="< 1 s", found="0.5 s", kept=True)
    gain = Gain(
        name="layout", where="SimGAN", numbers="rounding differs", before_ms=20.0, after_ms=10.0, times=2.1
    )
    monkeypatch.setattr(everything, "goals", lambda device: [promise])
    monkeypatch.setattr(everything, "gains", lambda: iter([gain]))
    monkeypatch.setattr(everything, "compare_jobs", lambda specs: {1: [3.0, 2.0, 4.0], 2: [1.5, 1.0, 2.0]})
    monkeypatch.setattr(everything, "profiled", lambda *_, **__: None)
    monkeypatch.setattr(everything, "write", lambda found, folder: [])
    monkeypatch.setattr(everything, "resolve_device", lambda name: "cpu")
    everything.main(tmp_path)
    page = (tmp_path / "speed.md").read_text()
    assert "| list | < 1 s | 0.5 s | kept |" in page
    assert "| layout | SimGAN | 20.0 | 10.0 | 2.10 | rounding differs |" in page
    assert "| digits-photos, SimGAN at small, 30 steps | 2 | 1.5 | 1.0 … 2.0 |" in page
    assert {path.name for path in tmp_path.iterdir()} == {
        *("speed.json", "speed.md", "optimisations.png", "optimisations.svg")
    }
    assert "written to" in capsys.readouterr().out
