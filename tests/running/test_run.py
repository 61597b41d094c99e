"""One run from spec to record, and many of them after each other."""

import io
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import pytest
import torch
from PIL import Image
from safetensors.torch import load
from torch import Tensor, nn

from benchmarks.engines.contract import Begun, Ended, Message, Stepped
from benchmarks.engines.local import Local
from benchmarks.engines.matrix import pending, run_matrix
from benchmarks.records import store
from benchmarks.records.record import DIVERGED, FAILED, OK, RunRecord
from benchmarks.running import clock as clocks
from benchmarks.running import memory
from benchmarks.running import run as running
from benchmarks.running.batches import Batches
from benchmarks.running.clock import StepClock
from benchmarks.running.memory import PeakMemory
from benchmarks.running.provenance import PACKAGES
from benchmarks.running.training import TrainingState
from benchmarks.studies.plugins import Sources
from benchmarks.studies.runs import runs
from benchmarks.studies.scales import SCALES, Scale, find_scale
from benchmarks.studies.study import RunSpec, Study
from datasets.catalogue import load_pair
from methods.bounds import Identity
from methods.contract import Batch, Config, Method, Problem, Stateful
from methods.recipe import Recipe
from methods.recipes import RECIPES
from mistakes import UserMistake

CPU = torch.device("cpu")


class Fragile(Method):
    """Learns one number; at its fifth step the mishap happens."""

    def __init__(self, mishap: str) -> None:
        self.mishap, self.steps, self.network = mishap, 0, nn.Linear(1, 1)

    @property
    def state(self) -> Mapping[str, Stateful]:
        return {"network": self.network}

    def step(self, batches: Iterator[Batch]) -> dict[str, Tensor]:
        self.steps += 1
        next(batches)
        loss = torch.tensor(1.0)
        if self.steps >= 5:
            if self.mishap == "nan":
                loss = torch.tensor(math.nan)
            elif self.mishap == "inf":
                loss = torch.tensor(math.inf)
            elif self.mishap == "raise":
                raise RuntimeError("out of\n\tluck")
            elif self.mishap == "interrupt":
                raise KeyboardInterrupt
        return {"calm": torch.tensor(0.5), "loss": loss}

    def adapter(self, batches: Iterator[Batch]) -> Identity:
        return Identity()


@dataclass(frozen=True, kw_only=True)
class FragileConfig(Config):
    mishap: Literal["none", "nan", "inf", "raise", "interrupt"] = "none"

    def build(self, problem: Problem, device: torch.device, seed: int) -> Fragile:
        return Fragile(self.mishap)


@pytest.fixture(autouse=True)
def fragile_recipe(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = Recipe(name="fragile", base=FragileConfig(), about="for tests", paper="–")
    monkeypatch.setitem(RECIPES, "fragile", recipe)


def specs(*rows: str, seeds: tuple[int, ...] = (0,)) -> list[RunSpec]:
    study = Study(name="test", about="", pairs=("shapes",), rows=rows, seeds=seeds, scale="smoke")
    return list(runs(study, "cpu"))


def run(row: str, seed: int = 0) -> tuple[RunRecord, dict[str, bytes]]:
    return running.run(*specs(row, seeds=(seed,)), None, lambda *_: None)


def matrix(todo: list[RunSpec], results: Path) -> list[Message]:
    messages: list[Message] = []
    run_matrix(todo, results, Local(), Sources(), messages.append)
    return messages


# ---- the clock


def test_summary_drops_the_warm_up_and_gives_quartiles() -> None:
    clock = StepClock(CPU)
    clock.windows = [100.0, 90.0, 5.0, 1.0, 4.0, 2.0, 3.0]
    assert clock.summary() == {"median": 3.0, "q1": 2.0, "q3": 4.0, "windows": 5}
    clock.windows = [100.0, 90.0, 7.0]
    assert clock.summary() == {"median": 7.0, "q1": 7.0, "q3": 7.0, "windows": 1}


@pytest.mark.parametrize("windows", [[], [1.0], [1.0, 2.0]])
def test_summary_is_empty_before_the_warm_up_is_over(windows: list[float]) -> None:
    clock = StepClock(CPU)
    clock.windows = windows
    assert clock.summary() == {}


def test_window_counts_milliseconds_a_step_and_waits_at_its_edges_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits: list[torch.device] = []
    monkeypatch.setattr(clocks, "wait_for", waits.append)
    monkeypatch.setattr(clocks.time, "perf_counter", iter([1.0, 1.04]).__next__)
    clock = StepClock(CPU)
    with clock.window(4):
        assert waits == [CPU]
    assert waits == [CPU, CPU]
    assert clock.windows == [pytest.approx(10)]


# ---- training


def test_training_times_every_window_and_counts_every_step() -> None:
    method, seen = Fragile("none"), []
    scale = Scale(steps=7, batch=16, pixels=4096, window=3, task_steps=1)
    batches = Batches(load_pair("shapes"), 16, 0)
    next(batches)  # as pretraining would
    state = TrainingState(method, batches, CPU)
    training = running.train(state, scale, lambda *now: seen.append(now))
    assert method.steps == 7
    assert [point["step"] for point in training.curve] == [3, 6, 7]
    assert training.images_per_step == 16
    assert training.step_ms["windows"] == 1
    assert set(training.seconds) == {"pretraining", "training"}
    assert seen == [(point["step"], 7, point) for point in training.curve]


def test_peak_memory_is_of_the_stretch_alone() -> None:
    stretch = PeakMemory(CPU)
    before = stretch.mib()
    if before is None:
        pytest.skip("the system does not tell")
    torch.ones(200 << 18).sum()  # 200 MiB
    after = stretch.mib()
    assert after is not None
    later = PeakMemory(CPU).mib()
    assert later is not None
    assert after - before > 150
    assert after - later > 150


def test_peak_memory_is_unknown_where_the_system_does_not_tell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "RESET", tmp_path / "nowhere" / "clear_refs")
    assert PeakMemory(CPU).mib() is None


@pytest.mark.parametrize(("side", "batch"), [(12, 28), (16, 16), (64, 16), (8, 32)])
def test_batch_follows_the_images_size(side: int, batch: int) -> None:
    scale = Scale(steps=1, batch=32, pixels=4096, window=1, task_steps=1)
    assert scale.batch_for((3, side, side)) == batch


def test_unknown_scale_names_the_nearest() -> None:
    assert find_scale("smoke") is SCALES["smoke"]
    with pytest.raises(UserMistake, match=r"'smol'.*Did you mean"):
        find_scale("smol")


# ---- a run


def test_run_is_ok_and_its_record_survives_the_disk(tmp_path: Path) -> None:
    record, files = run("simgan")
    assert record.status == OK
    assert record.id == specs("simgan")[0].id
    folder = store.write(record, files, tmp_path)
    assert store.read(folder) == record
    assert RunSpec(**store.read(folder).spec) == specs("simgan")[0]
    assert {file.name for file in folder.iterdir()} == {
        "curve.json",
        "predictions.npz",
        "film.png",
        "record.json",
        "samples.png",
        "neighbours.png",
        "adapter.safetensors",
    }


def test_record_holds_all_that_a_table_needs() -> None:
    record, files = run("simgan")
    assert all(math.isfinite(record.scores[name]) for name in ("fid", "kid", "error", "label_error"))
    assert record.protocol["extractor"] == "random-conv"
    assert 0 < record.step_ms["q1"] <= record.step_ms["median"] <= record.step_ms["q3"]
    assert record.step_ms["windows"] == 4  # 12 steps in windows of 2, two of them dropped
    assert [point["step"] for point in record.curve] == [2, 4, 6, 8, 10, 12]
    assert record.images_per_step == 3 * 16
    assert set(record.seconds) == {"pretraining", "training", "evaluation", "checkpoints"}
    assert min(record.seconds.values()) > 0
    assert set(record.versions) == {"python", *PACKAGES}
    assert record.host["threads"] == torch.get_num_threads()
    weights = load(files["adapter.safetensors"])
    assert sum(value.numel() for value in weights.values()) == record.parameters["refiner"]
    assert Image.open(io.BytesIO(files["samples.png"])).format == "PNG"


def test_same_spec_gives_the_same_scores_curve_and_files() -> None:
    (first, files), (second, again), (other, _) = run("simgan"), run("simgan"), run("simgan", seed=1)
    assert first.scores == second.scores
    assert first.curve == second.curve
    assert files == again
    assert other.curve != first.curve


def test_bounds_train_nothing_and_leave_no_files() -> None:
    record, files = run("source-only")
    assert (record.status, record.curve, record.step_ms) == (OK, (), {})
    assert set(files) == {"predictions.npz"}
    assert [one["step"] for one in record.snapshots] == [0]
    assert record.parameters == {}
    assert record.scores["refinement"] == 0
    assert record.flags == ()
    upper, _ = run("target-only")
    assert upper.scores["fid"] < record.scores["fid"]
    assert upper.blanks.keys() >= {"label_error", "refinement", "diversity"}


def test_trained_method_that_does_nothing_is_flagged() -> None:
    record, _ = run("fragile")
    assert record.flags == ("identity collapse",)


# ---- a run that goes wrong


@pytest.mark.parametrize("mishap", ["nan", "inf"])
def test_loss_that_is_no_number_diverges(mishap: str, tmp_path: Path) -> None:
    record, files = run(f"fragile[mishap={mishap}]")
    assert (record.status, record.scores, files) == (DIVERGED, {}, {})
    assert record.reason == "loss is no longer finite after step 6"
    assert [point["step"] for point in record.curve] == [2, 4]
    assert store.read(store.write(record, files, tmp_path)) == record


def test_window_that_diverges_is_not_watched() -> None:
    seen: list[int] = []
    running.run(*specs("fragile[mishap=nan]"), None, lambda step, *_: seen.append(step))
    assert seen == [2, 4]


def test_exception_fails_the_run_and_says_where() -> None:
    record, files = run("fragile[mishap=raise]")
    assert (record.status, record.scores, files) == (FAILED, {}, {})
    assert record.reason.startswith("RuntimeError: out of luck (test_run.py:")


def test_score_that_is_no_number_diverges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.scores.realism.kernel_distance", lambda *_: math.nan)
    record, files = run("simgan")
    assert (record.status, record.reason, files) == (DIVERGED, "score kid is not finite", {})
    assert len(record.curve) == 6


def test_spec_alone_decides_a_run_whatever_its_row_is_called() -> None:
    (spec,), (record, files) = specs("simgan"), run("simgan")
    other, again = running.run(replace(spec, row="what[ever"), None, lambda *_: None)
    assert (other.status, other.scores, other.curve) == (OK, record.scores, record.curve)
    assert other.snapshots == record.snapshots
    assert again["samples.png"] == files["samples.png"]


def test_spec_with_settings_that_are_not_known_is_refused() -> None:
    spec = specs("simgan")[0]
    for odd in ({"settings": {**spec.settings, "refiner.widht": 9}}, {"budget": {**spec.budget, "stops": 9}}):
        with pytest.raises(UserMistake, match="unknown setting"):
            running.run(replace(spec, **odd), None, lambda *_: None)


def test_spec_whose_data_have_changed_since_is_refused() -> None:
    with pytest.raises(UserMistake, match="other data than its pair has now"):
        running.run(replace(specs("source-only")[0], edition="0123abc"), None, lambda *_: None)


# ---- many runs


def test_matrix_goes_on_after_a_failure_and_a_divergence(tmp_path: Path) -> None:
    todo = specs("fragile[mishap=raise]", "fragile[mishap=nan]", "source-only")
    matrix(todo, tmp_path)
    states = {record.id: record.status for record in store.read_all(tmp_path)}
    expected = (FAILED, DIVERGED, OK)
    assert states == dict(zip((spec.id for spec in todo), expected, strict=True))


def test_interrupt_ends_the_matrix_and_keeps_what_is_finished(tmp_path: Path) -> None:
    todo = specs("source-only", "fragile[mishap=interrupt]", seeds=(0, 1))
    with pytest.raises(KeyboardInterrupt):
        matrix(todo, tmp_path)
    assert [path.name for path in (tmp_path / "runs").iterdir()] == [todo[0].id]
    assert pending(todo, tmp_path) == todo[1:]


def test_matrix_runs_only_what_has_no_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, *_ = todo = specs("fragile", "source-only", "fragile[mishap=raise]")
    matrix([first], tmp_path)
    begun = [message.spec for message in matrix(todo, tmp_path) if isinstance(message, Begun)]
    assert begun == todo[1:]
    monkeypatch.setattr(running, "run", lambda *_: pytest.fail("ran again"))
    assert matrix(todo, tmp_path) == []


def test_matrix_tells_where_it_is(tmp_path: Path) -> None:
    todo = specs("fragile", "source-only")
    assert matrix(todo, tmp_path) == [
        Begun(0, 2, todo[0]),
        *(Stepped(0, step, 12, {"step": step, "calm": 0.5, "loss": 1.0}) for step in range(2, 13, 2)),
        Ended(0),
        Begun(1, 2, todo[1]),
        Ended(1),
    ]


def test_matrix_refuses_a_folder_it_cannot_write_before_it_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(running, "run", lambda *_: pytest.fail("ran"))
    with pytest.raises(UserMistake, match="cannot be written"):
        matrix(specs("source-only"), tmp_path / "file" / "results")


def test_record_of_a_run_is_plain_json(tmp_path: Path) -> None:
    matrix(specs("source-only"), tmp_path)
    (path,) = tmp_path.glob("runs/*/record.json")
    content = json.loads(path.read_text(), parse_constant=lambda word: pytest.fail(word))
    assert content["scores"]["refinement"] == 0
