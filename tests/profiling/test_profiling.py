"""Profiles: phases that add up, operations that are counted right, methods that do not notice."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

import bench
from benchmarks.profiling import machine
from benchmarks.profiling.counting import bytes_of, flops_of
from benchmarks.profiling.phases import DRAW, OPTIMISER, OTHER, FlopMeter, Phases, WallMeter, watched
from benchmarks.profiling.steps import profiled
from benchmarks.running.batches import Batches
from benchmarks.running.training import problem_of
from benchmarks.studies.runs import runs
from benchmarks.studies.scales import find_scale
from benchmarks.studies.study import Study
from datasets.catalogue import load_pair
from methods.contract import Batch, Config, Method, Problem, Stateful
from methods.recipe import Recipe
from methods.recipes import RECIPES, configure
from tests.small.rows import TRAINED

CPU = torch.device("cpu")


class Ticks:
    """A meter that reads 1 more every time."""

    def __init__(self) -> None:
        self.now = 0

    def mark(self) -> int:
        self.now += 1
        return self.now

    def between(self, first: int, last: int) -> float:
        return last - first


def test_inner_phases_are_not_counted_for_outer_ones() -> None:
    phases, meter = Phases(Ticks()), Ticks()
    phases.meter = meter
    with phases.step():
        meter.now += 10
        with phases.phase("outer"):
            meter.now += 100
            with phases.phase("inner"):
                meter.now += 1000
                with phases.phase("inner"):
                    meter.now += 2000
            meter.now += 200
        meter.now += 20
    (taken,) = phases.taken()
    readings = {OTHER: 2, "outer": 2, "inner": 1}  # each cut is a tick of its own
    assert taken == {OTHER: 30 + readings[OTHER], "outer": 300 + readings["outer"], "inner": 3000 + 1}


def test_a_phase_ends_with_an_exception() -> None:
    phases = Phases(Ticks())
    with pytest.raises(ZeroDivisionError), phases.phase("broken"):
        raise ZeroDivisionError
    with phases.step(), phases.phase("whole"):
        pass
    assert set(phases.taken()[0]) == {OTHER, "whole"}


def made(row: str, seed: int = 0) -> tuple[Method, Batches]:
    pair, scale = load_pair("shapes"), find_scale("smoke")
    problem = problem_of(pair, scale)
    method = configure(row, "smoke").build(problem, CPU, seed)
    batches = Batches(pair, problem.batch, seed)
    method.pretrain(batches)
    return method, batches


@pytest.mark.parametrize("row", TRAINED)
def test_a_watched_method_learns_the_same_and_is_left_as_it_was(row: str) -> None:
    (one, plain), (two, batches) = made(row), made(row)
    gradients = torch.autograd.grad, torch.autograd.backward
    phases = Phases(WallMeter())
    with watched(phases, two, batches) as stream:
        for _ in range(2):
            with phases.step():
                terms = two.step(stream)
    one.step(plain)
    assert all(torch.equal(value, terms[name]) for name, value in one.step(plain).items())
    assert (torch.autograd.grad, torch.autograd.backward) == gradients
    before = len(phases.taken()[1])
    two.step(batches)
    assert len(phases.taken()[1]) == before
    hooks = [m._forward_hooks or m._forward_pre_hooks for n in two.networks().values() for m in n.modules()]
    assert not any(hooks)
    taken = phases.taken()[1]
    assert {DRAW, OPTIMISER} <= set(taken)
    assert sum("forward" in name for name in taken) >= 1
    assert sum("backward" in name for name in taken) >= 1
    assert taken[OTHER] < sum(taken.values())


def test_phases_of_simgan_are_its_networks_and_its_history() -> None:
    method, batches = made("simgan")
    phases = Phases(WallMeter())
    with watched(phases, method, batches) as stream, phases.step():
        method.step(stream)
    assert set(phases.taken()[0]) == {
        *(OTHER, DRAW, OPTIMISER, "history"),
        *(f"{name} {way}" for name in ("refiner", "critic") for way in ("forward", "backward")),
    }


class OneLayer(Method):
    """Trains one convolution by ``backward``."""

    def __init__(self) -> None:
        self.network = nn.Conv2d(1, 4, 3, padding=1, bias=False)
        self.optimiser = torch.optim.SGD(self.network.parameters(), lr=0.1)

    @property
    def state(self) -> Mapping[str, Stateful]:
        return {"network": self.network, "optimiser": self.optimiser}

    def step(self, batches: Iterator[Batch]) -> dict[str, Tensor]:
        loss = self.network(next(batches).source).square().mean()
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        return {"loss": loss.detach()}

    def adapter(self, batches: Iterator[Batch]) -> None:
        return None


@dataclass(frozen=True, kw_only=True)
class OneLayerConfig(Config):
    def build(self, problem: Problem, device: torch.device, seed: int) -> OneLayer:
        return OneLayer()


def test_operations_of_a_layer_are_counted_by_phase() -> None:
    method, batches = OneLayer(), Batches(load_pair("shapes"), 16, 0)
    with FlopCounterMode(display=False) as counter:
        phases = Phases(FlopMeter(counter))
        with watched(phases, method, batches) as stream, phases.step():
            method.step(stream)
    forward = (
        2 * 16 * 12 * 12 * 4 * 9
    )  # a multiplication and an addition for each weight, output pixel and channel
    taken = phases.taken()[0]
    assert taken["network forward"] == forward
    assert taken["backward"] == forward  # images need no gradient
    assert taken[OPTIMISER] == taken[DRAW] == 0


def test_bytes_are_those_of_operands_and_results() -> None:
    one, two = torch.ones(10, 3), torch.ones(10, 3)
    assert bytes_of(lambda: (one + two).view(30)) == 3 * 30 * 4


def test_operations_are_those_of_products_and_their_gradients() -> None:
    one, two = torch.ones(10, 3, requires_grad=True), torch.ones(3, 7)
    assert flops_of(lambda: one @ two) == 2 * 10 * 3 * 7
    assert flops_of(lambda: (one @ two).sum().backward()) == 2 * 2 * 10 * 3 * 7
    assert flops_of(lambda: one + 1) == 0


def test_rates_of_the_machine_are_those_of_its_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "MATRIX_SIDE", {"cpu": 64})
    monkeypatch.setattr(machine, "BATCH", 1)
    monkeypatch.setattr(machine, "COPIED_FLOATS", {"cpu": 1000})
    seconds = iter([0.5, 0.25, 2.0])

    def timed(work: object, device: torch.device) -> float:
        work()  # type: ignore[operator]
        return next(seconds)

    monkeypatch.setattr(machine, "_seconds", timed)
    found = machine.measured(CPU)
    assert found.gemm == 2 * 64**3 / 0.5
    with FlopCounterMode(display=False) as counter:
        images, weight = (
            torch.ones(1, 64, 35, 55, requires_grad=True),
            torch.ones(64, 64, 3, 3, requires_grad=True),
        )
        F.conv2d(images, weight, padding=1).sum().backward()
    assert found.convolution == counter.get_total_flops() / 0.25
    assert found.copy == 2 * 4 * 1000 / 2.0


@pytest.mark.usefixtures("slight")
def test_profile_of_a_row_holds_what_it_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(
        RECIPES, "layer", Recipe(name="layer", base=OneLayerConfig(), about="for tests", paper="–")
    )
    study = Study(name="t", about="", pairs=("shapes",), rows=("layer",), seeds=(0,), scale="smoke")
    whole = profiled(list(runs(study, "cpu")), None, windows=6, steps=2, traces=tmp_path)
    (found,) = whole.rows
    assert not whole.omitted
    low, middle, high = found.step_ms
    assert 0 < low <= middle <= high
    assert found.work.images == 16
    assert found.work.flops == 2 * 2 * 16 * 12 * 12 * 4 * 9
    assert found.rate == pytest.approx(1000 * found.work.flops / middle)
    assert found.device is None
    assert (found.gain, found.difference) == (1, 0)
    assert len(found.hottest) == 5
    assert sum(share for _, share in found.hottest) <= 1
    (trace,) = tmp_path.iterdir()
    names = {event.get("name") for event in json.loads(trace.read_text())["traceEvents"]}
    assert {"network forward", "backward", OPTIMISER, DRAW} <= names


@pytest.fixture
def slight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "MATRIX_SIDE", {"cpu": 64})
    monkeypatch.setattr(machine, "BATCH", 1)
    monkeypatch.setattr(machine, "COPIED_FLOATS", {"cpu": 1000})


@pytest.mark.usefixtures("slight")
def test_command_prints_and_writes_the_same_numbers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["profile", "--methods", "simgan,dann", "--pair", "shapes", "--scale", "smoke", "--device", "cpu"]
    words += ["--windows", "4", "--steps", "1", "--out", str(tmp_path / "out")]
    assert bench.main([*words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [row["row"] for row in told["rows"]] == ["simgan", "dann"]
    assert told == json.loads((tmp_path / "out/profile.json").read_text())
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        *("profile.json", "profile.md", "roofline.png", "roofline.svg")
    }
    page = (tmp_path / "out/profile.md").read_text()
    assert "| simgan | refiner backward |" in page
    assert bench.main(words) == 0
    shown = capsys.readouterr().out
    assert "of convolution" in shown
    assert "kernels" not in shown


def test_command_refuses_unknown_rows(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["profile", "--methods", "simgun", "--device", "cpu"]) == 2
    assert "simgan" in capsys.readouterr().err
