"""Records of runs on disk."""

import json
import math
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.records import store
from benchmarks.records.record import DIVERGED, FAILED, OK, SCHEMA, RunRecord
from mistakes import UserMistake
from tests.small.records import record_of

RECORD = record_of(
    id="shapes--simgan--smoke--s0--0123456789",
    settings={"history": None, "rate": 1e-3},
    scores={"fid": 1 / 3, "label_error": None},
    blanks={"label_error": "no image is adapted"},
    flags=("identity collapse",),
    curve=({"step": 2, "loss": 0.1}, {"step": 4, "loss": 0.05}),
    host={"device": "Prozessor für Tests"},
)


def folder(results: Path) -> Path:
    return results / "runs" / RECORD.id


def written(results: Path, record: RunRecord = RECORD) -> Path:
    return store.write(record, {}, results)


def names(path: Path) -> list[str]:
    return sorted(entry.name for entry in path.iterdir())


def test_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert store.read(written(tmp_path)) == RECORD
    assert store.find(RECORD.id, tmp_path) == RECORD
    assert store.read_all(tmp_path) == [RECORD]


@pytest.mark.parametrize("curve", [RECORD.curve, ()])
def test_a_record_can_be_read_without_its_curve(curve: tuple[dict[str, float], ...], tmp_path: Path) -> None:
    run = written(tmp_path, replace(RECORD, curve=curve))
    assert store.read(run, curve=False) == replace(RECORD, curve=())
    assert store.read_all(tmp_path, curves=False) == [replace(RECORD, curve=())]
    assert store.read(run).curve == curve
    assert (run / "curve.json").exists() == bool(curve)


def test_records_are_sorted_by_id(tmp_path: Path) -> None:
    for name in ("b", "c", "a"):
        store.write(replace(RECORD, id=name), {}, tmp_path)
    assert [record.id for record in store.read_all(tmp_path)] == ["a", "b", "c"]


def test_a_record_that_is_not_there_is_missed(tmp_path: Path) -> None:
    written(tmp_path)
    (tmp_path / "runs" / "empty").mkdir()
    (tmp_path / "runs" / "stray.txt").write_text("no folder")
    assert store.read_all(tmp_path) == [RECORD]
    for name in ("empty", "stray.txt", "nowhere"):
        with pytest.raises(store.MissingRecord, match=f"no record '.*{name}/record.json'"):
            store.find(name, tmp_path)


def test_a_record_exists_once_it_is_written(tmp_path: Path) -> None:
    assert not store.exists(RECORD.id, tmp_path)
    written(tmp_path)
    assert store.exists(RECORD.id, tmp_path)
    assert not store.exists(RECORD.id[:-1], tmp_path)


# ---- whole and once


def test_write_leaves_record_and_files_and_no_draft(tmp_path: Path) -> None:
    final = store.write(RECORD, {"samples.png": b"picture"}, tmp_path)
    assert final == folder(tmp_path)
    assert names(tmp_path / "runs") == [RECORD.id]
    assert names(final) == ["curve.json", "record.json", "samples.png"]
    assert (final / "samples.png").read_bytes() == b"picture"
    assert final.stat().st_mode & 0o777 == 0o755  # others may read what a temporary folder hides


def test_second_write_leaves_the_first(tmp_path: Path) -> None:
    store.write(RECORD, {"samples.png": b"first"}, tmp_path)
    store.write(replace(RECORD, status=FAILED), {"samples.png": b"second"}, tmp_path)
    assert store.read_all(tmp_path) == [RECORD]
    assert (folder(tmp_path) / "samples.png").read_bytes() == b"first"
    assert names(tmp_path / "runs") == [RECORD.id]


def test_write_that_breaks_off_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "rename", refuse)
    with pytest.raises(UserMistake, match="No space left on device"):
        store.write(RECORD, {"samples.png": b"picture"}, tmp_path)
    assert names(tmp_path / "runs") == []


def test_interrupted_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_bytes", interrupt)
    with pytest.raises(KeyboardInterrupt):
        store.write(RECORD, {}, tmp_path)
    assert names(tmp_path / "runs") == []


def test_reader_does_not_see_a_draft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What another process reads while the draft lies there, and what a killed process leaves."""
    seen: list[list[RunRecord]] = []
    rename = os.rename

    def look_then_rename(old: Path, new: Path) -> None:
        (old / "record.json").write_text('{"schema": 1, "id"')  # half of it
        seen.append(store.read_all(tmp_path))
        rename(old, new)

    monkeypatch.setattr(os, "rename", look_then_rename)
    store.write(RECORD, {}, tmp_path)
    assert seen == [[]]


def test_writer_that_comes_second_leaves_the_first_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = os.rename

    def after_another(old: Path, new: Path) -> None:
        monkeypatch.setattr(os, "rename", rename)
        store.write(replace(RECORD, reason="first"), {}, tmp_path)
        rename(old, new)

    monkeypatch.setattr(os, "rename", after_another)
    store.write(replace(RECORD, reason="second"), {}, tmp_path)
    assert [record.reason for record in store.read_all(tmp_path)] == ["first"]


def test_run_whose_record_was_deleted_is_written_again(tmp_path: Path) -> None:
    store.write(RECORD, {"samples.png": b"picture"}, tmp_path)
    (folder(tmp_path) / "record.json").unlink()
    assert not store.exists(RECORD.id, tmp_path)
    written(tmp_path)
    assert store.read_all(tmp_path) == [RECORD]
    assert names(folder(tmp_path)) == [
        "curve.json",
        "record.json",
    ]  # nothing of the old run beside the new record


@pytest.mark.parametrize("odd", [{"scores": {"fid": math.nan}}, {"parameters": {"net": {1, 2}}}])
def test_a_record_that_json_cannot_hold_becomes_a_failed_one(odd: dict[str, Any], tmp_path: Path) -> None:
    store.write(replace(RECORD, **odd), {"samples.png": b"picture"}, tmp_path)
    (record,) = store.read_all(tmp_path)
    assert (record.id, record.spec, record.status) == (RECORD.id, RECORD.spec, FAILED)
    assert record.reason.startswith("the record cannot be written (")
    assert (record.scores, record.curve, names(folder(tmp_path))) == ({}, (), ["record.json"])


# ---- broken records


def edited(change: Callable[[dict[str, Any]], object]) -> Callable[[bytes], bytes]:
    def edit(text: bytes) -> bytes:
        content = json.loads(text)
        change(content)
        return json.dumps(content).encode()

    return edit


BROKEN: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda text: b"",
    "truncated": lambda text: text[: len(text) // 2],
    "last byte lost": lambda text: text.rstrip()[:-1],
    "not text": lambda text: b"\xff\xfe\x00",
    "a list": lambda text: b"[" + text + b"]",
    "a word": lambda text: b'"schema"',
    "nothing": lambda text: b"null",
    "without schema": edited(lambda content: content.pop("schema")),
    "other schema": edited(lambda content: content.update(schema=SCHEMA + 1)),
    "status missing": edited(lambda content: content.pop("status")),
    "scores missing": edited(lambda content: content.pop("scores")),
    "flags lost": edited(lambda content: content.update(flags=None)),
}


@pytest.mark.parametrize("damage", BROKEN)
def test_broken_record_is_named_in_one_line(damage: str, tmp_path: Path) -> None:
    path = written(tmp_path) / "record.json"
    path.write_bytes(BROKEN[damage](path.read_bytes()))
    assert_named(path, tmp_path)


@pytest.mark.parametrize("text", ["[{", "3", "\xff"])
def test_broken_curve_is_named_in_one_line(text: str, tmp_path: Path) -> None:
    path = written(tmp_path) / "curve.json"
    path.write_text(text, encoding="latin-1")
    assert_named(path, tmp_path)
    assert len(store.read_all(tmp_path, curves=False)) == 1


def assert_named(path: Path, results: Path) -> None:
    """Check that whoever reads the record is told of this file in one line."""
    for reader in (lambda: store.read(path.parent), lambda: store.read_all(results)):
        with pytest.raises(UserMistake) as caught:
            reader()
        assert str(path) in str(caught.value)
        assert "allowed: " in str(caught.value)
        assert "\n" not in str(caught.value)


def test_record_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserMistake, match="no-such-run"):
        store.find("no-such-run", tmp_path)


# ---- folders


@pytest.mark.parametrize("below", ["file", "file/results"])
def test_folder_that_cannot_be_written_is_named(below: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    results = tmp_path / below
    for attempt in (lambda: store.check_writable(results), lambda: written(results)):
        with pytest.raises(UserMistake) as caught:
            attempt()
        assert repr(str(results)) in str(caught.value)
        assert "\n" not in str(caught.value)


def test_check_writable_makes_the_folder_and_leaves_it_empty(tmp_path: Path) -> None:
    store.check_writable(tmp_path / "new" / "results")
    assert names(tmp_path / "new" / "results" / "runs") == []


def test_forgetting_keeps_what_is_ok_and_what_is_not_asked_for(tmp_path: Path) -> None:
    statuses = (OK, FAILED, DIVERGED)
    for status in statuses:
        store.write(replace(RECORD, id=status, status=status), {"samples.png": b""}, tmp_path)
    store.write(replace(RECORD, id="other", status=FAILED), {}, tmp_path)
    store.forget_unfinished([*statuses, "never run"], tmp_path)
    assert names(tmp_path / "runs") == [OK, "other"]
