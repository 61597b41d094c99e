"""Brings records of an older schema up to date; no number changes."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.records.files import write_atomic
from benchmarks.records.record import FIELDS, OK, SCHEMA
from benchmarks.records.store import RECORD, corrupt, packed
from mistakes import UserMistake

Content = dict[str, Any]


def migrate(results: Path) -> int:
    """Bring every record below ``results`` up to date and return the number of older records.

    A record keeps its id and its folder. Files that only a newer schema has are written before the record.
    Raises :class:`UserMistake` for a folder without runs, and for a record that is broken or of an unknown schema.
    """
    runs = results / "runs"
    if not runs.is_dir():
        raise UserMistake(f"folder {str(results)!r} has no runs; allowed: a folder that `bench.py` wrote to.")
    return sum(_migrated(path.parent) for path in sorted(runs.glob(f"*/{RECORD}")))


def _migrated(folder: Path) -> bool:
    """Bring the record in a folder up to date; return whether it was older."""
    path = folder / RECORD
    try:
        content = json.loads(path.read_bytes())
        if content["schema"] == SCHEMA:
            return False
        if content["schema"] not in STEPS:
            raise UserMistake(
                f"record {str(path)!r} has schema {content['schema']!r}; allowed: {min(STEPS)} to {SCHEMA}."
            )
        while content["schema"] != SCHEMA:
            content = STEPS[content["schema"]](content)
        if odd := content.keys() ^ FIELDS:
            raise ValueError(f"missing or unknown fields {', '.join(sorted(odd))}")
        files = packed({name: content[name] for name in FIELDS})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise error if isinstance(error, UserMistake) else corrupt(path, error) from error
    for name, text in files.items():
        write_atomic(folder / name, text)
    return True


# fmt: off
ERROR = {
    "name": "error", "unit": "%", "about": "error", "span": "0 … 100", "better": "lower", "digits": 1,
    "worst": 100, "wrong_answers": True,
}
ANGLE = {
    "name": "angle", "unit": "°", "about": "mean angle between predicted and true orientation",
    "span": "0 … 180 degrees", "better": "lower", "digits": 1, "worst": 180, "wrong_answers": False,
}
CLASSES = {"name": "classification", "headline": "error", "probabilities": True, "measures": [ERROR]}
POSES = {**CLASSES, "name": "classification+pose", "measures": [ERROR, ANGLE]}
# fmt: on


def _to_3(content: Content) -> Content:
    """Add ``task`` and ``bound``, which schema 2 left to be inferred from scores and parameters.

    The ``checkpoints`` of schema 2 are renamed ``snapshots``.
    """
    task = POSES if "angle" in content["scores"] else CLASSES
    done = content["status"] == OK
    trained = bool(content["parameters"]) if done else set(content["spec"]["settings"]) != {"method"}
    newer = {
        "bound": not trained,
        "task": task if done else {},
        "snapshots": content["checkpoints"],
        "schema": 3,
    }
    return {name: value for name, value in {**content, **newer}.items() if name != "checkpoints"}


STEPS: Mapping[int, Callable[[Content], Content]] = {2: _to_3}
"""Functions, by a schema, that bring a record of that schema to the next schema."""
