"""Says whether a change has slowed the hot paths, by how much runs of the same code differ. Needs no torch.

    python -m benchmarks.speed.gate BASE.json BASE.json BASE.json --new NEW.json NEW.json

Every file is one run, a process of its own: ``python -m pytest benchmarks/speed --benchmark-json=FILE``. Exit codes: 0
nothing is slower, 1 something is, 2 bad input.
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

FAMILY = 0.05  # the chance that runs of one code are called slower in any benchmark
FLOOR = 0.02  # a smaller change is never called one
LEAST = 3  # base files
COLUMNS = ("benchmark", "base", "new", "ratio", "threshold", "verdict")
UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))


class Verdict(StrEnum):
    """What became of a benchmark, worst first."""

    SLOWER = "slower"
    FASTER = "faster"
    NOISE = "within noise"
    NEW = "new"
    GONE = "gone"


@dataclass(frozen=True, kw_only=True)
class Run:
    """One file: when it was made, and of every benchmark where it ran and the logarithm of its median in seconds."""

    path: Path
    made: str
    places: Mapping[str, str]
    logs: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Line:
    """A benchmark: seconds before and after, geometric means over runs; the ratio from which on it counts as slower."""

    name: str
    base: float | None
    new: float | None
    threshold: float | None = None

    @property
    def ratio(self) -> float | None:
        """How many times as long it takes now."""
        return self.new / self.base if self.base and self.new else None

    @property
    def verdict(self) -> Verdict:
        """What became of it; faster is judged as strictly as slower."""
        if self.ratio is None or self.threshold is None:
            return Verdict.GONE if self.new is None else Verdict.NEW
        if self.ratio > self.threshold:
            return Verdict.SLOWER
        return Verdict.FASTER if self.ratio < 1 / self.threshold else Verdict.NOISE

    @property
    def order(self) -> tuple[int, float]:
        """The key to sort lines by: the verdict, then the largest ratio first."""
        return list(Verdict).index(self.verdict), -(self.ratio or 0.0)

    def shown(self) -> tuple[str, ...]:
        """Return what stands below ``COLUMNS``."""
        factors = ("" if factor is None else f"× {factor:#.4g}" for factor in (self.ratio, self.threshold))
        return self.name, _time(self.base), _time(self.new), *factors, self.verdict


def threshold(base: np.ndarray, new: np.ndarray, level: float) -> np.ndarray:
    """Return how much the mean of new logarithms may exceed that of base ones; runs lie along the last axis.

    The one-sided prediction interval for the mean of m runs after k of the same code: t(1 − level, k + m − 2) · s ·
    √(1/k + 1/m), never below log(1 + ``FLOOR``). The runs of either side are of one code, so s² pools the variance within
    both; for m = 1 it is that of the base. A benchmark has its own s: pooled over benchmarks the noisy ones would raise
    false alarms. docs/profiling.md has the rates of a simulation.
    """
    k, m = base.shape[-1], new.shape[-1]
    squares = k * base.var(-1) + m * new.var(-1)
    half = students(1 - 2 * level, k + m - 2) * np.sqrt(squares / (k + m - 2) * (1 / k + 1 / m))
    return np.maximum(half, math.log1p(FLOOR))


def judged(base: Sequence[Run], new: Sequence[Run]) -> list[Line]:
    """Return what became of every benchmark, worst first; raises :class:`UserMistake` where runs do not compare."""
    _check(base, new)
    before, after = base[0].logs.keys(), new[0].logs.keys()
    level = FAMILY / len(before & after)
    lines = []
    for name in before | after:
        one, two = (np.array([run.logs[name] for run in runs if name in run.logs]) for runs in (base, new))
        lines.append(
            Line(
                name=name,
                base=math.exp(one.mean()) if len(one) else None,
                new=math.exp(two.mean()) if len(two) else None,
                threshold=math.exp(threshold(one, two, level)) if len(one) and len(two) else None,
            )
        )
    return sorted(lines, key=lambda line: (line.order, line.name))


def read(path: Path) -> Run:
    """Return a run from a file of pytest-benchmark."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        found = {one["fullname"].removeprefix("benchmarks/speed/"): one for one in content["benchmarks"]}
        return Run(
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
    """Return where a benchmark ran, as far as it says."""
    told = [f"{name} {about[name]}" for name in ("device", "threads") if name in about]
    return ", ".join([*told, f"machine {machine['node']}"])


def _check(base: Sequence[Run], new: Sequence[Run]) -> None:
    """Raise :class:`UserMistake` unless there are enough runs, each its own, that hold the same."""
    if len(base) < LEAST:
        raise UserMistake(
            f"base files: {len(base)}; allowed: at least {LEAST} runs of the same code, better five."
        )
    made: dict[str, Run] = {}
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


def _check_places(first: Run, run: Run) -> None:
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
    """Not typer: there an option takes no list of words, such as a shell makes of ``new-*.json``."""

    def error(self, message: str) -> NoReturn:
        """Raise what would be printed."""
        raise UserMistake(message)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what became of every benchmark; return 0 nothing is slower, 1 something is, 2 bad input."""
    words = _Words(
        prog="python -m benchmarks.speed.gate", description="Say whether a change has slowed the hot paths."
    )
    words.add_argument(
        "base", nargs="+", type=Path, metavar="BASE", help=f"runs of the code before, {LEAST} or more"
    )
    words.add_argument(
        "--new", nargs="+", type=Path, required=True, help="runs of the code now, better three"
    )
    try:
        given = words.parse_args(arguments)
        base, new = ([read(path) for path in paths] for paths in (given.base, given.new))
        lines = judged(base, new)
    except UserMistake as mistake:
        print(f"error: {mistake}", file=sys.stderr)
        return 2
    show_grid(Grid(heading="Speed", columns=COLUMNS, cells=tuple(line.shown() for line in lines)))
    counts = Counter(line.verdict for line in lines)
    said = ", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict if verdict in counts)
    OUT.print(
        f"{said}; {len(base)} base and {len(new)} new runs; equal code is called slower in {FAMILY:.0%} of such comparisons"
    )
    return int(Verdict.SLOWER in counts)


if __name__ == "__main__":
    sys.exit(main())
