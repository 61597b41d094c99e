"""The matrix, with an engine that does nothing: what is placed, what is refused first, what is written."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch

from benchmarks.engines.contract import Begun, Ended, Message, Result, Tell
from benchmarks.engines.matrix import pending, run_matrix
from benchmarks.evaluation.features import extractors
from benchmarks.records import store
from benchmarks.studies.plugins import Sources
from benchmarks.studies.study import RunSpec
from mistakes import UserMistake
from tests.small.records import record_for
from tests.small.specs import specs

SOURCES = Sources(plugins=(Path("mine.py"),))


@dataclass
class Idle:
    """An engine whose records are empty; a row that is called "broken" ends it."""

    data: Path | None = None
    placed: list[RunSpec] = field(default_factory=list)
    closed: bool = False

    def place(self, specs: Sequence[RunSpec], sources: Sources, tell: Tell) -> Generator[Result, None, None]:
        assert sources is SOURCES
        try:
            for index, spec in enumerate(specs):
                self.placed.append(spec)
                tell(Begun(index, len(specs), spec))
                if spec.row == "broken":
                    raise UserMistake("paint 'blue'; allowed: red.")
                yield Result(record_for(spec), {"film.png": b"film"})
                tell(Ended(index))
        finally:
            self.closed = True


def matrix(todo: Sequence[RunSpec], results: Path, engine: Idle) -> list[Message]:
    messages: list[Message] = []
    run_matrix(todo, results, engine, SOURCES, messages.append)
    return messages


def test_what_has_no_record_is_placed_and_written_with_its_files(tmp_path: Path) -> None:
    first, *rest = todo = specs("a", "b", "c")
    matrix([first], tmp_path, Idle())
    assert pending(todo, tmp_path) == rest
    engine = Idle()
    assert matrix(todo, tmp_path, engine) == [Begun(0, 2, rest[0]), Ended(0), Begun(1, 2, rest[1]), Ended(1)]
    assert engine.placed == rest
    assert pending(todo, tmp_path) == []
    assert [file.read_bytes() for file in tmp_path.glob("runs/*/film.png")] == [b"film"] * 3


def test_a_record_is_on_disk_before_its_run_is_over(tmp_path: Path) -> None:
    there: list[int] = []

    def tell(message: Message) -> None:
        if isinstance(message, Ended):
            there.append(len(store.read_all(tmp_path)))

    run_matrix(specs("a", "b"), tmp_path, Idle(), SOURCES, tell)
    assert there == [1, 2]


def test_a_mistake_ends_it_and_finished_runs_are_kept(tmp_path: Path) -> None:
    first, *_ = todo = specs("a", "broken", "c")
    with pytest.raises(UserMistake, match="paint"):
        matrix(todo, tmp_path, Idle())
    assert [record.id for record in store.read_all(tmp_path)] == [first.id]


def test_the_engine_is_closed_where_writing_is_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(store, "write", interrupted)
    engine = Idle()
    with pytest.raises(KeyboardInterrupt):
        matrix(specs("a"), tmp_path, engine)
    assert engine.closed


@pytest.mark.parametrize(
    ("pair", "extractor", "said"),
    [
        ("mnist-usps", "random", "mnist-usps' needs mnist/.* under the data root, which is .*/data;"),
        ("shapes", "squeezenet", "'squeezenet' needs its weights"),
        ("shapes", "inception", "'inception' needs its weights"),
        ("shapes", "timm:resnet10x", "timm has no such model"),
    ],
)
def test_what_is_missing_is_said_before_anything_is_placed(
    pair: str, extractor: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    spec = RunSpec(pair=pair, row="a", scale="smoke", seed=0, extractor=extractor, device="cpu")
    engine = Idle(data=tmp_path / "data")
    with pytest.raises(UserMistake, match=said):
        matrix([*specs("a"), spec], tmp_path / "results", engine)
    assert engine.placed == []


def test_no_extractor_is_loaded_to_see_that_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(*_: object) -> None:
        pytest.fail("loaded")

    for name in extractors.LOADERS:
        monkeypatch.setitem(extractors.LOADERS, name, load)
    engine = Idle()
    matrix(specs("a"), tmp_path, engine)
    assert engine.placed == specs("a")
