"""Keeps target labels out of reach while a method runs. A guard against mistakes, not against malice.

A method receives no target labels, but it shares a process with the evaluation, which needs them. All code of methods,
adapters and predictors therefore runs inside :func:`closed`. Reading target labels there raises :class:`SealBroken`.
"""

from dataclasses import replace
from typing import Any

from datasets.contract import DomainPair, Labelled
from datasets.files.closing import SealBroken, check_open, closed

__all__ = ["SealBroken", "Sealed", "check_open", "closed", "seal"]

GUARDED = ("labels", "__dict__", "__getstate__", "__reduce__", "__reduce_ex__")


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
