"""What an engine is, the messages by which runs say how far they are, and the engines there are. Loads no torch."""

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
    """Run ``index`` of ``total`` has begun; an engine counts runs in the order in which it begins them, from 0."""

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
    """The record of a run and the files that belong beside it, by name."""

    record: RunRecord
    files: Mapping[str, bytes]


@dataclass(frozen=True)
class Refused:
    """A worker met a mistake of the user's, which ends the matrix; ``text`` is its one line."""

    text: str


Message = Begun | Stepped | Ended
Tell = Callable[[Message], None]


class Engine(Protocol):
    """Places runs somewhere. An engine is made with ``jobs``, how many runs it does at a time, and ``data``."""

    @property
    def data(self) -> Path | None:
        """The root of the data that runs find where they are placed."""

    def place(self, specs: Sequence[RunSpec], sources: Sources, tell: Tell) -> Generator[Result, None, None]:
        """Yield the result of every run as it comes, in any order; to close the generator ends the runs under way.

        ``sources`` are open in this process, and are opened in every other that does runs. ``tell`` is given a message
        as a run begins, after every timed window, and once the caller has dealt with the run's result and asks for the
        next. Raises :class:`~mistakes.UserMistake` for a mistake in a run and for a worker that dies.
        """


ENGINES: Mapping[str, str] = {"local": "benchmarks.engines.local:Local"}
"""Every engine by name: "module:class", which is imported when it is asked for, since it may need an extra package."""


def make_engine(name: str, jobs: int, data: Path | None) -> Engine:
    """Return the engine of that name; raises :class:`~mistakes.UserMistake` for an unknown one."""
    if name not in ENGINES:
        raise unknown("engine", name, ENGINES)
    engine: Engine = resolve_name(ENGINES[name])(jobs=jobs, data=data)
    return engine
