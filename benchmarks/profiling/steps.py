"""Rows → profiles: the time of a step and of its phases, its work, and its share of the machine's rates."""

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

WARM_UP_WINDOWS = 3


@dataclass(frozen=True, kw_only=True)
class Work:
    """The work of one plain step of a row: source images, floating-point operations by phase, and bytes, caches aside."""

    images: int
    phase_flops: Mapping[str, float]
    bytes: int

    @property
    def flops(self) -> float:
        """Floating-point operations of a step, gradients included."""
        return sum(self.phase_flops.values())


@dataclass(frozen=True, kw_only=True)
class Profile:
    """The cost of a row's steps in one variant.

    ``step_ms`` holds p10, p50 and p90 over timed windows of unwatched steps. ``drift`` is the relative slowdown from the
    first third of the windows to the last, ``noise`` the relative difference of even and odd windows. ``gain`` is the
    median ratio of a plain window's time to that of the variant's window beside it. ``difference`` is the distance of the
    networks to those of plain steps, see :class:`~benchmarks.profiling.subjects.Subject`; ``first_s`` are the seconds of
    the first steps. ``phase_ms`` (medians) and ``phase_mib`` (peaks, CUDA only) come from watched steps, which may be
    slower; compiled and captured steps cannot be watched. ``hottest`` names operators with their share of the time.
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
        """The row, with its variant unless that is ``eager``."""
        return self.row if self.variant == "eager" else f"{self.row} ({self.variant})"

    @property
    def rate(self) -> float:
        """FLOP/s over the whole step, counting the operations of a plain step."""
        return 1000 * self.work.flops / self.step_ms[1]


@dataclass(frozen=True, kw_only=True)
class Omitted:
    """A variant of a row whose speed is not shown, with the reason."""

    row: str
    variant: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Profiles:
    """Profiles taken together, omitted variants, and the machine: its rates, and ``about`` it names and numbers."""

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
    """Profile every row in every variant, ``eager`` first: ``windows`` windows of ``steps`` steps, all interleaved.

    ``WARM_UP_WINDOWS`` more windows come first and are dropped. A variant is omitted if it fails or if its networks differ
    from those of plain steps. Traces for chrome://tracing or Perfetto, and on CUDA snapshots of the memory, are written to
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
    for _ in range(WARM_UP_WINDOWS + windows):
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
    """Return a row after its first steps in a variant, or why that variant is omitted."""
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


def _profiles(subjects: Sequence[Subject], steps: int, traces: Path | None) -> Iterator[Profile]:
    """Yield the profiles of one row's variants; all have the work of the first, which is the plain one."""
    plain, work = subjects[0], _work(subjects[0])
    for one in subjects:
        yield _profile(one, plain, work, steps, traces)


def _profile(one: Subject, plain: Subject, work: Work, steps: int, traces: Path | None) -> Profile:
    times, beside = (subject.clock.windows[WARM_UP_WINDOWS:] for subject in (one, plain))
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
    """Return the amounts that a meter reads in the phases of each watched step."""
    phases = Phases(meter, joined) if joined else Phases(meter)
    with watched(phases, one.method, one.batches) as batches:
        for _ in range(steps):
            with phases.step():
                one.step(batches)
    wait_for(one.clock.device)
    return phases.taken()


def _phase_ms(one: Subject, steps: int) -> dict[str, float]:
    """Return the median milliseconds of each phase over watched steps, without the first."""
    meter = EventMeter() if one.clock.device.type == "cuda" else WallMeter()
    taken = _by_phase(one, meter, 1 + steps)[1:]
    names = dict.fromkeys(name for step in taken for name in step)
    return {name: median(step.get(name, 0.0) for step in taken) for name in names}


def _peaks(one: Subject) -> dict[str, float]:
    """Return the peak MiB of tensors in each phase of a step."""
    return _by_phase(one, MemoryMeter(one.clock.device), 1, max)[0]


def _work(plain: Subject) -> Work:
    """Count the work of one step."""
    drawn = plain.batches.drawn
    with FlopCounterMode(display=False) as counter:
        (flops,) = _by_phase(plain, FlopMeter(counter), 1)
    images = plain.batches.drawn - drawn
    return Work(images=images, phase_flops=flops, bytes=bytes_of(lambda: plain.step(plain.batches)))
