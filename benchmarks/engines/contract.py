"""The contract of engines, the progress messages of runs, and the engines by name. Loads no torch."""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from pkgutil import resolve_name
from typing import Protocol

from benchmarks.records.record import RunRecord
from benchmarks.studies.plugins import Sources
from benchmarks.studies.study import RunSpec
from mistakes import unknown


@dataclass(frozen=True)
class Begun:
    """Run ``index`` of ``total`` has begun; ``index`` counts from 0 in the order in which an engine begins runs."""

    index: int
    total: int
    spec: RunSpec


@dataclass(frozen=True)
class Stepped:
    """Run ``index`` has done ``step`` of ``steps``; ``terms`` are its latest losses by name."""

    index: int
    step: int
    steps: int
    terms: Mapping[str, float]


@dataclass(frozen=True)
class Ended:
    """Run ``index`` is over, and its record is written."""

    index: int


@dataclass(frozen=True)
class Result:
    """The record of a run, and the contents of the files beside it by name."""

    record: RunRecord
    files: Mapping[str, bytes]


@dataclass(frozen=True)
class Refused:
    """A worker met a mistake of the user's, which ends the matrix; ``text`` is the one line of the mistake."""

    text: str


Message = Begun | Stepped | Ended
Tell = Callable[[Message], None]


class Engine(Protocol):
    """Does runs, on this machine or elsewhere.

    An engine is made with ``data``, the root of the data, and ``jobs``, the number of runs at a time.
    """

    @property
    def data(self) -> Path | None:
        """The root of the data on the machine where runs are done."""

    def place(self, specs: Sequence[RunSpec], sources: Sources, tell: Tell) -> Generator[Result, None, None]:
        """Yield the result of every run when it ends, in any order; closing the generator ends the runs under way.

        ``sources`` are open in this process; the engine opens them in every other process that does runs. ``tell``
        receives a message when a run begins, after every timed window, and when the caller is done with the run's result and
        asks for the next result. Raises :class:`~mistakes.UserMistake` for a mistake in a run and for a worker that dies.
        """


ENGINES: Mapping[str, str] = {"local": "benchmarks.engines.local:Local"}
"""Every engine by name, as "module:class". A module is imported only on use, since it may need an extra package."""


def make_engine(name: str, jobs: int, data: Path | None) -> Engine:
    """Return the engine of that name; raises :class:`~mistakes.UserMistake` for an unknown name."""
    if name not in ENGINES:
        raise unknown("engine", name, ENGINES)
    engine: Engine = resolve_name(ENGINES[name])(jobs=jobs, data=data)
    return engine
