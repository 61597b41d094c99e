"""Operators of a step as torch's profiler sees them, and on CUDA its kernels and the gaps between them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.autograd import DeviceType  # type: ignore[attr-defined]
from torch.profiler import ProfilerActivity, profile

from benchmarks.profiling.phases import Phases, WallMeter, watched
from benchmarks.profiling.subjects import Subject
from benchmarks.profiling.variants import VARIANTS

MAX_OPERATORS = 5


@dataclass(frozen=True, kw_only=True)
class Device:
    """The use of a CUDA device in a step: number of ``kernels``, ``busy`` share of the time, and mean gap in µs.

    ``gap_us`` is the time between the end of a kernel and the start of the next. A step of many short kernels with gaps of
    their length is bound by launches.
    """

    kernels: float
    busy: float
    gap_us: float


def traced(one: Subject, steps: int, folder: Path | None) -> tuple[list[tuple[str, float]], Device | None]:
    """Return the hottest operators with their share of all operators' time, and on CUDA the use of the device.

    With a ``folder`` the trace is written there, and on CUDA a snapshot of the memory for pytorch.org/memory_viz.
    """
    device = one.clock.device
    cuda = device.type == "cuda"
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if cuda else [])]
    with profile(activities=activities) as seen:
        _steps(one, steps)
        if cuda:
            torch.cuda.synchronize(device)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        seen.export_chrome_trace(str(folder / f"{one.spec.id}--{one.variant}.json"))
        if cuda:
            _snapshot(one, folder / f"{one.spec.id}--{one.variant}.pickle")
    if cuda:
        return _hottest(_device_times(seen)), device_of(_kernels(seen), steps)
    times = {event.key: event.self_cpu_time_total for event in seen.key_averages() if _operator(event.key)}
    return _hottest(times), None


def _hottest(times: Mapping[str, float]) -> list[tuple[str, float]]:
    whole = sum(times.values()) or 1.0
    hottest = sorted(times.items(), key=lambda item: -item[1])[:MAX_OPERATORS]
    return [(name, time / whole) for name, time in hottest]


def _device_times(seen: profile) -> dict[str, float]:
    """Return the device's time by operator, or by kernel for a captured step, whose kernels belong to no operator."""
    times = {event.key: event.self_device_time_total for event in seen.key_averages()}
    return {name: time for name, time in times.items() if _operator(name) and time} or times


def _kernels(seen: profile) -> list[tuple[float, float]]:
    """Return the start and end of every kernel in µs; user annotations are the phases."""
    return [
        (event.time_range.start, event.time_range.end)
        for event in seen.events()
        if event.device_type == DeviceType.CUDA and not getattr(event, "is_user_annotation", False)
    ]


def _operator(name: str) -> bool:
    """Say whether the name is an operator's, such as ``aten::add``; names of ranges and of gradient nodes differ."""
    return name.count("::") == 1


def _steps(one: Subject, steps: int) -> None:
    if not VARIANTS[one.variant].plain:
        for _ in range(steps):
            one.step(one.batches)
        return
    with watched(Phases(WallMeter()), one.method, one.batches) as batches:
        for _ in range(steps):
            one.step(batches)


def device_of(kernels: Iterable[tuple[float, float]], steps: int) -> Device:
    """Return the use of a device, from the start and end of every kernel of ``steps`` steps in µs; kernels may overlap."""
    spans = _joined(sorted(kernels))
    if not spans:
        return Device(kernels=0.0, busy=0.0, gap_us=0.0)
    count = sum(number for _, _, number in spans)
    worked = sum(end - begin for begin, end, _ in spans)
    whole = spans[-1][1] - spans[0][0]
    return Device(kernels=count / steps, busy=worked / whole, gap_us=(whole - worked) / max(1, count - 1))


def _joined(kernels: Sequence[tuple[float, float]]) -> list[tuple[float, float, int]]:
    """Return the spans in which kernels ran, each with the number of its kernels."""
    spans: list[tuple[float, float, int]] = []
    for begin, end in kernels:
        if spans and begin <= spans[-1][1]:
            first, last, count = spans[-1]
            spans[-1] = (first, max(last, end), count + 1)
        else:
            spans.append((begin, end, 1))
    return spans


def _snapshot(one: Subject, path: Path) -> None:
    """Write where the memory of one step was allocated, by Python frames, since C++ frames take minutes."""
    torch.cuda.memory._record_memory_history(stacks="python")
    try:
        one.step(one.batches)
        torch.cuda.memory._dump_snapshot(str(path))
    finally:
        torch.cuda.memory._record_memory_history(enabled=None)
