"""The records that the speed of tables is measured with."""

from pathlib import Path

import bench
from benchmarks.records import store
from benchmarks.speed.many_records import write_many
from benchmarks.studies.published import STUDIES, find_study
from benchmarks.studies.runs import runs
from benchmarks.studies.study import RunSpec


def test_many_records_are_those_of_a_study_and_differ(tmp_path: Path) -> None:
    study = find_study(str(write_many(tmp_path, seeds=8)))
    found = store.read_all(tmp_path)
    assert study.rows == STUDIES["simgan-ablation"].rows
    planned = {(spec.pair, spec.row, spec.seed) for spec in runs(study, "cpu")}
    assert {(record.pair, record.row, record.seed) for record in found} == planned
    assert all(RunSpec(**record.spec).id == record.id for record in found)
    assert len({record.scores["error"] for record in found}) == len(found) == 80
    assert bench.main(["tables", str(tmp_path / "many.toml"), "--results", str(tmp_path)]) == 0
    (page,) = (tmp_path / "tables").glob("*digits.md")
    assert page.read_text().count(" 8/8 |") == 10
