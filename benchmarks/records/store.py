"""Records of runs on disk: one directory a run, written whole and once. Needs no torch."""

import gc
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from benchmarks.records.files import directory_atomic, writable
from benchmarks.records.record import FAILED, FIELDS, OK, SCHEMA, RunRecord
from mistakes import UserMistake

RECORD, CURVE, PREDICTIONS = "record.json", "curve.json", "predictions.npz"


class MissingRecord(UserMistake):
    """A folder holds no record."""


def write(record: RunRecord, files: Mapping[str, bytes], results: Path) -> Path:
    """Write the record and its files as ``results/runs/ID/`` and return that folder; a reader never sees half of it.

    A record with numbers that JSON lacks, or with other objects than plain data, is written as a failed one that says so. A
    run that is recorded already stays unchanged. Raises :class:`UserMistake` if the folder cannot be written.
    """
    final = results / "runs" / record.id
    try:
        contents = {**files, **packed(asdict(record))}
    except (TypeError, ValueError) as error:
        contents = packed(asdict(_unwritable(record, error)))
    with writable(f"results folder {str(results)!r}"):
        try:
            with directory_atomic(final) as draft:
                for name, content in contents.items():
                    (draft / name).write_bytes(content)
                if final.exists() and not exists(record.id, results):
                    shutil.rmtree(final)  # the rest of a run whose record was deleted
        except OSError:
            if not exists(record.id, results):  # else another process has recorded the run
                raise
    return final


def _unwritable(record: RunRecord, error: Exception) -> RunRecord:
    """Return the record of a failed run that takes the place of a record that is no plain JSON."""
    kept = ("id", "spec", "bound", "host", "versions", "commit", "created")
    reason = f"the record cannot be written ({error}); allowed: finite numbers and plain data"
    return RunRecord(status=FAILED, reason=reason, **{name: getattr(record, name) for name in kept})


def check_writable(results: Path) -> None:
    """Raise :class:`UserMistake` now if results could not be written later."""
    with writable(f"results folder {str(results)!r}"):
        (results / "runs").mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=results / "runs").close()


def exists(run_id: str, results: Path) -> bool:
    """Return whether a run is recorded."""
    return (results / "runs" / run_id / RECORD).is_file()


def packed(content: Mapping[str, Any]) -> dict[str, bytes]:
    """Return the files of a record's plain content by name: ``record.json``, and ``curve.json`` if it has a curve."""
    head = {name: value for name, value in content.items() if name != "curve"}
    curve = {CURVE: _text(content["curve"])} if content["curve"] else {}
    return {**curve, RECORD: _text(head)}


def _text(content: object) -> bytes:
    return f"{json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)}\n".encode()


def read(folder: Path | str, curve: bool = True) -> RunRecord:
    """Read the record in a run's folder, with or without its curve.

    Raises :class:`MissingRecord` if there is no record, :class:`UserMistake` if it is broken or of another schema.
    """
    path = f"{folder}/{RECORD}"
    try:
        content = _parsed(path)
        if content["schema"] != SCHEMA:
            raise UserMistake(
                f"record {path!r} has schema {content['schema']!r}; allowed: {SCHEMA}. "
                "`bench.py migrate RESULTS` brings older records up to date."
            )
        content["curve"] = _curve(f"{folder}/{CURVE}") if curve else ()
        for name in ("flags", "snapshots"):
            content[name] = tuple(content[name])
        if odd := content.keys() ^ FIELDS:
            raise ValueError(f"missing or unknown fields {', '.join(sorted(odd))}")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise MissingRecord(
            f"there is no record {path!r}; allowed: a record that a run has written."
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise error if isinstance(error, UserMistake) else corrupt(path, error) from error
    record = object.__new__(RunRecord)  # the dataclass's __init__ takes several times as long
    vars(record).update(content)
    return record


def _curve(path: str) -> tuple[Mapping[str, float], ...]:
    """Return a loss curve, which is empty if a run has no file of it."""
    try:
        return tuple(_parsed(path))
    except FileNotFoundError:
        return ()
    except TypeError as error:
        raise corrupt(path, error) from error


def _parsed(path: str) -> Any:
    try:
        return orjson.loads(_bytes(path))
    except ValueError as error:
        raise corrupt(path, error) from error


def corrupt(path: Path | str, error: Exception) -> UserMistake:
    """Return the mistake that a file of a record is broken."""
    return UserMistake(
        f"record {str(path)!r} is corrupt ({type(error).__name__}: {error}); "
        "allowed: a whole record, as a run writes it. Delete its folder to run it again."
    )


def _bytes(path: str) -> bytes:
    with open(path, "rb", buffering=0) as file:  # an unbuffered file needs half the system calls
        return file.readall()


def find(run_id: str, results: Path) -> RunRecord:
    """Return the record of one run; raises as :func:`read` does."""
    return read(results / "runs" / run_id)


def read_all(results: Path, curves: bool = True) -> list[RunRecord]:
    """Return every record under ``results/runs``, sorted by id, with or without curves."""
    runs = results / "runs"
    names = sorted(os.listdir(runs)) if runs.is_dir() else []
    folders = [f"{runs}/{name}" for name in names if not name.startswith(".")]
    found = []
    with uncollected():
        for folder in folders:
            with suppress(MissingRecord):
                found.append(read(folder, curves))
    return found


@contextmanager
def uncollected() -> Iterator[None]:
    """Disable garbage collection in the block: plain data hold no cycles, but every collection searches all of them."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def forget_unfinished(run_ids: Iterable[str], results: Path) -> None:
    """Delete the failed and diverged runs among these, so that they run again."""
    for run_id in run_ids:
        if exists(run_id, results) and find(run_id, results).status != OK:
            shutil.rmtree(results / "runs" / run_id)
