"""Wrong methods from spec to record: none of them passes as a right one, and none of them touches a later run."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.engines.local import Local
from benchmarks.engines.matrix import run_matrix
from benchmarks.evaluation.evaluator import Evaluator
from benchmarks.records import store
from benchmarks.records.record import DIVERGED, FAILED, OK, RunRecord
from benchmarks.running import run as running
from benchmarks.running.batches import Batches
from benchmarks.studies.plugins import Sources
from benchmarks.studies.runs import runs
from benchmarks.studies.study import RunSpec, Study
from methods.bounds import Identity
from methods.contract import Adapter, Batch, Config, Method, Predictor, Problem, Stateful
from methods.recipe import Recipe
from methods.recipes import RECIPES

SEEN: list[str] = []


class Painter(Identity):
    """Paints source images in a way that has a fault, or in none."""

    def __init__(self, fault: str) -> None:
        super().__init__()
        self.fault = fault

    def forward(self, source: Tensor, generator: torch.Generator | None = None) -> Tensor:
        SEEN.append("adapter")
        if self.fault == "mean of the batch":
            return source - source.mean()
        if self.fault == "not finite":
            source[::5] = math.nan
        return source.double() if self.fault == "float64" else 0.9 * source


class Answers(nn.Module):
    """A task model with a fault."""

    def __init__(self, fault: str) -> None:
        super().__init__()
        self.fault, self.known = fault, torch.zeros(144, 3)

    def forward(self, images: Tensor) -> Tensor:
        SEEN.append("predictor")
        flat = images.flatten(1)
        if self.fault == "batch norm":
            flat = F.batch_norm(flat, None, None, training=True)
        if self.fault == "learns" and len(images) > 32:
            self.known = self.known + flat.mean() / 100
        outputs = flat @ torch.ones(144, 3).cumsum(1) / 144 + (flat @ self.known)
        return outputs + math.inf if self.fault == "infinite" else outputs


class Wrong(Method):
    """Learns nothing, in a way that has a fault, or in none."""

    def __init__(self, config: "WrongConfig") -> None:
        self.config, self.network = config, nn.Linear(1, 1)

    @property
    def state(self) -> Mapping[str, Stateful]:
        return {"network": self.network}

    def step(self, batches: Iterator[Batch]) -> dict[str, Tensor]:
        batch = next(batches)
        if self.config.fault.startswith("writes"):
            assert isinstance(batches, Batches)
            batches._source.images.add_(7)
        if self.config.fault == "writes and raises":
            raise RuntimeError("out of luck")
        batch.source.zero_()
        return {"loss": torch.tensor(0.0)}

    def adapter(self, batches: Iterator[Batch]) -> Adapter | None:
        return Painter(self.config.painter) if self.config.painter else None

    def predictor(self) -> Predictor | None:
        return Answers(self.config.answers) if self.config.answers else None


@dataclass(frozen=True, kw_only=True)
class WrongConfig(Config):
    fault: str = ""
    painter: str = ""
    answers: str = ""

    def build(self, problem: Problem, device: torch.device, seed: int) -> Method:
        return Wrong(self)


@dataclass(frozen=True, kw_only=True)
class GreedyConfig(WrongConfig):
    TRAINS_ON: ClassVar[Literal["source", "target"]] = "target"


@pytest.fixture
def spec_of(monkeypatch: pytest.MonkeyPatch) -> Callable[[Config], RunSpec]:
    """Return a function from a config to a spec of its run."""

    def spec(config: Config) -> RunSpec:
        recipe = Recipe(name="wrong", base=config, about="for tests", paper="–")
        monkeypatch.setitem(RECIPES, "wrong", recipe)
        study = Study(name="test", about="", pairs=("shapes",), rows=("wrong",), seeds=(0,), scale="smoke")
        (only,) = runs(study, "cpu")
        return only

    SEEN.clear()
    return spec


def run(spec: RunSpec) -> tuple[RunRecord, dict[str, bytes]]:
    return running.run(spec, None, lambda *_: None)


def kept() -> Evaluator:
    """Return the evaluator that the next run gets."""
    return running.evaluator_for("shapes", "random", 20, torch.device("cpu"), None)


CASES: dict[str, tuple[Config, str, str]] = {
    "nothing": (WrongConfig(painter="none", answers="none"), OK, ""),
    "adapter and batch": (
        WrongConfig(painter="mean of the batch"),
        FAILED,
        "the adapter looks at an image's",
    ),
    "predictor and batch": (WrongConfig(answers="batch norm"), FAILED, "the predictor looks at an image's"),
    "predictor and test": (WrongConfig(answers="learns"), FAILED, "the predictor has changed while it was"),
    "predictor not finite": (
        WrongConfig(answers="infinite"),
        DIVERGED,
        "the task model puts out values that are not",
    ),
    "adapter not finite": (
        WrongConfig(painter="not finite"),
        DIVERGED,
        "the adapter paints values that are not",
    ),
    "adapter of float64": (WrongConfig(painter="float64"), FAILED, "the adapter paints float64 of shape"),
    "target labels": (GreedyConfig(), FAILED, 'GreedyConfig.TRAINS_ON is "target", which gives'),
    "target labels, own model": (GreedyConfig(answers="none"), FAILED, "GreedyConfig.TRAINS_ON is"),
    "data": (
        WrongConfig(fault="writes", painter="none"),
        FAILED,
        "the method wrote into the bench's own data",
    ),
    "data, then an error": (
        WrongConfig(fault="writes and raises"),
        FAILED,
        "the method wrote into the bench's own data (source images)",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_run_of_a_wrong_method_says_what_is_wrong(case: str, spec_of: Callable[[Config], RunSpec]) -> None:
    config, status, reason = CASES[case]
    record, files = run(spec_of(config))
    assert (record.status, record.reason[: len(reason)]) == (status, reason)
    assert bool(record.scores) == bool(files) == (status == OK)
    assert len(record.curve) == (0 if status == FAILED else 6)
    assert "\n" not in record.reason


@pytest.mark.parametrize("case", ["data", "data, then an error"])
def test_data_that_a_method_wrote_into_are_read_anew(case: str, spec_of: Callable[[Config], RunSpec]) -> None:
    spec = spec_of(WrongConfig(painter="none"))
    before = run(spec)[0].scores
    spoilt, images = kept(), kept().pair.source.images.clone()
    run(spec_of(CASES[case][0]))
    assert not torch.equal(spoilt.pair.source.images, images)
    assert kept() is not spoilt
    assert torch.equal(kept().pair.source.images, images)
    assert run(spec)[0].scores == before


def test_adapter_paints_all_that_is_scored_before_the_predictor_sees_a_test_image(
    spec_of: Callable[[Config], RunSpec], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "_predictions", lambda *_: [])
    monkeypatch.setattr(running, "pictures", lambda *_: {})
    monkeypatch.setattr(running, "film", lambda *_: {})
    monkeypatch.setattr(running, "steady", lambda *_: [])
    assert run(spec_of(WrongConfig(painter="none", answers="none")))[0].status == OK
    assert sorted(SEEN) == SEEN
    assert set(SEEN) == {"adapter", "predictor"}


def test_study_goes_on_after_answers_that_are_not_finite(
    spec_of: Callable[[Config], RunSpec], tmp_path: Path
) -> None:
    odd, sound = spec_of(WrongConfig(answers="infinite")), spec_of(WrongConfig(painter="none"))
    run_matrix([odd, sound], tmp_path, Local(), Sources(), lambda _: None)
    assert {one.id: one.status for one in store.read_all(tmp_path)} == {odd.id: DIVERGED, sound.id: OK}


def test_criterion_that_is_no_number_diverges(
    spec_of: Callable[[Config], RunSpec], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(running.criteria.__globals__["CRITERIA"], "snd", lambda sure: math.nan)
    record, _ = run(spec_of(WrongConfig(painter="none")))
    assert (record.status, record.reason) == (DIVERGED, "after step 4, criterion snd is not finite")
