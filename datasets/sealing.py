"""Keeps target labels out of reach while a method runs. A guard against mistakes, not against malice.

A method is handed no target label, but it shares a process with the evaluation that needs them. So whatever a method,
adapter or predictor executes runs inside :func:`closed`, where reading them raises :class:`SealBroken`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from datasets.contract import DomainPair, Labelled

GUARDED = ("labels", "__dict__", "__getstate__", "__reduce__", "__reduce_ex__")

_depth = [0]
"""How many methods run, one inside the other; not a context variable, so that threads see it too."""


class SealBroken(Exception):
    """Target labels were asked for while a method ran."""


@contextmanager
def closed() -> Iterator[None]:
    """Keep sealed labels out of reach of all that runs inside; also a decorator."""
    _depth[0] += 1
    try:
        yield
    finally:
        _depth[0] -= 1


def check_open(what: str) -> None:
    """Raise :class:`SealBroken` inside :func:`closed`."""
    if _depth[0]:
        raise SealBroken(f"{what} may not be read while a method runs")


class Sealed(Labelled):
    """Labelled images whose labels cannot be read while a method runs; the images can."""

    def __getattribute__(self, name: str) -> Any:
        if name in GUARDED:
            check_open("target labels")
        return super().__getattribute__(name)


def seal(pair: DomainPair) -> DomainPair:
    """Return the pair with the labels of ``oracle`` and ``test`` sealed."""
    oracle = None if pair.oracle is None else Sealed(**vars(pair.oracle))
    return replace(pair, oracle=oracle, test=Sealed(**vars(pair.test)))
