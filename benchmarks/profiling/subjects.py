"""What is profiled: a row's method in training, run in one of several ways."""

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

SETTLED = 5  # plain steps before any comparison: Adam's first ones go by the signs of gradients alone
LEAD, CHECKED = 3, 3  # steps for a way of running to settle in, and those after which it is compared


@dataclass(eq=False)
class Subject:
    """A row that is being profiled in one way: its method in training, and its timed windows so far.

    ``difference`` is how far its networks came to lie from those that plain steps gave, as a share of what these had
    learned, the network that differs most; ``seconds`` is what the first steps took, compilation included.
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
    """The state, some steps into training, that every way of running a row sets out from; it is reached once."""

    spec: RunSpec
    pair: DomainPair
    method: Mapping[str, Any] = field(repr=False)
    batches: Mapping[str, Any] = field(repr=False)

    def subject(self, variant: str) -> Subject:
        """Return the row after ``LEAD`` + ``CHECKED`` steps in one way, compared with as many plain steps."""
        one = self._at_start(variant)
        begun = time.perf_counter()
        one.step = VARIANTS[variant].prepare(one.method, one.batches, LEAD)
        one.seconds = time.perf_counter() - begun
        for _ in range(CHECKED):
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
        for _ in range(LEAD + CHECKED):
            plain.step(plain.batches)
        return _weights(plain.method)


def start(spec: RunSpec, data: Path | None) -> Start:
    """Pretrain a row, so that its buffers are full, let it do ``SETTLED`` steps and return where it stands."""
    device = torch.device(spec.device)
    pair = load_pair(spec.pair, data).to(device)
    problem = problem_of(pair, Scale.of(spec.budget))
    method = config_of(spec.settings).build(problem, device, spec.seed)
    batches = Batches(pair, problem.batch, spec.seed)
    method.pretrain(batches)
    for _ in range(SETTLED):
        method.step(batches)
    return Start(spec, pair, deepcopy(method.state_dict()), batches.state_dict())


def _weights(method: Method) -> dict[str, Tensor]:
    """Return the parameters of every network that has some, in one float64 row each."""
    return {
        name: torch.cat([one.detach().double().flatten() for one in network.parameters()])
        for name, network in method.networks().items()
        if any(True for _ in network.parameters())
    }


def _share(now: Tensor, then: Tensor, before: Tensor) -> float:
    """Return how far one end lies from the other, as a share of the way from the start."""
    way = torch.linalg.vector_norm(then - before).clamp(min=torch.finfo(torch.float64).tiny)
    return (torch.linalg.vector_norm(now - then) / way).item()
