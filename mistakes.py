"""The one exception for what a user can cause, and the sentence it carries."""

from collections.abc import Iterable
from difflib import get_close_matches


class UserMistake(ValueError):
    """Bad input: the message names the thing, the value, what is allowed and the nearest match."""


def unknown(thing: str, value: object, allowed: Iterable[str]) -> UserMistake:
    """Return the mistake "unknown THING VALUE", listing what is allowed and the nearest match."""
    names = list(allowed)
    near = get_close_matches(str(value), names, n=1, cutoff=0.4)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return UserMistake(f"unknown {thing} {value!r}; allowed: {', '.join(names) or 'none'}.{hint}")
