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

import orjson

from benchmarks.records.record import FIELDS, OK, SCHEMA, RunRecord
from mistakes import UserMistake

PREDICTIONS = "predictions.npz"
ERROR = {
    **{"name": "error", "unit": "%", "about": "error", "span": "0 … 100", "better": "lower", "digits": 1},
    **{"worst": 100, "wrong_answers": True},
}
ANGLE = {
    **{"name": "angle", "unit": "°", "about": "mean angle between predicted and true orientation"},
    **{"span": "0 … 180 degrees", "better": "lower", "digits": 1, "worst": 180, "wrong_answers": False},
}
CLASSES = {"name": "classification", "headline": "error", "probabilities": True, "measures": [ERROR]}
POSES = {**CLASSES, "name": "classification+pose", "measures": [ERROR, ANGLE]}
"""The tasks of records that were written before records named their task."""


class MissingRecord(UserMistake):
    """There is no record where one was looked for."""


def write(record: RunRecord, files: Mapping[str, bytes], results: Path) -> Path:
    """Write the record and its files as ``results/runs/ID/``; a reader never sees half of it.

    A run that is there already is left as it is. Raises :class:`UserMistake` when the folder cannot be written.
    """
    final = results / "runs" / record.id
    text = json.dumps(asdict(record), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    with writable(results):
        final.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=final.parent))
        try:
            for name, content in {**files, "record.json": text.encode()}.items():
                (draft / name).write_bytes(content)
            draft.chmod(0o755)
            if final.exists() and not exists(record.id, results):
                shutil.rmtree(final)  # what is left where a record was deleted
            try:
                os.rename(draft, final)
            except OSError:
                if not exists(record.id, results):  # else somebody was first
                    raise
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return final


def check_writable(results: Path) -> None:
    """Raise :class:`UserMistake` now if results could not be written later."""
    with writable(results):
        (results / "runs").mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=results / "runs").close()


@contextmanager
def writable(results: Path) -> Iterator[None]:
    """Turn the system's refusal to write into a :class:`UserMistake`."""
    try:
        yield
    except OSError as error:
        raise UserMistake(
            f"results folder {str(results)!r} cannot be written ({error.strerror}); "
            "allowed: a folder you may write to."
        ) from error


def exists(run_id: str, results: Path) -> bool:
    """Say whether a run has been recorded."""
    return (results / "runs" / run_id / "record.json").is_file()


def read(path: Path | str, curve: bool = True) -> RunRecord:
    """Read one ``record.json``, with its curve or, in half the time, without.

    Raises :class:`MissingRecord` if there is no such file, :class:`UserMistake` if it is no record or of another schema.
    """
    mend = "Delete its folder to run it again."
    try:
        text = _bytes(path)
        content = orjson.loads(text if curve else _without_curve(text))
        if content["schema"] != SCHEMA:
            raise UserMistake(
                f"record {str(path)!r} has schema {content['schema']!r}; allowed: {SCHEMA}. {mend}"
            )
        for name in ("flags", "curve", "checkpoints"):
            content[name] = tuple(content[name])
        if not curve:
            content["curve"] = ()
        if "task" not in content:
            content["task"] = POSES if "angle" in content["scores"] else CLASSES
        if odd := content.keys() ^ FIELDS:
            raise ValueError(f"missing or unknown fields {', '.join(sorted(odd))}")
        record = object.__new__(RunRecord)  # its own __init__, field by field, takes several times as long
        vars(record).update(content)
        return record
    except UserMistake:
        raise
    except (FileNotFoundError, NotADirectoryError) as error:
        raise MissingRecord(
            f"there is no record {str(path)!r}; allowed: one that a run has written."
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserMistake(
            f"record {str(path)!r} is corrupt ({type(error).__name__}: {error}); "
            f"allowed: a whole record, as a run writes it. {mend}"
        ) from error


def _bytes(path: Path | str) -> bytes:
    """Return what a file holds, with fewer calls of the system than ``open`` needs."""
    handle = os.open(path, os.O_RDONLY)
    try:
        return os.read(handle, os.fstat(handle).st_size)
    finally:
        os.close(handle)


def _without_curve(text: bytes) -> bytes:
    """Return a record's text with an empty curve, or as it is where :func:`write` has not laid it out."""
    before, found, rest = text.partition(b'\n "curve": [\n')
    return b'%b\n "curve": [],%b' % (before, rest.partition(b"\n ],")[2]) if found else text


def find(run_id: str, results: Path) -> RunRecord:
    """Return the record of one run."""
    return read(results / "runs" / run_id / "record.json")


def read_all(results: Path, curves: bool = True) -> list[RunRecord]:
    """Return every record under ``results/runs``, sorted by id, with curves or, in half the time, without."""
    runs = results / "runs"
    names = sorted(os.listdir(runs)) if runs.is_dir() else []
    paths = [f"{runs}/{name}/record.json" for name in names if not name.startswith(".")]
    found = []
    with uncollected():
        for path in paths:
            with suppress(MissingRecord):
                found.append(read(path, curves))
    return found


@contextmanager
def uncollected() -> Iterator[None]:
    """Let no garbage be looked for inside: plain data hold no cycles, and the search goes through all of them again."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def forget_unfinished(run_ids: Iterable[str], results: Path) -> None:
    """Delete the records of those of the runs that failed or diverged, so that they run again."""
    for run_id in run_ids:
        if exists(run_id, results) and find(run_id, results).status != OK:
            shutil.rmtree(results / "runs" / run_id)
