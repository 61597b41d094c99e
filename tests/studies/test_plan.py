"""What a plan says of runs to come."""

from pathlib import Path

from benchmarks.records import store
from benchmarks.studies.plan import planned
from tests.small.records import record_for
from tests.small.specs import specs


def test_a_plan_counts_a_shared_run_by_its_share(tmp_path: Path) -> None:
    (spec,) = specs("a")
    times = {"training": 25.0, "evaluation": 5.0}
    record = record_for(spec, seconds=times, host={"jobs": 3})
    store.write(record, {}, tmp_path)
    assert [line.seconds for line in planned([spec], tmp_path)] == [10.0]
