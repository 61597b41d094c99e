"""Files and folders that appear whole or not at all."""

import os
from pathlib import Path

import pytest

from benchmarks.records.files import directory_atomic, writable, write_atomic
from mistakes import UserMistake


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


# ---- files


def test_a_file_is_written_with_its_folder_and_anew(tmp_path: Path) -> None:
    path = tmp_path / "new" / "report.html"
    assert write_atomic(path, b"one").read_text() == "one"
    assert write_atomic(path, b"two").read_text() == "two"
    assert names(path.parent) == ["report.html"]


def test_a_file_has_the_rights_of_any_other(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    path = write_atomic(tmp_path / "file", b"")
    assert path.stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("call", ["write_bytes", "replace"])
def test_an_interrupted_write_leaves_the_old_file(
    call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_atomic(tmp_path / "file", b"old")
    monkeypatch.setattr(Path, call, interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


def test_writers_of_one_file_do_not_meet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One thread writes the file while the draft of another lies beside it."""
    replace = Path.replace

    def after_another(draft: Path, path: Path) -> Path:
        monkeypatch.setattr(Path, "replace", replace)
        assert write_atomic(path, b"first").read_bytes() == b"first"
        return draft.replace(path)

    monkeypatch.setattr(Path, "replace", after_another)
    assert write_atomic(tmp_path / "file", b"second").read_bytes() == b"second"
    assert names(tmp_path) == ["file"]


@pytest.mark.parametrize(("name", "said"), [("folder", "Is a directory"), ("file/below", "exists|directory")])
def test_a_file_that_cannot_be_written_is_named(name: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(UserMistake, match=rf"{name}' cannot be written \(.*({said})\); allowed: a place you"):
        write_atomic(tmp_path / name, b"")
    assert names(tmp_path) == ["file", "folder"]


# ---- folders


def test_a_folder_appears_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "run"
    with directory_atomic(path) as draft:
        (draft / "deeper").mkdir()
        write_atomic(draft / "deeper" / "file", b"content")
        assert draft.parent == path.parent
        assert draft.name.startswith(".draft-")
        assert not path.exists()
    assert (path / "deeper" / "file").read_bytes() == b"content"
    assert names(path.parent) == ["run"]
    assert path.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("failure", [KeyboardInterrupt, OSError, ValueError])
def test_a_folder_whose_block_fails_is_not_made(failure: type[BaseException], tmp_path: Path) -> None:
    def fail(path: Path) -> None:
        with directory_atomic(path) as draft:
            (draft / "file").touch()
            raise failure

    with pytest.raises(failure):
        fail(tmp_path / "run")
    assert names(tmp_path) == []


def test_an_interrupt_at_the_last_moment_leaves_no_draft(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "rename", interrupt)
    with pytest.raises(KeyboardInterrupt), directory_atomic(tmp_path / "run"):
        pass
    assert names(tmp_path) == []


def test_what_is_there_is_not_replaced_by_a_folder(tmp_path: Path) -> None:
    write_atomic(tmp_path / "run" / "file", b"first")
    for path in (tmp_path / "run", tmp_path / "run" / "file"):
        with pytest.raises(OSError, match=r"[Dd]irectory"), directory_atomic(path) as draft:
            (draft / "file").write_bytes(b"second")
    assert (tmp_path / "run" / "file").read_bytes() == b"first"
    assert names(tmp_path) == ["run"]
    assert names(tmp_path / "run") == ["file"]


def test_a_refusal_of_the_system_is_a_mistake_of_one_line() -> None:
    with pytest.raises(UserMistake) as caught, writable("folder 'x'"):
        raise OSError(28, "No space left on device")
    said = "folder 'x' cannot be written (No space left on device); allowed: a folder you may write to."
    assert str(caught.value) == said
