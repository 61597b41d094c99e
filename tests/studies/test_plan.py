"""What a plan says of runs to come."""

from dataclasses import replace
from pathlib import Path

from benchmarks.records import store
from benchmarks.studies.plan import planned, stale, total
from tests.small.records import record_for
from tests.small.specs import specs


def test_a_plan_counts_a_shared_run_by_its_share(tmp_path: Path) -> None:
    (spec,) = specs("a")
    times = {"training": 25.0, "evaluation": 5.0}
    record = record_for(spec, seconds=times, host={"jobs": 3})
    store.write(record, {}, tmp_path)
    assert [line.seconds for line in planned([spec], tmp_path)] == [10.0]


def test_a_recorded_run_of_other_code_is_stale_and_done_again(tmp_path: Path) -> None:
    before, after, other = specs("a", "b", "c")
    old = replace(before, code={"harness": "1"})
    for record in (record_for(old), record_for(other), record_for(replace(old, device="cuda"))):
        store.write(record, {}, tmp_path)
    new = replace(before, code={"harness": "2"}, settings={"rate": 2})
    todo = [new, after, other]
    assert stale(todo, tmp_path) == {new.id: (old.id,)}
    lines = planned(todo, tmp_path)
    assert [line.state for line in lines] == [
        "to run again: its record is of other code",
        "to run",
        "recorded",
    ]
    assert total(lines).endswith("; 1 of them again, since their records are of other code; these are kept.")
    store.write(record_for(new), {}, tmp_path)
    assert stale(todo, tmp_path) == {}


def test_a_run_with_other_settings_or_a_reproducible_one_is_not_stale(tmp_path: Path) -> None:
    (spec,) = specs("a")
    store.write(record_for(spec), {}, tmp_path)
    assert stale([replace(spec, settings={"rate": 2})], tmp_path) == {}
    assert stale([replace(spec, reproducible=True, code={"harness": "2"})], tmp_path) == {}
