"""A lock that holds while a method runs: nothing that leads to target labels may be read then. Needs no torch.

All code of methods, adapters and predictors runs inside :func:`closed`. Whatever reads labels asks :func:`check_open` first:
the readers of files, the sets that packages hold, and every pair when it is made.
"""

from collections.abc import Iterator
from contextlib import contextmanager

_closed_blocks = 0  # blocks of closed() under way; a plain global, so that threads see it too


class SealBroken(Exception):
    """Code tried to read target labels while a method ran."""


@contextmanager
def closed() -> Iterator[None]:
    """Keep labels out of reach of all code in the block; also works as a decorator."""
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
