"""Splits a step into phases without the method knowing: its networks, optimisers, buffers and gradients are watched.

Every phase is also a ``record_function`` range, so a trace shows the same names.
"""

import operator
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Protocol
from unittest import mock

import torch
from torch import Tensor, nn
from torch.autograd.profiler import record_function
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.running.memory import MIB
from methods.contract import Batch, Method, Stateful

OTHER, DRAW, OPTIMISER = "other", "data draw", "optimiser"


class Meter(Protocol):
    """What is split among phases: a reading at any moment, and how much lies between two of them."""

    def mark(self) -> Any:
        """Return a reading."""
        ...

    def between(self, first: Any, last: Any) -> float:
        """Return what lies between two readings; the device has been waited for."""
        ...


class WallMeter:
    """Milliseconds of the host."""

    def mark(self) -> float:
        """Return seconds."""
        return time.perf_counter()

    def between(self, first: float, last: float) -> float:
        """Return milliseconds."""
        return 1000 * (last - first)


class EventMeter:
    """Milliseconds of the current CUDA stream, read without waiting for it."""

    def mark(self) -> torch.cuda.Event:
        """Record an event."""
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def between(self, first: torch.cuda.Event, last: torch.cuda.Event) -> float:
        """Return milliseconds."""
        return first.elapsed_time(last)


class FlopMeter:
    """Floating-point operations that a counter has counted."""

    def __init__(self, counter: FlopCounterMode) -> None:
        self.mark: Callable[[], int] = counter.get_total_flops

    def between(self, first: int, last: int) -> float:
        """Return operations."""
        return last - first


class MemoryMeter:
    """MiB that tensors took at most on a CUDA device since the reading before."""

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def mark(self) -> float:
        """Return the peak, and begin another."""
        peak = torch.cuda.max_memory_allocated(self.device) / MIB
        torch.cuda.reset_peak_memory_stats(self.device)
        return peak

    def between(self, first: float, last: float) -> float:
        """Return the peak that the second reading saw."""
        return last


class Phases:
    """Collects, step by step, how much of what a meter reads belongs to which phase.

    Phases may lie within each other; what an inner one takes is not counted for the outer. The parts of a phase that is
    entered again are ``joined``: added up, unless it is a peak that is read.
    """

    def __init__(self, meter: Meter, joined: Callable[[float, float], float] = operator.add) -> None:
        self.meter, self._joined = meter, joined
        self._open, self._ranges = [OTHER], list[Any]()
        self._steps: list[list[tuple[str, Any]]] = []

    @contextmanager
    def step(self) -> Iterator[None]:
        """Measure one step."""
        self._steps.append([("", self.meter.mark())])
        yield
        self._cut(OTHER)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Measure what runs inside as part of a phase."""
        self.enter(name)
        try:
            yield
        finally:
            self.leave()

    def enter(self, name: str) -> None:
        """Begin a phase."""
        if name != self._open[-1]:
            self._cut(self._open[-1])
        self._open.append(name)
        self._ranges.append(record_function(name))
        self._ranges[-1].__enter__()

    def leave(self) -> None:
        """End the phase that was entered last."""
        self._ranges.pop().__exit__(None, None, None)
        name = self._open.pop()
        if name != self._open[-1]:
            self._cut(name)

    def _cut(self, name: str) -> None:
        """Note that what lies between the last reading and now belongs to a phase."""
        if self._steps:
            self._steps[-1].append((name, self.meter.mark()))

    def taken(self) -> list[dict[str, float]]:
        """Return for every step so far what each phase took; the device must have been waited for."""
        found = []
        for cuts in self._steps:
            totals: dict[str, float] = {}
            for (_, before), (name, after) in zip(cuts[:-1], cuts[1:], strict=True):
                taken = self.meter.between(before, after)
                totals[name] = self._joined(totals[name], taken) if name in totals else taken
            found.append(totals)
        return found


@contextmanager
def watched(phases: Phases, method: Method, batches: Iterator[Batch]) -> Iterator[Iterator[Batch]]:
    """Announce the phases of a method's steps while inside; yields the batches to step on.

    ``NAME forward`` is the time in a network, ``NAME backward`` that of gradients for its parameters (joined by + where
    they are taken together), ``optimiser`` all updates, ``data draw`` the batches; a buffer, such as SimGAN's history, has
    its name. What is left is ``other``.
    """
    owners = {
        id(parameter): name
        for name, network in method.networks().items()
        for parameter in network.parameters()
    }
    with ExitStack() as stack:
        for name, part in method.state.items():
            for handle in _watch(phases, name, part):
                stack.callback(handle)
        for word in ("grad", "backward"):
            stack.enter_context(_gradients(phases, word, owners))
        yield _drawn(phases, batches)


def _drawn(phases: Phases, batches: Iterator[Batch]) -> Iterator[Batch]:
    while True:
        with phases.phase(DRAW):
            batch = next(batches)
        yield batch


def _watch(phases: Phases, name: str, part: Stateful) -> Iterable[Callable[[], None]]:
    """Watch a part of a method; yield what ends it."""
    if isinstance(part, nn.Module):
        for module in part.modules():  # methods call parts of networks, not only whole ones
            yield module.register_forward_pre_hook(lambda *_: phases.enter(f"{name} forward")).remove
            yield module.register_forward_hook(lambda *_: phases.leave(), always_call=True).remove
    elif isinstance(part, torch.optim.Optimizer):
        yield part.register_step_pre_hook(lambda *_: phases.enter(OPTIMISER)).remove
        yield part.register_step_post_hook(lambda *_: phases.leave()).remove
    else:
        own = [word for word in dir(part) if not word.startswith("_") and "state_dict" not in word]
        for word in own:
            if callable(function := getattr(part, word)):
                patch = mock.patch.object(part, word, _within(phases, name, function))
                patch.start()
                yield lambda patch=patch: patch.stop() and None  # type: ignore[misc]


def _within(phases: Phases, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*words: Any, **named: Any) -> Any:
        with phases.phase(name):
            return function(*words, **named)

    return call


def _gradients(phases: Phases, word: str, owners: dict[int, str]) -> Any:
    """Watch ``torch.autograd.grad`` or ``backward``; the phase is called after the networks that gradients are for."""
    function = getattr(torch.autograd, word)

    def call(*words: Any, **named: Any) -> Any:
        inputs = words[1] if word == "grad" and len(words) > 1 else named.get("inputs")
        wanted = [inputs] if isinstance(inputs, Tensor) else list(inputs or [])
        names = dict.fromkeys(owners[id(one)] for one in wanted if id(one) in owners)
        with phases.phase(" ".join(["+".join(names), "backward"]).strip()):
            return function(*words, **named)

    return mock.patch.object(torch.autograd, word, call)
