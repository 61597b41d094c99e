"""A study's table from its records, and the published tables, byte for byte."""

import math
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

import bench
from benchmarks.records import store
from benchmarks.records.record import RunRecord
from benchmarks.studies.published import STUDIES
from benchmarks.studies.study import Study
from benchmarks.tables import formats
from benchmarks.tables.table import Table, studies_in, tables_of
from mistakes import UserMistake
from tests.small.records import record_of, step_times

RESULTS = Path(__file__).parents[2] / "results"
PUBLISHED = sorted({path.name.partition("--")[0] for path in (RESULTS / "tables").glob("*.md")})
STUDY = Study(
    name="try",
    about="a try",
    pairs=("shapes",),
    rows=("source-only", "simgan", "simgan-nohist"),
    seeds=(0, 1, 2),
    scale="smoke",
)
SETTINGS: dict[str, dict[str, object]] = {
    "source-only": {"method": "SourceOnly"},
    "simgan": {"method": "RefinerGan", "history": "History", "history.batches": 2, "width": 8},
    "simgan-nohist": {"method": "RefinerGan", "history": None, "width": 8},
}


def records() -> list[RunRecord]:
    protocol = {
        "extractor": "random-conv",
        "images": 96,
        "data": "abc",
        "source": 96,
        "target": 96,
        "test": 96,
    }
    trained = {"step_ms": step_times(10.0), "parameters": {"refiner": 3}}
    shifts = {"source-only": 4.0, "simgan": 0.0, "simgan-nohist": 1.0}
    return [
        record_of(
            row,
            seed,
            settings=SETTINGS[row],
            scores={"fid": 10.0 + 3 * seed + shift, "error": 50.0 - seed + shift},
            protocol=protocol,
            images_per_step=48.0,
            seconds={"evaluation": 1.0},
            **{} if row == "source-only" else trained,
        )
        for row, shift in shifts.items()
        for seed in (0, 1, 2)
    ]


def only(found: list[RunRecord]) -> Table:
    (table,) = tables_of(STUDY, found)
    return table


def cell(table: Table, row: str, column: str) -> str:
    line = next(cells for cells in table.grids[0].cells if cells[0] == row)
    return line[table.grids[0].columns.index(column)]


def test_cells_hold_mean_interval_and_paired_difference() -> None:
    table = only(records())
    assert cell(table, "simgan", "FID (random-conv, n=96)") == "13.0 ± 7.5"  # t(0.975, 2) · 3 / √3 = 7.45
    assert cell(table, "simgan-nohist", "Δ FID") == "+1.0 ± 0.0"
    assert cell(table, "source-only", "Δ error") == "+4.0 ± 0.0"
    assert cell(table, "simgan", "Δ FID") == ""
    assert cell(table, "simgan", "runs") == "3/3"


def test_difference_uses_only_seeds_that_both_rows_have() -> None:
    found = [record for record in records() if record.id != "simgan-0"]
    table = only(found)
    assert cell(table, "simgan-nohist", "Δ FID") == "+1.0 ± 0.0"
    assert cell(table, "simgan", "runs") == "2/3"


def test_columns_come_from_the_settings_that_vary() -> None:
    table = only(records())
    assert table.grids[0].columns[:3] == ("method", "history", "FID (random-conv, n=96)")
    assert [cell(table, row, "history") for row in STUDY.rows] == ["", "History", "–"]
    assert {(2, 1)} == table.grids[0].bold


def test_costs_show_median_with_quartiles_and_images_per_second() -> None:
    table = only(records())
    line = dict(zip(table.grids[-1].columns, table.grids[-1].cells[1], strict=True))
    assert line["ms / step [quartiles]"] == "10.0 [9.0, 12.0]"
    assert line["images / s"] == "4800"


def test_failed_runs_are_counted_and_explained() -> None:
    found = records()
    bad = found.index(next(record for record in found if record.id == "simgan-nohist-1"))
    found[bad] = replace(
        found[bad], status="diverged", reason="content is no longer finite", scores={}, protocol={}
    )
    table = only(found)
    assert cell(table, "simgan-nohist", "runs") == "2/3"
    assert "simgan-nohist, seed 1: diverged: content is no longer finite" in table.notes


def test_a_row_without_finished_runs_has_its_worst_case() -> None:
    found = [
        replace(one, status="failed", reason="x", scores={}, protocol={})
        if one.row == "simgan-nohist"
        else one
        for one in records()
    ]
    worst = "simgan-nohist: 0 of 3 runs done; error would be 100.0 were the others as bad as can be"
    assert worst in only(found).notes
    assert len([note for note in only(found).notes if note.startswith("simgan-nohist: 0 of 3")]) == 1


def test_numbers_of_a_row_with_failed_runs_are_said_to_be_of_the_others() -> None:
    found = [
        replace(one, status="failed", reason="x", scores={}, protocol={}) if one.id == "simgan-1" else one
        for one in records()
    ]
    assert "simgan: every mean, difference and P(better) is of its finished runs alone" in only(found).notes


def test_an_outdated_study_says_so_in_every_heading() -> None:
    old = replace(STUDY, outdated="the moon was in the way")
    (table,) = tables_of(old, records())
    assert table.title == "try (outdated): shapes"
    assert table.about.startswith("Outdated until it is run anew: the moon was in the way. A try.")
    assert table.name == "try--shapes"
    assert only(records()).title == "try: shapes"
    assert "utdated" not in only(records()).about


def test_few_seeds_have_no_bootstrap_interval_in_the_columns() -> None:
    columns = only(records()).columns
    assert set(columns["target error % BCa low"]) == {None}
    assert columns["target error % IQM"] == [53.0, 49.0, 50.0]


def test_a_row_without_records_stays_a_row() -> None:
    table = only([record for record in records() if record.row != "simgan-nohist"])
    assert cell(table, "simgan-nohist", "runs") == "0/3"


def test_two_machines_never_share_a_table() -> None:
    found = records()
    other = [replace(record, host={"device": "another CPU", "threads": 2}) for record in found]
    tables = tables_of(STUDY, found + other)
    assert [table.name for table in tables] == ["try--shapes--1", "try--shapes--2"]


def test_runs_that_shared_a_machine_have_a_table_that_says_so() -> None:
    found = records()
    shared = [replace(record, host={**record.host, "jobs": 3}) for record in found]
    alone, together = tables_of(STUDY, found + shared)
    assert "a CPU (2 threads); " in alone.about
    assert "a CPU (2 threads, 3 runs at a time); " in together.about
    assert [table.grids[-1].heading for table in (alone, together)] == ["Costs", "Costs, 3 runs at a time"]


def test_two_settings_under_one_name_are_refused() -> None:
    found = records()
    spec = {**found[-1].spec, "settings": {**SETTINGS["simgan-nohist"], "width": 9}}
    with pytest.raises(UserMistake, match="two different settings"):
        tables_of(STUDY, [*found[:-1], replace(found[-1], spec=spec)])


def test_two_budgets_under_one_name_are_refused() -> None:
    found = records()
    spec = {**found[-1].spec, "budget": {"steps": 99, "task_steps": 20}}
    with pytest.raises(UserMistake, match="two different settings or budgets"):
        tables_of(STUDY, [*found[:-1], replace(found[-1], spec=spec)])


def test_a_bound_whose_runs_all_failed_is_no_baseline() -> None:
    failed = [
        replace(one, status="failed", reason="x", scores={}, protocol={}) if one.row == "source-only" else one
        for one in records()
    ]
    assert cell(only(failed), "simgan-nohist", "Δ FID") == "+1.0 ± 0.0"


def test_two_data_sets_under_one_name_are_refused() -> None:
    found = records()
    found[-1] = replace(found[-1], protocol={**found[-1].protocol, "data": "xyz"})
    with pytest.raises(UserMistake, match="different data"):
        tables_of(STUDY, found)


def test_order_of_records_does_not_matter() -> None:
    assert formats.markdown(only(records())) == formats.markdown(only(records()[::-1]))
    assert formats.csv(only(records()).columns) == formats.csv(only(records()[::-1]).columns)


def test_all_rows_of_a_folder_make_a_study() -> None:
    (study,) = studies_in(records())
    assert study.rows == ("simgan", "simgan-nohist", "source-only")
    assert study.seeds == (0, 1, 2)


def test_markdown_escapes_bars_and_latex_its_signs() -> None:
    table = only(records())
    columns = (*table.grids[0].columns[:-1], "mean |R(x) − x| %_&")
    table = replace(table, grids=(replace(table.grids[0], columns=columns),))
    assert "mean \\|R(x) − x\\|" in formats.markdown(table)
    assert r"mean \textbar{}R(x) $-$ x\textbar{} \%\_\&" in formats.latex(table)


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex on this machine")
def test_latex_compiles(tmp_path: Path) -> None:
    tables = "\n\n".join(path.read_text() for path in sorted((RESULTS / "tables").glob("*.tex")))
    preamble = (
        r"\documentclass{article}\usepackage[paperwidth=9in,paperheight=9in]{geometry}\usepackage{booktabs}"
    )
    (tmp_path / "all.tex").write_text(
        "\n".join([preamble, r"\begin{document}", tables, r"\end{document}"]), encoding="utf-8"
    )
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Missing character" not in done.stdout


def test_numbers_are_written_as_pandas_would() -> None:
    columns = {
        "method": ["a, b", 'c "d"', "e"],
        "count": [1, 2, 3],
        "value": [1 / 3, None, -1e-9],
        "large": [123456789.0, 2.0, math.inf],
        "nothing": [None, None, None],
    }
    expected = pd.DataFrame(columns).to_csv(index=False, float_format="%.6g", lineterminator="\n")
    assert formats.csv(columns) == expected


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_studies_are_whole(name: str) -> None:
    study, found = STUDIES[name], store.read_all(RESULTS)
    done = {tuple(record.spec[key] for key in ("pair", "row", "seed")) for record in found}
    assert done >= {(pair, row, seed) for pair in study.pairs for row in study.rows for seed in study.seeds}


def kept(folder: Path) -> dict[str, bytes]:
    """Return the files of tables that the repository keeps: all but HTML."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".html"}


def test_published_tables_come_out_byte_for_byte(tmp_path: Path) -> None:
    shutil.copytree(RESULTS / "runs", tmp_path / "runs")
    assert bench.main(["tables", "--results", str(tmp_path)]) == 0
    assert kept(tmp_path / "tables") == kept(RESULTS / "tables")


def test_published_records_are_of_the_code_as_it_stands_or_said_to_be_outdated() -> None:
    from benchmarks.studies.runs import runs

    found = {record.id: record for record in store.read_all(RESULTS)}
    for name in PUBLISHED:
        assert STUDIES[name].outdated or {spec.id for spec in runs(STUDIES[name], "cpu")} <= set(found)


@pytest.mark.parametrize("name", sorted({pair for study in PUBLISHED for pair in STUDIES[study].pairs}))
def test_published_records_are_of_the_data_as_it_loads(name: str) -> None:
    from datasets.catalogue import PAIRS, load_pair

    root = Path(os.environ["BENCH_DATA"]) if "BENCH_DATA" in os.environ else None
    if missing := PAIRS[name].missing(root):
        pytest.skip(f"BENCH_DATA holds no {missing[0]}")
    pair = load_pair(name, root)
    protocols = [record.protocol for record in store.read_all(RESULTS) if record.pair == name]
    if pair.identity != protocols[0].get("identity", ""):
        pytest.skip(f"BENCH_DATA holds another edition: {pair.identity}")
    assert {protocol["data"] for protocol in protocols} == {pair.fingerprint}


def test_readme_shows_the_published_table() -> None:
    page = (RESULTS / "tables" / "simgan-ablation--fonts-digits.md").read_text()
    grid = page.split("## Scores\n\n")[1].split("\n\n## ")[0]
    assert grid in (RESULTS.parent / "README.md").read_text()
