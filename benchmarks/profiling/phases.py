"""Splits a step into phases by watching the method's networks, optimisers, buffers and gradients from outside.

Every phase is also a ``record_function`` range, so traces show the same names.
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
    """A quantity that is split among phases: readings at any moment, and the amount between two of them."""

    def mark(self) -> Any:
        """Return a reading."""
        ...

    def between(self, first: Any, last: Any) -> float:
        """Return the amount between two readings; the caller has waited for the device."""
        ...


class WallMeter:
    """Milliseconds of wall time on the host."""

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
    """Floating-point operations by a counter."""

    def __init__(self, counter: FlopCounterMode) -> None:
        self.mark: Callable[[], int] = counter.get_total_flops

    def between(self, first: int, last: int) -> float:
        """Return operations."""
        return last - first


class MemoryMeter:
    """Peak MiB of tensors on a CUDA device since the previous reading."""

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def mark(self) -> float:
        """Return the peak, and begin a new one."""
        peak = torch.cuda.max_memory_allocated(self.device) / MIB
        torch.cuda.reset_peak_memory_stats(self.device)
        return peak

    def between(self, first: float, last: float) -> float:
        """Return the peak of the second reading."""
        return last


class Phases:
    """Collects the amounts that a meter reads in each phase of every step.

    Phases may be nested; the amount of an inner phase does not count for the outer phase. ``joined`` combines the amounts
    of a phase that a step enters several times: by their sum, or for peaks by their maximum.
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
        """Assign the amount between the last reading and now to a phase."""
        if self._steps:
            self._steps[-1].append((name, self.meter.mark()))

    def taken(self) -> list[dict[str, float]]:
        """Return the amount of each phase for every step so far; the caller has waited for the device."""
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
    """Measure the phases of the steps that run inside; yields the batches to pass to these steps.

    ``NAME forward`` is a network's forward pass; ``NAME backward`` are the gradients for its parameters, with several names
    joined by + where their gradients are taken together; ``optimiser`` are all updates, ``data draw`` the batches. A
    buffer, such as SimGAN's history, has a phase of its name. All else is ``other``.
    """
    owners = {
        id(parameter): name
        for name, network in method.networks().items()
        for parameter in network.parameters()
    }
    with ExitStack() as stack:
        for name, part in method.state.items():
            for stop in _watch(phases, name, part):
                stack.callback(stop)
        for word in ("grad", "backward"):
            stack.enter_context(_gradients(phases, word, owners))
        yield _drawn(phases, batches)


def _drawn(phases: Phases, batches: Iterator[Batch]) -> Iterator[Batch]:
    while True:
        with phases.phase(DRAW):
            batch = next(batches)
        yield batch


def _watch(phases: Phases, name: str, part: Stateful) -> Iterable[Callable[[], object]]:
    """Watch a part of a method; yield the functions that stop watching."""
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
                yield patch.stop


def _within(phases: Phases, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*words: Any, **named: Any) -> Any:
        with phases.phase(name):
            return function(*words, **named)

    return call


def _gradients(phases: Phases, word: str, owners: dict[int, str]) -> Any:
    """Watch ``torch.autograd.grad`` or ``backward``; the phase has the names of the networks that receive the gradients."""
    function = getattr(torch.autograd, word)

    def call(*words: Any, **named: Any) -> Any:
        inputs = words[1] if word == "grad" and len(words) > 1 else named.get("inputs")
        wanted = [inputs] if isinstance(inputs, Tensor) else list(inputs or [])
        names = dict.fromkeys(owners[id(tensor)] for tensor in wanted if id(tensor) in owners)
        with phases.phase(" ".join(["+".join(names), "backward"]).strip()):
            return function(*words, **named)

    return mock.patch.object(torch.autograd, word, call)
