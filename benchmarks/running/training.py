"""Training of a method on a pair: pretraining, timed steps, the loss curve and snapshots."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from benchmarks.evaluation.promises import Diverged
from benchmarks.evaluation.snapshots import Snapshot, due, snapshot
from benchmarks.running.batches import Batches
from benchmarks.running.clock import StepClock, wait_for
from benchmarks.running.memory import PeakMemory
from benchmarks.studies.scales import Scale
from datasets.contract import DomainPair
from methods.contract import Method, Problem, Stateful

Watch = Callable[[int, int, Mapping[str, float]], None]


@dataclass(frozen=True, kw_only=True)
class Training:
    """The measurements of a training."""

    curve: tuple[Mapping[str, float], ...] = ()
    snapshots: tuple[Snapshot, ...] = ()
    step_ms: Mapping[str, float | int] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    peak_mib: float | None = None
    images_per_step: float = 0.0


class TrainingState:
    """All of a run in progress, after ``step`` steps.

    The state is complete before and after pretraining, between windows and at the end, but not during pretraining or a
    window. ``drawn`` counts the source images of pretraining; ``seconds`` holds the time of each phase so far.
    """

    def __init__(self, method: Method, batches: Batches, device: torch.device) -> None:
        self.method, self.batches = method, batches
        self.clock, self.memory = StepClock(device), PeakMemory(device)
        self.step, self.pretrained, self.drawn = 0, False, 0
        self.seconds = {"pretraining": 0.0, "training": 0.0}
        self.curve: list[Mapping[str, float]] = []
        self.snapshots: list[Snapshot] = []

    @property
    def parts(self) -> Mapping[str, Stateful]:
        """The parts with a state of their own, by name."""
        return {
            "method": self.method,
            "batches": self.batches,
            "clock": self.clock,
            "memory": self.memory,
        }

    @contextmanager
    def timed(self, phase: str) -> Iterator[None]:
        """Add the time of the block to the seconds of a phase."""
        start = time.perf_counter()
        yield
        self.seconds[phase] += time.perf_counter() - start

    def state_dict(self) -> dict[str, Any]:
        """Return everything that :meth:`load_state_dict` needs to continue bit for bit: tensors and plain data.

        The tensors are the live ones and not copies: save or copy them before the next step.
        """
        return {
            "step": self.step,
            "pretrained": self.pretrained,
            "drawn": self.drawn,
            "seconds": dict(self.seconds),
            "curve": list(self.curve),
            "snapshots": [one.state_dict() for one in self.snapshots],
            **{name: part.state_dict() for name, part in self.parts.items()},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a :meth:`state_dict` of the same run; its tensors may become the live ones of this state."""
        for name, part in self.parts.items():
            part.load_state_dict(state[name])
        self.step, self.pretrained, self.drawn = state["step"], state["pretrained"], state["drawn"]
        self.seconds, self.curve = dict(state["seconds"]), list(state["curve"])
        self.snapshots = [snapshot(self.method, kept["step"], iter(())) for kept in state["snapshots"]]
        for one, kept in zip(self.snapshots, state["snapshots"], strict=True):
            one.load_state_dict(kept)


def problem_of(pair: DomainPair, scale: Scale) -> Problem:
    """Return the problem that a method is built for: a pair at a scale."""
    return Problem(
        shape=pair.shape,
        task=pair.task,
        batch=scale.batch_for(pair.shape),
        steps=scale.steps,
    )


def train(state: TrainingState, scale: Scale, watch: Watch) -> Training:
    """Train from the step of the state to the last step of the scale, and return the measurements.

    ``watch(step, steps, terms)`` is called after every window, when the state is complete. Raises :class:`Diverged` when a
    loss term is no longer finite.
    """
    pretrain(state)
    while state.step < scale.steps:
        with state.timed("training"):
            _window(state, scale)
        watch(state.step, scale.steps, state.curve[-1])
    return Training(
        curve=tuple(state.curve),
        snapshots=tuple(state.snapshots),
        step_ms=state.clock.summary(),
        seconds=dict(state.seconds),
        peak_mib=state.memory.mib(),
        images_per_step=(state.batches.drawn - state.drawn) / scale.steps,
    )


def pretrain(state: TrainingState) -> None:
    """Pretrain the method unless that is done."""
    if state.pretrained:
        return
    with state.timed("pretraining"):
        state.method.pretrain(state.batches)
        wait_for(state.clock.device)
    state.pretrained, state.drawn = True, state.batches.drawn


def _window(state: TrainingState, scale: Scale) -> None:
    """Train for one window; add its losses to the curve and, where due, a snapshot."""
    count = min(scale.window, scale.steps - state.step)
    with state.clock.window(count):
        for _ in range(count):
            terms = state.method.step(state.batches)
    done, numbers = state.step + count, _numbers(terms)
    if broken := [name for name, value in numbers.items() if not math.isfinite(value)]:
        raise Diverged(f"{broken[0]} is no longer finite after step {done}")
    state.step = done
    state.curve.append({"step": done, **numbers})
    if due(done, count, scale.steps):
        state.snapshots.append(snapshot(state.method, done, state.batches.aside("adapter")))


def _numbers(terms: Mapping[str, Tensor]) -> dict[str, float]:
    """Fetch all terms from the device at once."""
    values = torch.stack([value.float() for value in terms.values()]).tolist()
    return {name: float(f"{value:.6g}") for name, value in zip(terms, values, strict=True)}
