"""Records of schema 2 come to schema 3 without a number changed."""

import json
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

import bench
from benchmarks.records import store
from benchmarks.records.migration import migrate
from mistakes import UserMistake
from tests.records.test_store import RECORD


def older(results: Path, **changes: Any) -> Path:
    """Write a record as version 2 did, its curve inside, and return its file."""
    content = {**asdict(RECORD), "schema": 2, "parameters": {"refiner": 3}, **changes}
    del content["bound"]
    path = results / "runs" / content["id"] / "record.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(content, indent=1))
    return path


def test_an_older_record_is_refused_with_the_way_out(tmp_path: Path) -> None:
    older(tmp_path)
    with pytest.raises(UserMistake, match="has schema 2; allowed: 3. `bench.py migrate RESULTS`"):
        store.read_all(tmp_path)


def test_nothing_changes_but_the_form(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = older(tmp_path)
    assert bench.main(["migrate", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"1 records brought up to date in {tmp_path}\n"
    (record,) = store.read_all(tmp_path)
    assert asdict(record) == {**asdict(RECORD), "parameters": {"refiner": 3}}
    assert "curve" not in json.loads(path.read_text())
    assert json.loads(path.with_name("curve.json").read_text()) == list(RECORD.curve)


def test_a_second_time_changes_no_byte(tmp_path: Path) -> None:
    path = older(tmp_path)
    migrate(tmp_path)
    before = path.read_bytes(), path.stat().st_mtime_ns
    assert migrate(tmp_path) == 0
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


@pytest.mark.parametrize(
    ("changes", "bound"),
    [
        ({}, False),
        ({"parameters": {}}, True),
        ({"parameters": {}, "status": "failed"}, False),
        ({"parameters": {}, "status": "failed", "spec": {"settings": {"method": "SourceOnly"}}}, True),
    ],
)
def test_what_trained_nothing_is_a_bound(changes: dict[str, Any], bound: bool, tmp_path: Path) -> None:
    older(tmp_path, **changes)
    migrate(tmp_path)
    assert store.read_all(tmp_path)[0].bound == bound


def test_a_migration_that_breaks_off_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = older(tmp_path)
    text, replace = path.read_bytes(), Path.replace

    def refuse(draft: Path, target: Path) -> Path:
        if target.name == "record.json":
            raise OSError(28, os.strerror(28))
        return replace(draft, target)

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(UserMistake, match="No space left"):
        migrate(tmp_path)
    assert path.read_bytes() == text
    monkeypatch.undo()
    assert migrate(tmp_path) == 1
    assert store.read_all(tmp_path)[0].curve == RECORD.curve


BROKEN: dict[str, Callable[[dict[str, Any]], object]] = {
    "schema 1": lambda content: content.update(schema=1),
    "without schema": lambda content: content.pop("schema"),
    "without status": lambda content: content.pop("status"),
}


@pytest.mark.parametrize("damage", BROKEN)
def test_what_cannot_be_brought_up_to_date_is_named(damage: str, tmp_path: Path) -> None:
    path = older(tmp_path)
    content = json.loads(path.read_text())
    BROKEN[damage](content)
    path.write_text(json.dumps(content))
    with pytest.raises(UserMistake) as caught:
        migrate(tmp_path)
    assert str(path) in str(caught.value)
    assert "; allowed: " in str(caught.value)


def test_a_folder_without_runs_is_refused(tmp_path: Path) -> None:
    assert bench.main(["migrate", str(tmp_path)]) == 2
