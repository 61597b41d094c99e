"""The subjects of profiling: a row's method in training, run in one of the variants."""

import time
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.profiling.variants import VARIANTS, Step
from benchmarks.running.batches import Batches
from benchmarks.running.clock import StepClock
from benchmarks.running.training import problem_of
from benchmarks.studies.scales import Scale
from benchmarks.studies.study import RunSpec
from datasets.catalogue import load_pair
from datasets.contract import DomainPair
from methods.contract import Method
from methods.recipes import config_of

SETTLING_STEPS = (
    5  # plain steps before any comparison: Adam's first steps follow the signs of gradients alone
)
LEAD_STEPS, CHECKED_STEPS = 3, 3  # first steps of a variant, and further steps before its comparison


@dataclass(eq=False)
class Subject:
    """A row that is profiled in one variant: its method in training, and its timed windows so far.

    ``difference`` is the distance of its networks to those after plain steps, relative to the distance that plain steps
    moved them; it is that of the network that differs most. ``seconds`` is the time of the first steps, compilation
    included.
    """

    spec: RunSpec
    variant: str
    method: Method
    batches: Batches
    clock: StepClock
    step: Step
    difference: float = 0.0
    seconds: float = 0.0

    def run(self, steps: int) -> None:
        """Do a timed window of unwatched steps."""
        with self.clock.window(steps):
            for _ in range(steps):
                self.step(self.batches)


@dataclass(frozen=True, eq=False)
class Start:
    """A training state that every variant of a row starts from, so that they can be compared."""

    spec: RunSpec
    pair: DomainPair
    method: Mapping[str, Any] = field(repr=False)
    batches: Mapping[str, Any] = field(repr=False)

    def subject(self, variant: str) -> Subject:
        """Return the row after ``LEAD_STEPS`` + ``CHECKED_STEPS`` steps in a variant, compared with as many plain steps."""
        one = self._at_start(variant)
        begun = time.perf_counter()
        one.step = VARIANTS[variant].prepare(one.method, one.batches, LEAD_STEPS)
        one.seconds = time.perf_counter() - begun
        for _ in range(CHECKED_STEPS):
            one.step(one.batches)
        now = _weights(one.method)
        one.difference = max(
            _share(now[name], then, self._before[name]) for name, then in self._after.items()
        )
        return one

    def _at_start(self, variant: str) -> Subject:
        device = torch.device(self.spec.device)
        problem = problem_of(self.pair, Scale.of(self.spec.budget))
        method = config_of(self.spec.settings).build(problem, device, self.spec.seed)
        method.load_state_dict(deepcopy(dict(self.method)))
        batches = Batches(self.pair, problem.batch, self.spec.seed)
        batches.load_state_dict(self.batches)
        return Subject(self.spec, variant, method, batches, StepClock(device), method.step)

    @cached_property
    def _before(self) -> Mapping[str, Tensor]:
        return _weights(self._at_start("eager").method)

    @cached_property
    def _after(self) -> Mapping[str, Tensor]:
        plain = self._at_start("eager")
        for _ in range(LEAD_STEPS + CHECKED_STEPS):
            plain.step(plain.batches)
        return _weights(plain.method)


def start(spec: RunSpec, data: Path | None) -> Start:
    """Pretrain a row, so that its buffers are full, and return its state after ``SETTLING_STEPS`` steps."""
    device = torch.device(spec.device)
    pair = load_pair(spec.pair, data).to(device)
    problem = problem_of(pair, Scale.of(spec.budget))
    method = config_of(spec.settings).build(problem, device, spec.seed)
    batches = Batches(pair, problem.batch, spec.seed)
    method.pretrain(batches)
    for _ in range(SETTLING_STEPS):
        method.step(batches)
    return Start(spec, pair, deepcopy(method.state_dict()), batches.state_dict())


def _weights(method: Method) -> dict[str, Tensor]:
    """Return for every network with parameters all of them, as one float64 vector."""
    return {
        name: torch.cat([one.detach().double().flatten() for one in network.parameters()])
        for name, network in method.networks().items()
        if any(True for _ in network.parameters())
    }


def _share(now: Tensor, then: Tensor, before: Tensor) -> float:
    """Return the distance of two ends, relative to the distance from ``before`` to ``then``."""
    way = torch.linalg.vector_norm(then - before).clamp(min=torch.finfo(torch.float64).tiny)
    return (torch.linalg.vector_norm(now - then) / way).item()
