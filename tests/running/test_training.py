"""A run in progress: its state can be taken between windows and put into objects built anew, and nothing shows."""

import random
from collections.abc import Mapping
from functools import cache
from io import BytesIO
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from benchmarks.running.batches import Batches
from benchmarks.running.clock import StepClock
from benchmarks.running.memory import PeakMemory
from benchmarks.running.training import Training, TrainingState, pretrain, problem_of, train
from benchmarks.studies.scales import SCALES
from datasets.catalogue import load_pair
from methods.recipes import RECIPES
from tests.small.rows import TRAINED

CPU = torch.device("cpu")
SCALE = SCALES["smoke"]  # 12 steps in windows of 2, snapshots after 4, 6, 10 and 12
MEASURED = ("clock", "memory", "seconds")  # differ from run to run
every_trained_row = pytest.mark.parametrize("row", TRAINED)


def begun(row: str, seed: int = 0) -> TrainingState:
    pair = load_pair("shapes")
    problem = problem_of(pair, SCALE)
    method = RECIPES[row].at("smoke").build(problem, CPU, seed)
    return TrainingState(method, Batches(pair, problem.batch, seed), CPU)


class Stopped(Exception):
    pass


def train_until(state: TrainingState, last: int) -> None:
    """Train and stop where a window ends, as a watch that raises does."""

    def watch(step: int, steps: int, terms: Mapping[str, float]) -> None:
        if step == last:
            raise Stopped

    with pytest.raises(Stopped):
        train(state, SCALE, watch)
    assert state.step == last


def saved(state: TrainingState) -> Any:
    """Return the state as it comes back from a file."""
    file = BytesIO()
    torch.save(state.state_dict(), file)
    file.seek(0)
    return torch.load(file)


def scramble(seed: int) -> None:
    """Leave every global random stream somewhere else."""
    torch.manual_seed(seed)
    np.random.seed(seed)  # noqa: NPY002 (the global stream is what is meant)
    random.seed(seed)


def resumed(row: str, state: TrainingState, seed: int) -> TrainingState:
    """Return a run that was built anew with another seed and given the state."""
    scramble(seed)
    other = begun(row, seed)
    other.load_state_dict(saved(state))
    assert unequal(without(other, "memory"), without(state, "memory")) == []  # the peak is the process's
    return other


def unequal(one: Any, other: Any, path: str = "") -> list[str]:
    """Name the places where two states differ by a bit."""
    if type(one) is not type(other):
        return [path]
    if isinstance(one, Tensor):
        same = one.dtype == other.dtype and torch.equal(one, other)
        return [] if same else [path]
    if isinstance(one, Mapping):
        if list(one) != list(other):
            return [path]
        return [
            place for name in one for place in unequal(one[name], other[name], f"{path}.{name}".strip("."))
        ]
    if isinstance(one, list | tuple):
        if len(one) != len(other):
            return [path]
        return [
            place
            for n, pair in enumerate(zip(one, other, strict=True))
            for place in unequal(*pair, f"{path}.{n}")
        ]
    return [] if one == other else [path]


def without(state: TrainingState, *names: str) -> dict[str, Any]:
    """Return the state but for what is named."""
    return {name: part for name, part in state.state_dict().items() if name not in names}


@cache
def uninterrupted(row: str) -> tuple[TrainingState, Training]:
    state = begun(row)
    return state, train(state, SCALE, lambda *_: None)


@every_trained_row
def test_run_that_is_taken_up_again_and_again_ends_as_one_without_a_break(row: str) -> None:
    state = resumed(row, begun(row), seed=1)
    pretrain(state)
    state = resumed(row, state, seed=2)
    for seed, step in ((3, 2), (4, 6), (5, 8), (6, 12)):
        train_until(state, step)
        state = resumed(row, state, seed)
    training = train(state, SCALE, lambda *_: pytest.fail("trained on"))
    whole, expected = uninterrupted(row)
    assert unequal(without(state, *MEASURED), without(whole, *MEASURED)) == []
    assert training.curve == expected.curve
    assert [one.step for one in training.snapshots] == [4, 6, 10, 12]
    assert training.images_per_step == expected.images_per_step
    assert training.step_ms["windows"] == expected.step_ms["windows"] == 4


@every_trained_row
def test_run_goes_on_from_its_middle(row: str) -> None:
    state = begun(row)
    train_until(state, 6)
    state = resumed(row, state, seed=1)
    train(state, SCALE, lambda *_: None)
    assert unequal(without(state, *MEASURED), without(uninterrupted(row)[0], *MEASURED)) == []


def test_a_finished_run_has_nothing_left_to_do() -> None:
    state, training = uninterrupted("simgan")
    again = resumed("simgan", state, seed=1)
    repeated = train(again, SCALE, lambda *_: pytest.fail("trained on"))
    assert (repeated.curve, repeated.step_ms) == (training.curve, training.step_ms)
    assert (repeated.seconds, repeated.images_per_step) == (training.seconds, training.images_per_step)


def test_state_is_whole_whenever_the_watch_is_called() -> None:
    state, seen = begun("simgan"), list[tuple[int, int, int, list[int]]]()

    def watch(step: int, steps: int, terms: Mapping[str, float]) -> None:
        assert terms == state.curve[-1]
        seen.append((step, state.step, len(state.clock.windows), [one.step for one in state.snapshots]))

    train(state, SCALE, watch)
    assert seen == [
        (2, 2, 1, []),
        (4, 4, 2, [4]),
        (6, 6, 3, [4, 6]),
        (8, 8, 4, [4, 6]),
        (10, 10, 5, [4, 6, 10]),
        (12, 12, 6, [4, 6, 10, 12]),
    ]


def test_times_go_on_from_those_before_the_break() -> None:
    state = begun("simgan")
    train_until(state, 6)
    before, windows = dict(state.seconds), list(state.clock.windows)
    state = resumed("simgan", state, seed=1)
    training = train(state, SCALE, lambda *_: None)
    assert training.seconds["pretraining"] == before["pretraining"] > 0
    assert training.seconds["training"] > before["training"] > 0
    assert (state.clock.windows[:3], len(state.clock.windows)) == (windows, 6)


def test_states_of_parts_are_copies_that_later_steps_do_not_reach() -> None:
    clock, batches = StepClock(CPU), Batches(load_pair("shapes"), 4, 0)
    clock.windows = [1.0, 2.0]
    states = [clock.state_dict(), batches.state_dict()]
    clock.windows.append(3.0)
    first = next(batches)
    other = StepClock(CPU)
    other.load_state_dict(states[0])
    batches.load_state_dict(states[1])
    assert other.windows == [1.0, 2.0]
    assert batches.drawn == 0
    assert torch.equal(next(batches).target, first.target)


def test_peak_memory_counts_what_was_before_a_break() -> None:
    memory = PeakMemory(CPU)
    if memory.mib() is None:
        pytest.skip("the system does not tell")
    memory.load_state_dict({"mib": 1e9})
    assert (memory.mib(), memory.state_dict()) == (1e9, {"mib": 1e9})
    memory.load_state_dict({"mib": 0.5})
    assert memory.mib() > 0.5  # type: ignore[operator]
    memory.load_state_dict({"mib": None})
    assert memory.mib() is None
