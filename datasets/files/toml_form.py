"""A TOML file → a frozen dataclass, which is its schema; a mistake in the file is reported with its key.

A field without a default is a required key; a nested dataclass is a table. Fields are ``str``, ``int``, ``Literal``,
tuples of these (lists in TOML) or unions of these. Needs no torch.
"""

import re
import tomllib
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from datasets.files import reading
from mistakes import unknown

ENDING = ".toml"
UNIONS = (Union, UnionType)
Form = TypeVar("Form")


def read(path: Path, form: type[Form]) -> Form:
    """Return the contents of a TOML file as a ``form``; a key ``name`` must be usable in file names.

    Raises :class:`~mistakes.UserMistake` for a file that cannot be read, for unknown and missing keys, for values of
    another type, and for empty text and lists.
    """
    try:
        content = tomllib.loads(reading.contents(path).decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise reading.refused(
            path, f"is no TOML ({error})", "a TOML file, as https://toml.io has it"
        ) from error
    filled = _filled(form, content, path)
    name = content.get("name", "")
    if not re.fullmatch(r"([\w+-][\w.+-]*)?", name):
        raise reading.refused(path, f"has the name {name!r}", "letters, digits and - _ . +, no dot first")
    return filled


def _filled(form: type[Form], content: dict[str, Any], path: Path, table: str = "") -> Form:
    hints, values = get_type_hints(form), {}
    for name in content:
        if name not in hints:
            raise unknown(f"key of file {str(path)!r}:", table + name, [table + known for known in hints])
    for field in fields(form):  # type: ignore[arg-type]
        key, kind = table + field.name, hints[field.name]
        if field.name in content:
            values[field.name] = _value(kind, content[field.name], path, key)
        elif field.default is MISSING:
            raise reading.refused(path, f"has no {key!r}", _words(kind))
    return form(**values)


def _value(kind: Any, value: object, path: Path, key: str) -> object:
    if is_dataclass(kind) and isinstance(kind, type) and isinstance(value, dict):
        return _filled(kind, value, path, f"{key}.")
    if get_origin(kind) is Literal and isinstance(value, str) and value not in get_args(kind):
        raise unknown(f"{key} of file {str(path)!r}:", value, get_args(kind))
    if not _fits(kind, value):
        raise reading.refused(path, f"has {key} = {value!r}", _words(kind))
    return tuple(value) if isinstance(value, list) else value


def _fits(kind: Any, value: object) -> bool:
    origin, parts = get_origin(kind), get_args(kind)
    if origin in UNIONS:
        return any(_fits(part, value) for part in parts)
    if origin is Literal:
        return value in parts
    if origin is tuple and isinstance(value, list):
        parts = parts[:1] * len(value) if parts[-1] is Ellipsis else parts
        return 0 < len(parts) == len(value) and all(map(_fits, parts, value))
    return type(value) is kind and value != ""  # type(), since a bool is an instance of int


def _words(kind: Any) -> str:
    """Name the values of a kind."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin in UNIONS:
        return " or ".join(_words(part) for part in parts if part is not NoneType)
    if origin is Literal:
        return ", ".join(map(repr, parts))
    if origin is tuple:
        return f"a list of {'' if parts[-1] is Ellipsis else f'{len(parts)} × '}{_words(parts[0])}"
    return {str: "text", int: "a whole number"}.get(kind, "a table")
