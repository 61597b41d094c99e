"""Rows → profiles: how long their steps take, where, how much work that is, and what of the machine's rates they reach."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import torch
from torch.autograd import DeviceType  # type: ignore[attr-defined]
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.batches import Batches
from benchmarks.clock import StepClock, wait_for
from benchmarks.harness import problem_of
from benchmarks.profiling.counting import bytes_of
from benchmarks.profiling.phases import EventMeter, FlopMeter, Phases, WallMeter, watched
from benchmarks.scales import Scale
from benchmarks.study import RunSpec
from datasets.catalogue import load_pair
from methods.contract import Method
from methods.recipes import configure

WARM_UP, HOTTEST = 3, 5


@dataclass(frozen=True, kw_only=True)
class Profile:
    """What one row's steps take.

    ``step_ms`` holds p10, p50 and p90 over timed windows of an unwatched method; ``drift`` is how much slower the last
    third of the windows is than the first, ``noise`` how far even and odd windows differ, both as shares. ``phase_ms``
    (medians) and ``phase_flops`` are of watched steps, which may be slower. ``bytes`` counts what operations read and write,
    caches aside. ``hottest`` names operators with their share of the time; ``kernels`` and ``busy`` (share of the
    time that the device works) exist on CUDA only.
    """

    row: str
    images: int
    step_ms: tuple[float, float, float]
    drift: float
    noise: float
    phase_ms: Mapping[str, float]
    phase_flops: Mapping[str, float]
    bytes: int
    peak_mib: float | None
    hottest: Sequence[tuple[str, float]]
    kernels: float | None = None
    busy: float | None = None

    @property
    def flops(self) -> float:
        """Floating-point operations of a step, those of gradients included."""
        return sum(self.phase_flops.values())

    @property
    def rate(self) -> float:
        """FLOP/s over the whole step."""
        return 1000 * self.flops / self.step_ms[1]


@dataclass(eq=False)
class Subject:
    """A row that is being profiled: its method in training, and its timed windows so far."""

    spec: RunSpec
    method: Method
    batches: Batches
    clock: StepClock

    def run(self, steps: int) -> None:
        """Do a timed window of unwatched steps."""
        with self.clock.window(steps):
            for _ in range(steps):
                self.method.step(self.batches)


def subject(spec: RunSpec, data: Path | None) -> Subject:
    """Return a row ready to be profiled: pretrained, so that its buffers are full."""
    device, scale = torch.device(spec.device), Scale(**spec.budget)  # type: ignore[arg-type]
    pair = load_pair(spec.pair, data).to(device)
    problem = problem_of(pair, scale)
    method = configure(spec.row, spec.scale).build(problem, device, spec.seed)
    batches = Batches(pair, problem.batch, spec.seed)
    method.pretrain(batches)
    return Subject(spec=spec, method=method, batches=batches, clock=StepClock(device))


def profiles(
    specs: Sequence[RunSpec], data: Path | None, *, windows: int, steps: int, traces: Path | None = None
) -> Iterator[Profile]:
    """Yield a profile of every row: ``windows`` windows of ``steps`` steps, the rows' windows interleaved.

    ``WARM_UP`` more windows come first and are dropped. Traces for chrome://tracing or Perfetto go to ``traces``.
    """
    subjects = [subject(spec, data) for spec in specs]
    for _ in range(WARM_UP + windows):
        for one in subjects:
            one.run(steps)
    for one in subjects:
        yield _profile(one, steps, traces)


def _profile(one: Subject, steps: int, traces: Path | None) -> Profile:
    times = one.clock.windows[WARM_UP:]
    taken = _phases(one, max(steps, 5))
    drawn = one.batches.drawn
    flops = _flops(one)
    images = one.batches.drawn - drawn
    device = one.clock.device
    names = list(dict.fromkeys(name for step in taken for name in step))
    peak = None
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        one.method.step(one.batches)
        peak = torch.cuda.max_memory_allocated(device) / (1 << 20)
    third = max(1, len(times) // 3)
    return Profile(
        row=one.spec.row,
        images=images,
        step_ms=_spread(times),
        drift=median(times[-third:]) / median(times[:third]) - 1,
        noise=abs(median(times[::2]) / median(times[1::2] or times) - 1),
        phase_ms={name: median(step.get(name, 0.0) for step in taken) for name in names},
        phase_flops=flops,
        bytes=bytes_of(lambda: one.method.step(one.batches)),
        peak_mib=peak,
        **_operators(one, steps, traces),
    )


def _spread(times: Sequence[float]) -> tuple[float, float, float]:
    """Return p10, p50 and p90."""
    if len(times) < 2:
        return times[0], times[0], times[0]
    tenths = quantiles(times, n=10, method="inclusive")
    return tenths[0], median(times), tenths[-1]


def _phases(one: Subject, steps: int) -> list[dict[str, float]]:
    """Return milliseconds by phase of watched steps, the first dropped."""
    device = one.clock.device
    phases = Phases(EventMeter() if device.type == "cuda" else WallMeter())
    with watched(phases, one.method, one.batches) as batches:
        for _ in range(1 + steps):
            with phases.step():
                one.method.step(batches)
    wait_for(device)
    return phases.taken()[1:]


def _flops(one: Subject) -> dict[str, float]:
    """Return the floating-point operations of one step by phase."""
    with FlopCounterMode(display=False) as counter:
        phases = Phases(FlopMeter(counter))
        with watched(phases, one.method, one.batches) as batches, phases.step():
            one.method.step(batches)
    (flops,) = phases.taken()
    return flops


def _operators(one: Subject, steps: int, traces: Path | None) -> dict[str, Any]:
    """Return the hottest operators and, on CUDA, kernels a step and the share of the time that the device works."""
    cuda = one.clock.device.type == "cuda"
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if cuda else [])]
    clock = StepClock(one.clock.device)
    phases = Phases(WallMeter())
    with (
        profile(activities=activities) as traced,
        watched(phases, one.method, one.batches) as batches,
        clock.window(1),
    ):
        for _ in range(steps):
            one.method.step(batches)
    if traces is not None:
        traces.mkdir(parents=True, exist_ok=True)
        traced.export_chrome_trace(str(traces / f"{one.spec.id}.json"))
    events = traced.key_averages()
    kind = "self_device_time_total" if cuda else "self_cpu_time_total"
    names = {event.key: getattr(event, kind) for event in events if event.key.startswith("aten::")}
    whole = sum(names.values()) or 1.0
    hottest = sorted(names.items(), key=lambda item: -item[1])[:HOTTEST]
    found: dict[str, Any] = {"hottest": [(name, time / whole) for name, time in hottest]}
    if cuda:
        kernels = [event for event in traced.events() if event.device_type == DeviceType.CUDA]
        found["kernels"] = len(kernels) / steps
        found["busy"] = sum(event.device_time_total for event in kernels) / (1000 * clock.windows[0])
    return found
