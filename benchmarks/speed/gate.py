"""Says whether a change has slowed the hot paths, given how much runs of the same code differ. Needs no torch.

    python -m benchmarks.speed.gate BASE.json BASE.json BASE.json --new NEW.json NEW.json

Every file comes from a process of its own: ``python -m pytest benchmarks/speed --benchmark-json=FILE``. Exit codes: 0
no benchmark is slower, 1 a benchmark is slower, 2 bad input.
"""

import argparse
import json
import math
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import NoReturn

import numpy as np

from benchmarks.statistics.estimates import students
from benchmarks.tables.cells import Grid
from benchmarks.tables.terminal import OUT, show_grid
from mistakes import UserMistake

FAMILY_ERROR = 0.05  # the chance that runs of one code are called slower in any benchmark
MIN_CHANGE = 0.02  # a smaller relative change counts as noise
MIN_BASE_RUNS = 3
COLUMNS = ("benchmark", "base", "new", "ratio", "threshold", "verdict")
UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))


class SpeedVerdict(StrEnum):
    """The verdict on a benchmark, worst first."""

    SLOWER = "slower"
    FASTER = "faster"
    NOISE = "within noise"
    NEW = "new"
    GONE = "gone"


@dataclass(frozen=True, kw_only=True)
class SuiteRun:
    """One file: when it was made, and by benchmark the place where it ran and the logarithm of its median seconds."""

    path: Path
    made: str
    places: Mapping[str, str]
    logs: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class ComparedBenchmark:
    """A benchmark: geometric means of its seconds over base and new runs, and the ratio above which it is slower."""

    name: str
    base: float | None
    new: float | None
    threshold: float | None = None

    @property
    def ratio(self) -> float | None:
        """The new time over the base time."""
        return self.new / self.base if self.base and self.new else None

    @property
    def verdict(self) -> SpeedVerdict:
        """The verdict; faster is judged as strictly as slower."""
        if self.ratio is None or self.threshold is None:
            return SpeedVerdict.GONE if self.new is None else SpeedVerdict.NEW
        if self.ratio > self.threshold:
            return SpeedVerdict.SLOWER
        return SpeedVerdict.FASTER if self.ratio < 1 / self.threshold else SpeedVerdict.NOISE

    @property
    def order(self) -> tuple[int, float]:
        """The key to sort by: the verdict, then the largest ratio first."""
        return list(SpeedVerdict).index(self.verdict), -(self.ratio or 0.0)

    def shown(self) -> tuple[str, ...]:
        """Return the cells below ``COLUMNS``."""
        factors = ("" if factor is None else f"× {factor:#.4g}" for factor in (self.ratio, self.threshold))
        return self.name, _time(self.base), _time(self.new), *factors, self.verdict


def threshold(base: np.ndarray, new: np.ndarray, level: float) -> np.ndarray:
    """Return how much the mean of new logarithms may exceed the mean of base logarithms; runs lie along the last axis.

    This is the one-sided prediction interval for the mean of m runs after k runs of the same code: t(1 − level, k + m − 2) ·
    s · √(1/k + 1/m), at least log(1 + ``MIN_CHANGE``). Each side is of one code, so s² pools the variances within both
    sides; for m = 1 it is the variance of the base. Every benchmark has its own s: if s were pooled over benchmarks, noisy
    ones would raise false alarms. docs/profiling.md has the rates of a simulation.
    """
    k, m = base.shape[-1], new.shape[-1]
    squares = k * base.var(-1) + m * new.var(-1)
    half = students(1 - 2 * level, k + m - 2) * np.sqrt(squares / (k + m - 2) * (1 / k + 1 / m))
    return np.maximum(half, math.log1p(MIN_CHANGE))


def compared(base: Sequence[SuiteRun], new: Sequence[SuiteRun]) -> list[ComparedBenchmark]:
    """Return every benchmark of either side, worst first; raises :class:`UserMistake` for runs that do not compare."""
    _check(base, new)
    before, after = base[0].logs.keys(), new[0].logs.keys()
    level = FAMILY_ERROR / len(before & after)
    lines = []
    for name in before | after:
        one, two = (np.array([run.logs[name] for run in runs if name in run.logs]) for runs in (base, new))
        lines.append(
            ComparedBenchmark(
                name=name,
                base=math.exp(one.mean()) if len(one) else None,
                new=math.exp(two.mean()) if len(two) else None,
                threshold=math.exp(threshold(one, two, level)) if len(one) and len(two) else None,
            )
        )
    return sorted(lines, key=lambda line: (line.order, line.name))


def read(path: Path) -> SuiteRun:
    """Return a run from a file of pytest-benchmark; raises :class:`UserMistake` for any other file."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        found = {one["fullname"].removeprefix("benchmarks/speed/"): one for one in content["benchmarks"]}
        return SuiteRun(
            path=path,
            made=content["datetime"],
            places={name: _place(one["extra_info"], content["machine_info"]) for name, one in found.items()},
            logs={name: math.log(one["stats"]["median"]) for name, one in found.items()},
        )
    except OSError as error:
        raise UserMistake(f"cannot read {str(path)!r}: {error.strerror}; allowed: a readable file.") from None
    except (AttributeError, KeyError, TypeError, ValueError):
        raise UserMistake(
            f"{str(path)!r} holds no run; allowed: what `python -m pytest benchmarks/speed --benchmark-json=FILE` writes."
        ) from None


def _place(about: Mapping[str, object], machine: Mapping[str, object]) -> str:
    """Return device, threads and machine of a benchmark, as far as its file names them."""
    told = [f"{name} {about[name]}" for name in ("device", "threads") if name in about]
    return ", ".join([*told, f"machine {machine['node']}"])


def _check(base: Sequence[SuiteRun], new: Sequence[SuiteRun]) -> None:
    """Raise :class:`UserMistake` unless there are enough distinct runs, with the same benchmarks on each side."""
    if len(base) < MIN_BASE_RUNS:
        raise UserMistake(
            f"number of base files is {len(base)}; allowed: at least {MIN_BASE_RUNS} runs of the same code, better five."
        )
    made: dict[str, SuiteRun] = {}
    for run in (*base, *new):
        if (other := made.setdefault(run.made, run)) is not run:
            raise UserMistake(
                f"{str(run.path)!r} is the run of {str(other.path)!r} again; allowed: every run once."
            )
        _check_places(base[0], run)
    for first, *others in (base, new):
        for run in others:
            if odd := first.logs.keys() ^ run.logs.keys():
                raise UserMistake(
                    f"{min(odd)} is in only one of {str(first.path)!r} and {str(run.path)!r}; "
                    "allowed: files of a side that hold the same benchmarks."
                )
    if not base[0].logs.keys() & new[0].logs.keys():
        raise UserMistake(
            f"{str(base[0].path)!r} and {str(new[0].path)!r} have no benchmark in common; allowed: some in both."
        )


def _check_places(first: SuiteRun, run: SuiteRun) -> None:
    for name in sorted(first.places.keys() & run.places.keys()):
        here, there = first.places[name], run.places[name]
        if here != there:
            raise UserMistake(
                f"{name} ran on {here} in {str(first.path)!r}, on {there} in {str(run.path)!r}; "
                "allowed: one machine, device and number of threads."
            )


def _time(seconds: float | None) -> str:
    if seconds is None:
        return ""
    size, unit = next((pair for pair in UNITS if seconds >= pair[0]), UNITS[-1])
    return f"{seconds / size:.4g} {unit}"


class _Words(argparse.ArgumentParser):
    """Used instead of typer, whose options take no list of words, such as a shell makes of ``new-*.json``."""

    def error(self, message: str) -> NoReturn:
        """Raise the message as :class:`UserMistake`, where argparse would exit."""
        raise UserMistake(message)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the verdict on every benchmark; return 0 if no benchmark is slower, 1 if one is, 2 for bad input."""
    words = _Words(
        prog="python -m benchmarks.speed.gate", description="Say whether a change has slowed the hot paths."
    )
    words.add_argument(
        "base", nargs="+", type=Path, metavar="BASE", help=f"runs of the code before, {MIN_BASE_RUNS} or more"
    )
    words.add_argument(
        "--new", nargs="+", type=Path, required=True, help="runs of the code now, better three"
    )
    try:
        given = words.parse_args(arguments)
        base, new = ([read(path) for path in paths] for paths in (given.base, given.new))
        lines = compared(base, new)
    except UserMistake as mistake:
        print(f"error: {mistake}", file=sys.stderr)
        return 2
    show_grid(Grid(heading="Speed", columns=COLUMNS, cells=tuple(line.shown() for line in lines)))
    counts = Counter(line.verdict for line in lines)
    said = ", ".join(f"{counts[verdict]} {verdict}" for verdict in SpeedVerdict if verdict in counts)
    OUT.print(
        f"{said}; {len(base)} base and {len(new)} new runs; equal code is called slower in {FAMILY_ERROR:.0%} of such comparisons"
    )
    return int(SpeedVerdict.SLOWER in counts)


if __name__ == "__main__":
    sys.exit(main())
