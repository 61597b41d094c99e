"""The engines there are, and how one is made by name."""

from pathlib import Path

import pytest

from benchmarks.engines.contract import ENGINES, Engine, make_engine
from benchmarks.engines.local import Local
from mistakes import UserMistake


def test_engines_are_made_by_name() -> None:
    assert make_engine("local", 3, Path("data")) == Local(jobs=3, data=Path("data"))


@pytest.mark.parametrize("name", ENGINES)
def test_every_engine_knows_its_data_and_can_place(name: str) -> None:
    engine: Engine = make_engine(name, 1, Path("data"))
    assert engine.data == Path("data")
    assert callable(engine.place)


def test_unknown_engines_are_refused() -> None:
    with pytest.raises(
        UserMistake, match=r"^unknown engine 'lokal'; allowed: local\. Did you mean 'local'\?$"
    ):
        make_engine("lokal", 1, None)
