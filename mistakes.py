"""The exception for mistakes of a user, and the message of its most common kind."""

from collections.abc import Iterable
from difflib import get_close_matches


class UserMistake(ValueError):
    """A mistake in a user's input: the message names the thing, its value and the allowed values."""


def unknown(thing: str, value: object, allowed: Iterable[str]) -> UserMistake:
    """Return the mistake "unknown THING VALUE", which lists the allowed values and the nearest match."""
    names = list(allowed)
    near = get_close_matches(str(value), names, n=1, cutoff=0.4)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return UserMistake(f"unknown {thing} {value!r}; allowed: {', '.join(names) or 'none'}.{hint}")
