"""A method in training on a pair: pretraining, steps under the clock, the loss curve, snapshots on the way."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from benchmarks.evaluation.snapshots import Checkpoint, checkpoint, due
from benchmarks.running.batches import Batches
from benchmarks.running.clock import StepClock, wait_for
from benchmarks.running.memory import PeakMemory
from benchmarks.studies.scales import Scale
from datasets.contract import DomainPair
from methods.contract import Method, Problem

Watch = Callable[[int, int, Mapping[str, float]], None]


class Diverged(Exception):
    """A loss term or score is no longer a number; ``curve`` is the loss curve up to there."""

    def __init__(self, reason: str, curve: Sequence[Mapping[str, float]] = ()) -> None:
        super().__init__(reason)
        self.curve = tuple(curve)


@dataclass(frozen=True, kw_only=True)
class Training:
    """What was measured while a method trained."""

    curve: tuple[Mapping[str, float], ...] = ()
    checkpoints: tuple[Checkpoint, ...] = ()
    step_ms: Mapping[str, float | int] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    peak_mib: float | None = None
    images_per_step: float = 0.0


def problem_of(pair: DomainPair, scale: Scale) -> Problem:
    """Return what a method may know of a pair before it trains at a scale."""
    return Problem(
        shape=pair.shape,
        task=pair.task,
        batch=scale.batch_for(pair.shape),
        steps=scale.steps,
    )


def train(method: Method, batches: Batches, scale: Scale, device: torch.device, watch: Watch) -> Training:
    """Pretrain, then train under the clock; raises :class:`Diverged` when a loss term is no longer finite."""
    memory = PeakMemory(device)
    start = time.perf_counter()
    method.pretrain(batches)
    wait_for(device)
    pretrained = time.perf_counter()
    clock, curve, drawn = StepClock(device), [], batches.drawn
    checkpoints: list[Checkpoint] = []
    for done in range(0, scale.steps, scale.window):
        count = min(scale.window, scale.steps - done)
        with clock.window(count):
            for _ in range(count):
                terms = method.step(batches)
        curve.append({"step": done + count, **_numbers(terms)})
        watch(done + count, scale.steps, curve[-1])
        if broken := [name for name, value in curve[-1].items() if not math.isfinite(value)]:
            raise Diverged(f"{broken[0]} is no longer finite after step {done + count}", curve[:-1])
        if due(done + count, count, scale.steps):
            checkpoints.append(checkpoint(method, done + count))
    seconds = {"pretraining": pretrained - start, "training": time.perf_counter() - pretrained}
    return Training(
        curve=tuple(curve),
        checkpoints=tuple(checkpoints),
        step_ms=clock.summary(),
        seconds=seconds,
        peak_mib=memory.mib(),
        images_per_step=(batches.drawn - drawn) / scale.steps,
    )


def _numbers(terms: Mapping[str, Tensor]) -> dict[str, float]:
    """Fetch all terms from the device at once."""
    values = torch.stack([value.float() for value in terms.values()]).tolist()
    return {name: float(f"{value:.6g}") for name, value in zip(terms, values, strict=True)}
