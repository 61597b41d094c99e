"""Keeps target labels out of reach while a method runs. A guard against mistakes, not against malice.

A method receives no target labels, but it shares a process with the evaluation, which needs them. All code of methods,
adapters and predictors therefore runs inside :func:`closed`. Reading target labels there raises :class:`SealBroken`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from datasets.contract import DomainPair, Labelled

GUARDED = ("labels", "__dict__", "__getstate__", "__reduce__", "__reduce_ex__")

_closed_blocks = 0  # blocks of closed() under way; a plain global, so that threads see it too


class SealBroken(Exception):
    """Code tried to read target labels while a method ran."""


@contextmanager
def closed() -> Iterator[None]:
    """Keep sealed labels out of reach of all code in the block; also works as a decorator."""
    global _closed_blocks
    _closed_blocks += 1
    try:
        yield
    finally:
        _closed_blocks -= 1


def check_open(what: str) -> None:
    """Raise :class:`SealBroken` inside :func:`closed`."""
    if _closed_blocks:
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
