"""Frozen configs as flat settings: read them, change them by dotted path, find the paths that vary between rows.

A config is a frozen dataclass whose fields are plain values or *parts*. A part is a frozen dataclass, or ``None`` if
the ingredient is absent. The setting at a part's path is the name of its class; its hyper-parameters have paths below:
``{"content": "L1", "content.weight": 0.1, "history": None}``. The way back is :func:`unflatten`. This module needs no
torch.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import fields, is_dataclass, replace
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from mistakes import UserMistake, unknown

Value = str | int | float | bool | None
Settings = Mapping[str, Value]
Part = TypeVar("Part")


def flatten(config: object, prefix: str = "") -> dict[str, Value]:
    """Return every setting of a config by dotted path, in the order of its fields."""
    flat: dict[str, Value] = {}
    for field in fields(config):  # type: ignore[arg-type]
        value, path = getattr(config, field.name), prefix + field.name
        if is_dataclass(value):
            flat[path] = type(value).__name__
            flat |= flatten(value, path + ".")
        else:
            flat[path] = value
    return flat


def unflatten(kind: type[Part], settings: Settings) -> Part:
    """Return the config of class ``kind`` that has these settings, the inverse of :func:`flatten`. No value is converted.

    A part's setting names its class: a class that the field allows, or a class derived from such a class. Raises
    :class:`UserMistake` for a missing or unknown path, and for a value that its field does not allow.
    """
    config = _built(kind, settings, "")
    known = flatten(config)
    if odd := [path for path in settings if path not in known]:
        raise unknown("setting", odd[0], known)
    return config


def method_name(kind: type) -> str:
    """Return the value of the setting ``method`` for a config's class: ``RefinerGan`` for ``RefinerGanConfig``."""
    return kind.__name__.removesuffix("Config")


def _built(kind: type[Part], settings: Settings, prefix: str) -> Part:
    """Return the config or part of class ``kind`` from the settings whose paths begin with ``prefix``."""
    hints = {prefix + name: hint for name, hint in _hints(kind).items()}
    if missing := [path for path in hints if path not in settings]:
        raise UserMistake(f"setting {missing[0]!r} is missing; allowed: every setting of {kind.__name__}.")
    values = {path.removeprefix(prefix): _value(hint, settings, path) for path, hint in hints.items()}
    return kind(**values)


def _value(hint: Any, settings: Settings, path: str) -> object:
    """Return the value at a path, or the part that the value names, built from the settings below the path."""
    value, kinds = settings[path], _kinds(hint)
    parts = {part for kind in kinds if is_dataclass(kind) for part in _family(kind) if part.__name__ == value}
    if len(parts) > 1:
        raise UserMistake(f"setting {path!r} is {value}, the name of two classes; allowed: each name once.")
    if parts:
        return _built(parts.pop(), settings, path + ".")
    if not any(_holds(kind, value) for kind in kinds):
        raise _not_allowed(hint, path, value)
    return value


def _family(kind: Any) -> Iterator[Any]:
    """Yield a class and all classes derived from it."""
    yield kind
    for derived in kind.__subclasses__():
        yield from _family(derived)


def _holds(kind: Any, value: object) -> bool:
    """Say whether a field of this kind allows a plain value; a float allows integers."""
    if get_origin(kind) is Literal:
        return value in get_args(kind)
    return type(value) is (get_origin(kind) or kind) or (kind is float and type(value) is int)


def change(config: Part, changes: Mapping[str, object]) -> Part:
    """Return the config with the changes by dotted path, applied in order; the result is checked once, at the end.

    A value is a plain value, a part, ``None`` for an absent part, or text as a user types it (``"none"``, the name
    of a part's class, ``"0.5"``). Raises :class:`UserMistake` for an unknown path or a value of the wrong kind.
    """
    for path, value in changes.items():
        config = _set(config, path, path, value)
    return _checked(config)


def changed(config: Part, changes: Mapping[str, object]) -> Part:
    """Do as :func:`change`, but raise :class:`UserMistake` for a change that changes nothing."""
    for path, value in changes.items():
        before, config = config, _set(config, path, path, value)
        if config == before:
            text = _written(value).strip()
            raise UserMistake(
                f"setting {path!r} is {text} already; allowed: a change that changes something."
            )
    return _checked(config)


def _checked(config: Part) -> Part:
    """Return the config built anew from its innermost parts, so that every ``__post_init__`` checks its values."""
    parts = {field.name: getattr(config, field.name) for field in fields(config)}  # type: ignore[arg-type]
    return replace(config, **{name: _checked(part) for name, part in parts.items() if is_dataclass(part)})  # type: ignore[type-var]


def _with(config: Part, name: str, value: object) -> Part:
    """Return a copy with another value in one field; it is not checked, for a later change may make it valid."""
    other = copy(config)
    object.__setattr__(other, name, value)  # frozen dataclasses refuse setattr
    return other


def _set(config: Part, path: str, full: str, value: object) -> Part:
    """Return the config with a value at ``path``; ``full`` is the path from the outermost config, for messages."""
    name, dot, rest = path.partition(".")
    hints = _hints(type(config))
    if name not in hints:
        parent = full[: len(full) - len(path)]
        raise unknown("setting", full, [parent + known for known in hints])
    if not dot:
        return _with(config, name, _read(hints[name], full, value))
    part = getattr(config, name)
    if not is_dataclass(part):
        parts = [_words(kind)[0] for kind in _kinds(hints[name]) if is_dataclass(kind)]
        where = full[: len(full) - len(rest) - 1]
        if not parts:
            raise UserMistake(f"unknown setting {full!r}: {where!r} is a plain value; allowed: {where!r}.")
        raise UserMistake(
            f"unknown setting {full!r}: {where!r} is absent; allowed: {where}={'|'.join(parts)} first."
        )
    return _with(config, name, _set(part, rest, full, value))


def _hints(kind: type) -> dict[str, Any]:
    """Return the type hints of a dataclass's fields, by name."""
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}


def _kinds(hint: Any) -> tuple[Any, ...]:
    """Return the members of a union; a hint that is no union is its only member."""
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def _read(hint: Any, path: str, value: object) -> object:
    """Return ``value`` converted to the first kind of ``hint`` that allows it; raises :class:`UserMistake` if none does."""
    for kind in _kinds(hint):
        if get_origin(kind) is Literal:
            if value in get_args(kind):
                return value
        elif kind is NoneType:
            if value is None or value == "none":
                return None
        elif is_dataclass(kind):
            if isinstance(value, kind):  # type: ignore[arg-type]
                return value
            if isinstance(value, str) and value.lower() == _words(kind)[0].lower():
                return kind()  # type: ignore[operator]
        elif (number := _plain(kind, value)) is not None:
            return number
    raise _not_allowed(hint, path, value)


def _not_allowed(hint: Any, path: str, value: object) -> UserMistake:
    """Return the mistake for a value that its field does not allow."""
    allowed = [word for kind in _kinds(hint) for word in _words(kind)]
    return unknown(f"value of setting {path!r}:", _written(value), allowed)


def _plain(kind: type, value: object) -> object:
    """Return ``value`` converted to ``kind`` (bool, int, float or str), or ``None`` if it cannot be converted."""
    if kind is bool and str(value).lower() in ("true", "false"):
        return str(value).lower() == "true"
    if isinstance(value, kind) and not (isinstance(value, bool) and kind is not bool):
        return value
    if kind in (int, float) and isinstance(value, str | int) and not isinstance(value, bool):
        try:
            return kind(value)
        except (ValueError, OverflowError):
            return None
    return None


def _words(kind: Any) -> list[str]:
    """Return the words for a kind in a list of allowed values."""
    if get_origin(kind) is Literal:
        return list(map(str, get_args(kind)))
    return ["none" if kind is NoneType else kind.__name__]


def _written(value: object) -> str:
    """Return a value as a user types it."""
    return type(value).__name__ if is_dataclass(value) else "none" if value is None else str(value)


def varied(rows: Sequence[Settings]) -> list[str]:
    """Return the paths whose values differ among rows that have the same class of parent part; tables show them."""
    order: dict[str, None] = {}
    for row in rows:
        order |= dict.fromkeys(row)
    return [path for path in _in_field_order(order) if _differs(path, rows)]


def _in_field_order(paths: Iterable[str]) -> list[str]:
    """Return the paths in order of appearance, every part followed by its hyper-parameters."""
    first: dict[str, int] = {}
    for path in paths:
        for prefix in _prefixes(path):
            first.setdefault(prefix, len(first))
    return sorted(paths, key=lambda path: [first[prefix] for prefix in _prefixes(path)])


def _prefixes(path: str) -> list[str]:
    """Return the paths from the outermost part to the path itself."""
    words = path.split(".")
    return [".".join(words[:end]) for end in range(1, len(words) + 1)]


def _differs(path: str, rows: Sequence[Settings]) -> bool:
    """Say whether two rows with the same class of parent part have different values at a path."""
    seen: dict[Value, set[Value]] = {}
    for row in rows:
        if path in row:
            seen.setdefault(row.get(path.rpartition(".")[0] or "method"), set()).add(row[path])
    return any(len(values) > 1 for values in seen.values())
