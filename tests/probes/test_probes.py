"""Probes give rows that fill their tables, the same at every call; a seed is measured once."""

from collections.abc import Iterator
from math import isfinite, sqrt
from pathlib import Path

import pytest

from benchmarks.probes import __main__ as command
from benchmarks.probes.catalogue import PROBES, find_probe
from benchmarks.probes.probe import Probe, Row, grid
from mistakes import UserMistake

measured: list[int] = []


def doubled(seed: int, quick: bool) -> Iterator[Row]:
    measured.append(seed)
    yield {"step": 1, "loss": 2.0 * seed}
    yield {"step": 2, "loss": 0.5}


TOY = Probe(name="toy", question="Is it?", cases={"step": "step"}, values={"loss": "loss"}, measure=doubled)


@pytest.mark.parametrize("name", PROBES)
def test_a_probe_fills_its_table_the_same_way_twice(name: str) -> None:
    probe = find_probe(name)
    assert probe.name == name
    rows, again = (list(probe.measure(0, True)) for _ in range(2))
    assert rows
    assert rows == again
    for row in rows:
        assert set(row) == {*probe.cases, *probe.values}
        assert all(isfinite(float(row[value])) for value in probe.values)
    cases = [tuple(row[case] for case in probe.cases) for row in rows]
    assert len(set(cases)) == len(cases)


def test_a_line_is_the_mean_over_seeds() -> None:
    rows = [{"seed": str(seed), **row} for seed in (0, 1) for row in doubled(seed, True)]
    half = 12.706 * sqrt(2) / sqrt(2)  # t of one degree of freedom times s / √n
    assert grid(TOY, rows).cells == (("1", f"1.000 ± {half:.3f}"), ("2", "0.500 ± 0.000"))


def test_a_seed_is_measured_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "PROBES", ("toy",))
    monkeypatch.setattr(command, "find_probe", lambda name: TOY)
    measured.clear()
    command.main(tmp_path, seeds="2")
    command.main(tmp_path, seeds="0,1,2")
    assert measured == [0, 1, 2]
    assert (tmp_path / "toy.csv").read_text().splitlines()[:3] == ["seed,step,loss", "0,1,0", "0,2,0.5"]
    assert "seeds 0, 1, 2" in (tmp_path / "toy.md").read_text()


def test_an_unknown_probe_names_the_nearest() -> None:
    with pytest.raises(UserMistake, match="unknown probe 'toy'"):
        find_probe("toy")
