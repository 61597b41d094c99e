"""Which records stand in one table: one code a row, one machine unless pooled, and notes on all that is mixed."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import bench
from benchmarks.figures.catalogue import drawn
from benchmarks.records import store
from benchmarks.records.record import FAILED, RunRecord
from benchmarks.report.page import page
from benchmarks.studies.published import STUDIES
from benchmarks.studies.study import Study
from benchmarks.tables.changes import Verdict
from benchmarks.tables.comparable import comparisons
from benchmarks.tables.summary import summarise
from benchmarks.tables.table import Table, tables_of
from benchmarks.tables.verdicts import compare_records
from tests.small.records import record_of, snapshot, step_times

ROWS = ("source-only", "simgan", "simgan-nohist")
STUDY = Study(name="try", about="a try", pairs=("shapes",), rows=ROWS, seeds=(0, 1, 2), scale="smoke")
OLD, NEW = (
    {"harness": f"{age} harness", "method": f"{age} method", "pair": "pair"} for age in ("old", "new")
)
AVX2, AVX512 = ({"device": "AMD EPYC", "threads": 1, "instructions": name} for name in ("AVX2", "AVX512"))


def run_of(
    row: str, seed: int, error: float = 40.0, code: dict[str, str] | None = None, **parts: Any
) -> RunRecord:
    """Return a run with an error; ``code`` is that of its spec."""
    usual: dict[str, Any] = {
        "id": f"{row}-{seed}-{error}-{parts}",
        "settings": {"method": "SourceOnly" if row == "source-only" else "RefinerGan", "row": row},
        "scores": {"fid": 3 * error, "error": error},
        "step_ms": {} if row == "source-only" else step_times(10.0),
        "seconds": {"training": 2.0},
        "peak_mib": 5.0,
    }
    made = record_of(row, seed, **usual | parts)
    return replace(made, spec={**made.spec, "code": code}) if code else made


def all_rows(error: float = 40.0, code: dict[str, str] | None = None, **parts: Any) -> list[RunRecord]:
    return [run_of(row, seed, error + seed, code, **parts) for row in ROWS for seed in STUDY.seeds]


def only(records: list[RunRecord], pool: bool = False) -> Table:
    (table,) = tables_of(STUDY, records, pool)
    return table


def column(table: Table, title: str) -> dict[str, Any]:
    return dict(zip(table.columns["method"], table.columns[title], strict=True))


# ---- one code


def test_the_newest_code_of_a_row_is_taken_and_never_a_mean_over_two() -> None:
    old = all_rows(80.0, OLD, created="2026-01-01")
    new = [run_of(row, 0, 40.0, NEW, created="2026-01-02") for row in ROWS]
    table = only([*new, *old])
    assert column(table, "target error % mean") == dict.fromkeys(ROWS, 40.0)
    assert column(table, "runs") == dict.fromkeys(ROWS, 1)
    assert table.notes == ("left out: 9 older runs of other code (source-only, simgan, simgan-nohist)",)


def test_records_without_code_are_one_older_code() -> None:
    table = only([*all_rows(80.0, created="2026-01-01"), *all_rows(40.0, NEW, created="2026-01-02")])
    assert column(table, "target error % mean") == dict.fromkeys(ROWS, 41.0)
    assert column(only(all_rows(80.0)), "target error % mean") == dict.fromkeys(ROWS, 81.0)


def test_a_default_that_changed_with_the_code_is_no_mistake() -> None:
    old = [
        replace(one, spec={**one.spec, "settings": {"method": "RefinerGan", "rate": 2}}) for one in all_rows()
    ]
    assert column(only([*old, *all_rows(40.0, NEW, created="2026")]), "runs") == dict.fromkeys(ROWS, 3)


def test_rows_of_two_harnesses_are_not_compared() -> None:
    records = all_rows(80.0, OLD, created="2026-01-01")
    records += [run_of("simgan", seed, 40.0, NEW, created="2026-01-02") for seed in STUDY.seeds]
    before, after = tables_of(STUDY, sorted(records, key=lambda record: record.created))
    assert (before.name, after.name) == ("try--shapes--1", "try--shapes--2")
    assert column(before, "runs") == {"source-only": 3, "simgan": 0, "simgan-nohist": 3}
    assert column(after, "runs") == {"source-only": 0, "simgan": 3, "simgan-nohist": 0}
    assert before.notes == (
        "one of 2 tables, since runs differ in code of harness (old harness, new harness)",
    )
    assert after.notes == ("left out: 3 older runs of other code (simgan)", *before.notes)


def test_rows_of_one_class_with_two_codes_say_so() -> None:
    records = all_rows(80.0, OLD, created="2026-01-01")
    edited = {**OLD, "method": "new method"}
    records += [run_of("simgan", seed, 40.0, edited, created="2026-01-02") for seed in STUDY.seeds]
    assert (
        "runs differ in code of RefinerGan: new method (simgan); old method (simgan-nohist)"
        in only(records).notes
    )


def test_an_edited_checkout_is_judged_against_the_one_before() -> None:
    before, after = all_rows(80.0, OLD), all_rows(40.0, NEW)
    found = compare_records(
        [*all_rows(20.0, created=""), *[replace(one, created="2026") for one in before]], after
    )
    assert Verdict.OTHER_SETTINGS not in {line.verdict for line in found.lines}
    errors = [line.cell for line in found.lines if line.cell.score == "error"]
    assert {cell.before for cell in errors} == {(80.0, 81.0, 82.0)}


# ---- mixed versions


def test_commits_and_versions_that_differ_are_named() -> None:
    records = [
        replace(
            one,
            commit="b" if one.row == "simgan" and one.seed else "a",
            versions={"torch": "1.13" if one.row == "source-only" else "2.15", "plugin mine.py": one.id},
        )
        for one in all_rows()
    ]
    assert only(records).notes == (
        "runs differ in commit: a (source-only, simgan 0, simgan-nohist); b (simgan 1, 2)",
        "runs differ in torch: 1.13 (source-only); 2.15 (simgan, simgan-nohist)",
    )


def test_a_published_table_names_its_commits() -> None:
    study = STUDIES["pixelda-table"]
    (one,) = comparisons(study, store.read_all(Path(__file__).parents[2] / "results", curves=False))
    assert [note[:24] for note in one.notes] == ["runs differ in commit: 0"]
    assert "dann 0, 1" in one.notes[0]


# ---- machines


def test_two_instruction_sets_are_two_machines() -> None:
    one, two = tables_of(STUDY, [*all_rows(40.0, host=AVX2), *all_rows(20.0, host=AVX512)])
    assert "AMD EPYC (1 threads, AVX2); " in one.about
    why = "one of 2 tables, since runs differ in instructions (AVX2, AVX512); --pool takes scores of machines together"
    assert one.notes == two.notes == (why,)


def test_an_earlier_record_is_of_another_machine_than_one_that_says_more() -> None:
    records = [*all_rows(40.0, host={"device": "AMD EPYC", "threads": 1}), *all_rows(20.0, host=AVX2)]
    assert "instructions (not recorded, AVX2)" in tables_of(STUDY, records)[0].notes[0]


def split() -> list[RunRecord]:
    """Return runs of which one seed was done on another machine, whose errors are 30 higher for every row."""
    gains = {"source-only": 5.0, "simgan": 0.0, "simgan-nohist": 2.0}
    return [
        run_of(row, seed, 40.0 + seed + gain + 30 * (seed == 1), host=AVX512 if seed == 1 else AVX2)
        for row, gain in gains.items()
        for seed in STUDY.seeds
    ]


def test_pooled_machines_are_one_table_with_every_run() -> None:
    assert [column(table, "runs")["simgan"] for table in tables_of(STUDY, split())] == [2, 1]
    table = only(split(), pool=True)
    assert table.name == "try--shapes"
    assert column(table, "target error % mean") == {
        "source-only": 56.0,
        "simgan": 51.0,
        "simgan-nohist": 53.0,
    }
    assert table.grids[0].cells[1][-1] == "3/3"
    assert (
        "2 machines pooled, differences taken within a machine: AMD EPYC (1 threads, AVX2); AMD EPYC"
        in table.about
    )


def test_pooled_differences_are_taken_within_a_machine() -> None:
    both = [*all_rows(40.0, host=AVX2), *(run_of(row, 0, 70.0, host=AVX512) for row in ROWS[:2])]
    table = only([*both, run_of("simgan-nohist", 1, 90.0, host=AVX512)], pool=True)
    assert column(table, "Δ error mean") == {
        "source-only": 0.0,
        "simgan": None,
        "simgan-nohist": 0.0,
    }
    assert column(table, "Δ error n") == {"source-only": 4, "simgan": 0, "simgan-nohist": 3}
    assert [cells[-1] for cells in table.grids[0].cells] == ["4/4", "4/4", "4/4"]


def test_costs_are_never_pooled() -> None:
    table = only(split(), pool=True)
    for name in ("step_ms", "training", "peak_mib"):
        assert column(table, f"{name} mean") == dict.fromkeys(ROWS)
    assert all(not record.step_ms and not record.seconds for record in table.records)
    whole = only(all_rows(40.0, host=AVX2), pool=True)
    assert column(whole, "step_ms mean")["simgan"] == 10.0


def test_pooled_snapshots_are_chosen_run_by_run() -> None:
    runs = [
        replace(one, snapshots=(snapshot(6, 50.0), snapshot(12, one.scores["error"] or 0))) for one in split()
    ]
    runs[0] = replace(runs[0], status=FAILED, reason="x", scores={}, protocol={})
    selection = only(runs, pool=True).selection
    assert selection
    assert sorted(set(zip(selection.columns["method"], selection.columns["seed"], strict=True))) == [
        (row, seed) for row in sorted(ROWS) for seed in STUDY.seeds if (row, seed) != ("source-only", 0)
    ]


def test_a_row_whose_seeds_are_spread_over_machines_plans_each_once() -> None:
    (one,) = comparisons(STUDY, split()[:-1], pool=True)
    assert summarise(STUDY, one.records).planned == dict.fromkeys(ROWS, 3)


def test_figures_and_page_take_machines_together_without_costs(tmp_path: Path) -> None:
    (one,) = comparisons(STUDY, split(), pool=True)
    assert [name for name, _ in drawn(STUDY, one.records, tmp_path)] == ["scores", "differences", "fid-error"]
    text = page([(STUDY, split())], tmp_path, pool=True)
    assert "2 machines pooled" in text
    assert "Costs of" not in text


@pytest.mark.parametrize(("options", "count"), [([], 2), (["--pool"], 1)])
def test_the_command_pools_on_request(
    options: list[str], count: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, record in enumerate(split()):
        store.write(
            replace(record, id=f"shapes--{record.row}--smoke--s{record.seed}--{number}"), {}, tmp_path
        )
    assert bench.main(["tables", "--results", str(tmp_path), *options]) == 0
    out = capsys.readouterr().out
    assert out.count("all-smoke: shapes") == count
    assert ("one of 2 tables" in out) == (count == 2)
