"""The records that the speed of tables is measured with."""

from dataclasses import replace
from pathlib import Path

import bench
from benchmarks.records import store
from benchmarks.speed.many_records import write_many
from benchmarks.studies.published import STUDIES, find_study
from benchmarks.studies.runs import runs


def test_many_records_are_those_of_a_study_and_differ(tmp_path: Path) -> None:
    study = find_study(str(write_many(tmp_path, seeds=8)))
    found = store.read_all(tmp_path)
    assert study.rows == STUDIES["simgan-ablation"].rows
    assert {record.id for record in found} == {replace(spec, code={}).id for spec in runs(study, "cpu")}
    assert len({record.scores["error"] for record in found}) == len(found) == 80
    assert bench.main(["tables", str(tmp_path / "many.toml"), "--results", str(tmp_path)]) == 0
    (page,) = (tmp_path / "tables").glob("*digits.md")
    assert page.read_text().count(" 8/8 |") == 10
