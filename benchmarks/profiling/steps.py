"""Rows → profiles: how long their steps take, where, how much work that is, and what of the machine's rates they reach."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.profiling.counting import bytes_of
from benchmarks.profiling.machine import Machine, measured
from benchmarks.profiling.phases import EventMeter, FlopMeter, MemoryMeter, Meter, Phases, WallMeter, watched
from benchmarks.profiling.subjects import Start, Subject, start
from benchmarks.profiling.trace import Device, traced
from benchmarks.profiling.variants import VARIANTS
from benchmarks.running.clock import wait_for
from benchmarks.running.memory import keep_freed_memory
from benchmarks.running.provenance import describe
from benchmarks.studies.study import RunSpec

WARM_UP = 3


@dataclass(frozen=True, kw_only=True)
class Work:
    """What one plain step of a row does: source images, floating-point operations by phase, bytes caches aside."""

    images: int
    phase_flops: Mapping[str, float]
    bytes: int

    @property
    def flops(self) -> float:
        """Floating-point operations of a step, those of gradients included."""
        return sum(self.phase_flops.values())


@dataclass(frozen=True, kw_only=True)
class Profile:
    """What one row's steps take, run in one way.

    ``step_ms`` holds p10, p50 and p90 over timed windows of an unwatched method; ``drift`` is how much slower the last
    third of the windows is than the first, ``noise`` how far even and odd windows differ, both as shares. ``gain`` is how
    many times as fast as plain steps the windows beside theirs were (median), ``difference`` how far the networks lie from
    those of plain steps, see :class:`~benchmarks.profiling.subjects.Subject`; ``first_s`` is what the first steps took.
    ``phase_ms`` (medians) and ``phase_mib`` (peaks, CUDA only) are of watched steps, which may be slower; a compiled or
    captured step cannot be watched. ``hottest`` names operators with their share of the time.
    """

    row: str
    variant: str
    work: Work
    step_ms: tuple[float, float, float]
    drift: float
    noise: float
    gain: float
    difference: float
    tolerance: float
    first_s: float
    hottest: Sequence[tuple[str, float]]
    phase_ms: Mapping[str, float] = field(default_factory=dict)
    phase_mib: Mapping[str, float] = field(default_factory=dict)
    peak_mib: float | None = None
    device: Device | None = None

    @property
    def name(self) -> str:
        """The row, and how it was run unless that is plainly."""
        return self.row if self.variant == "eager" else f"{self.row} ({self.variant})"

    @property
    def rate(self) -> float:
        """FLOP/s over the whole step, of the operations that a plain step does."""
        return 1000 * self.work.flops / self.step_ms[1]


@dataclass(frozen=True, kw_only=True)
class Omitted:
    """A way of running a row whose speed is not shown, and why."""

    row: str
    variant: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Profiles:
    """Profiles taken together, what was omitted, and the machine they are of: its rates, and ``about`` it in words."""

    rows: Sequence[Profile]
    omitted: Sequence[Omitted]
    machine: Machine
    about: Mapping[str, str | int]


def profiled(
    specs: Sequence[RunSpec],
    data: Path | None,
    *,
    windows: int,
    steps: int,
    variants: Sequence[str] = ("eager",),
    traces: Path | None = None,
) -> Profiles:
    """Profile every row in every way: ``windows`` windows of ``steps`` steps, all interleaved; ``eager`` leads the ways.

    ``WARM_UP`` more windows come first and are dropped. A way whose networks come out otherwise than those of plain
    steps, or that fails, is omitted. Traces for chrome://tracing or Perfetto, and on CUDA snapshots of the memory, go to
    ``traces``.
    """
    keep_freed_memory()
    device = torch.device(specs[0].device)
    machine = measured(device)
    found, omitted = list[list[Subject]](), list[Omitted]()
    for spec in specs:
        begun = start(spec, data)
        tried = [_tried(begun, variant) for variant in variants]
        found.append([one for one in tried if isinstance(one, Subject)])
        omitted += [one for one in tried if isinstance(one, Omitted)]
    for _ in range(WARM_UP + windows):
        for one in (one for row in found for one in row):
            one.run(steps)
    about = {"pair": specs[0].pair, "scale": specs[0].scale, **describe(device)["host"]}
    return Profiles(
        rows=[profile for row in found for profile in _profiles(row, steps, traces)],
        omitted=omitted,
        machine=machine,
        about={**about, "torch": torch.__version__},
    )


def _tried(begun: Start, variant: str) -> Subject | Omitted:
    """Return a row run in one way, unless it fails or learns something else."""
    row, allowed = begun.spec.row, VARIANTS[variant].tolerance
    try:
        one = begun.subject(variant)
    except Exception as error:
        if variant == "eager":
            raise
        said = " ".join(str(error).split())[:200]
        return Omitted(row=row, variant=variant, reason=f"failed: {type(error).__name__}: {said}")
    if not one.difference <= allowed:
        reason = f"its networks differ from those of plain steps by {one.difference:.2g}, allowed {allowed:g}"
        return Omitted(row=row, variant=variant, reason=reason)
    return one


def _profiles(ways: Sequence[Subject], steps: int, traces: Path | None) -> Iterator[Profile]:
    """Yield the profiles of one row; the first way is the plain one, whose work stands for all."""
    work = _work(ways[0])
    for one in ways:
        yield _profile(one, ways[0], work, steps, traces)


def _profile(one: Subject, plain: Subject, work: Work, steps: int, traces: Path | None) -> Profile:
    times, beside = one.clock.windows[WARM_UP:], plain.clock.windows[WARM_UP:]
    third = max(1, len(times) // 3)
    cuda = one.clock.device.type == "cuda"
    watchable = VARIANTS[one.variant].plain
    peaks = _peaks(one) if cuda and watchable else {}
    hottest, device = traced(one, steps, traces)
    return Profile(
        row=one.spec.row,
        variant=one.variant,
        work=work,
        step_ms=_spread(times),
        drift=median(times[-third:]) / median(times[:third]) - 1,
        noise=abs(median(times[::2]) / median(times[1::2] or times) - 1),
        gain=median(other / time for other, time in zip(beside, times, strict=True)),
        difference=one.difference,
        tolerance=VARIANTS[one.variant].tolerance,
        first_s=one.seconds,
        hottest=hottest,
        phase_ms=_phase_ms(one, max(steps, 5)) if watchable else {},
        phase_mib=peaks,
        peak_mib=max(peaks.values(), default=None),
        device=device,
    )


def _spread(times: Sequence[float]) -> tuple[float, float, float]:
    """Return p10, p50 and p90."""
    if len(times) < 2:
        return times[0], times[0], times[0]
    tenths = quantiles(times, n=10, method="inclusive")
    return tenths[0], median(times), tenths[-1]


def _by_phase(
    one: Subject, meter: Meter, steps: int, joined: Callable[[float, float], float] | None = None
) -> list[dict[str, float]]:
    """Return what a meter reads, by phase, of so many watched steps."""
    phases = Phases(meter, joined) if joined else Phases(meter)
    with watched(phases, one.method, one.batches) as batches:
        for _ in range(steps):
            with phases.step():
                one.step(batches)
    wait_for(one.clock.device)
    return phases.taken()


def _phase_ms(one: Subject, steps: int) -> dict[str, float]:
    """Return the median milliseconds by phase of watched steps, the first dropped."""
    meter = EventMeter() if one.clock.device.type == "cuda" else WallMeter()
    taken = _by_phase(one, meter, 1 + steps)[1:]
    names = dict.fromkeys(name for step in taken for name in step)
    return {name: median(step.get(name, 0.0) for step in taken) for name in names}


def _peaks(one: Subject) -> dict[str, float]:
    """Return the MiB that tensors took at most while each phase of a step went on."""
    return _by_phase(one, MemoryMeter(one.clock.device), 1, max)[0]


def _work(plain: Subject) -> Work:
    """Count what one step does."""
    drawn = plain.batches.drawn
    with FlopCounterMode(display=False) as counter:
        (flops,) = _by_phase(plain, FlopMeter(counter), 1)
    images = plain.batches.drawn - drawn
    return Work(images=images, phase_flops=flops, bytes=bytes_of(lambda: plain.step(plain.batches)))
