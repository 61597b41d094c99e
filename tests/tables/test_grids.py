"""Every grid of a table: its cells against a naive computation from the records."""

import statistics
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import permutation_test, trim_mean

from benchmarks.records.record import RunRecord
from benchmarks.records.selection import RULES
from benchmarks.statistics.estimates import estimate
from benchmarks.studies.study import Study
from benchmarks.tables.cells import Grid
from benchmarks.tables.table import Table, tables_of
from tests.small.records import record_of, snapshot, step_times

SEEDS = tuple(range(6))
STUDY = Study(
    name="try",
    about="a try",
    pairs=("shapes",),
    rows=("source-only", "simgan", "other", "target-only"),
    seeds=SEEDS,
    scale="smoke",
)
BASES = {"source-only": 60.0, "simgan": 40.0, "other": 30.0, "target-only": 5.0}
RANDOM = np.random.default_rng(0)
VALUES = {row: base + RANDOM.normal(size=6) for row, base in BASES.items()}


def record(row: str, seed: int) -> RunRecord:
    trained = row in ("simgan", "other")
    value = float(VALUES[row][seed])
    curve = [(100, 3.0, 0.1), (200, -2.0, 0.5), (300, 0.0, 0.3)] if trained else [(0, 0.0, 0.2)]
    cost: dict[str, Any] = {
        "settings": {"method": "RefinerGan", "width": row},
        "step_ms": step_times(10.0 + seed + 5 * (row == "other")),
        "parameters": {"refiner": 3 + 4 * (row == "other")},
    }
    return record_of(
        row,
        seed,
        scores={"fid": 2 * value, "error": value, "kid": value / 10, "recall": 0.5, "refinement": 0.25},
        intervals={"fid": [2 * value - 3, 2 * value + 5], "kid": [0.0, 1.0]},
        floor={"images": 48, "fid": 1.5, "kid": -0.25, "recall": 0.9},
        protocol={"extractor": "random-conv", "images": 96, "data": "abc", "source": 96, "test": 96},
        peak_mib=100.0,
        images_per_step=48.0,
        snapshots=tuple(snapshot(step, value + gap, criterion) for step, gap, criterion in curve),
        **cost if trained else {},
    )


RECORDS = [record(row, seed) for seed in SEEDS for row in STUDY.rows]


def made(records: Sequence[RunRecord] = RECORDS, seeds: tuple[int, ...] = SEEDS) -> Table:
    (table,) = tables_of(replace(STUDY, seeds=seeds), records)
    return table


def grid(heading: str, table: Table | None = None) -> Grid:
    (found,) = [one for one in (table or made()).grids if one.heading.startswith(heading)]
    return found


def cell(one: Grid, row: str, column: str, **where: str) -> str:
    for cells in one.cells:
        line = dict(zip(one.columns, cells, strict=True))
        if cells[0] == row and all(line[name] == value for name, value in where.items()):
            return line[column]
    raise AssertionError(f"no line {row} {where}")


def test_scores_stand_beside_the_cost_of_the_component() -> None:
    scores = grid("Scores")
    gaps = VALUES["other"] - VALUES["simgan"]
    number = estimate(gaps.tolist())
    assert number is not None
    assert number.half is not None
    assert cell(scores, "other", "Δ error") == f"{gaps.mean():+.1f} ± {number.half:.1f}"
    assert (
        cell(scores, "other", "Δ ms / step") == "+5.0 ± 0.0" or cell(scores, "other", "Δ ms / step") == "+5.0"
    )
    assert cell(scores, "other", "Δ parameters") == "+4"
    assert cell(scores, "simgan", "Δ ms / step") == cell(scores, "source-only", "Δ ms / step") == ""
    assert "KID" not in "".join(scores.columns)


def test_the_row_that_stands_apart_is_marked_and_bounds_do_not_compete() -> None:
    scores = grid("Scores")
    place = scores.columns.index("target error %")
    assert (2, place) in scores.bold  # "other": 30 against 40, within one of each other
    close = [
        replace(
            one,
            scores={**one.scores, "error": 40 + (one.seed % 3) * (1 + (one.row == "other"))},
        )
        for one in RECORDS
    ]
    marked = grid("Scores", made(close)).bold
    assert not [line for line, column in marked if column == place]


def beside_nothing(error: float) -> list[RunRecord]:
    """Return the records with source-only as the bound that adapts nothing, at about this error."""
    return [
        replace(
            one,
            scores={**one.scores, "error": error + one.seed / 10},
            spec={**one.spec, "settings": {"method": "SourceOnly"}},
        )
        if one.row == "source-only"
        else one
        for one in RECORDS
    ]


def bold_scores(records: Sequence[RunRecord]) -> set[tuple[str, str]]:
    scores = grid("Scores", made(records))
    numbers = {(STUDY.rows[line], scores.columns[place]) for line, place in scores.bold}
    return {(row, title) for row, title in numbers if title not in ("width", "method")}


def test_a_row_worse_than_doing_nothing_is_not_marked() -> None:
    assert ("other", "target error %") in bold_scores(beside_nothing(50.0))
    assert ("other", "target error %") not in bold_scores(beside_nothing(VALUES["other"].mean()))
    assert ("other", "target error %") not in bold_scores(beside_nothing(20.0))


def test_a_row_with_a_failed_run_is_not_marked() -> None:
    broken = [
        replace(one, status="failed", reason="x", scores={}) if (one.row, one.seed) == ("other", 5) else one
        for one in RECORDS
    ]
    assert ("other", "target error %") in bold_scores(RECORDS)
    assert not bold_scores(broken)


def test_a_score_that_doing_nothing_wins_marks_no_row() -> None:
    lost = {"source-only": 0.1, "simgan": 20.0, "other": 10.0}
    found = [replace(one, scores={**one.scores, "label_error": lost.get(one.row)}) for one in RECORDS]
    scores = grid("Scores", made(found))
    assert cell(scores, "other", "labels lost %") == "10.0 ± 0.0"
    assert ("other", "labels lost %") not in bold_scores(found)


def test_the_error_of_a_methods_own_task_model_is_marked() -> None:
    found = [
        replace(one, scores={**one.scores, "own_error": one.scores["error"]}) if one.row == "other" else one
        for one in RECORDS
    ]
    scores = grid("Scores", made(found))
    assert cell(scores, "other", "target error % (†: own model's)").endswith(" †")
    assert cell(scores, "other", "Δ error").endswith(" †")
    assert "†" not in cell(scores, "simgan", "target error % (†: own model's)")
    assert cell(grid("Differences", made(found)), "other", "pairs", score="error †") == "6"
    assert "†" not in "".join(grid("Scores").columns)


def test_chance_of_improvement_needs_two_runs() -> None:
    one_seed = made([one for one in RECORDS if one.seed == 0], seeds=(0,))
    assert "P(better), unpaired" not in grid("Differences", one_seed).columns


def test_differences_equal_naive_statistics() -> None:
    table = grid("Differences to simgan")
    for row in ("source-only", "other", "target-only"):
        gaps = VALUES[row] - VALUES["simgan"]
        wins = [mine < theirs for mine in VALUES[row] for theirs in VALUES["simgan"]]
        where = {"score": "error"}
        assert cell(table, row, "Δ IQM", **where) == f"{trim_mean(gaps, 0.25):+.1f}"
        assert cell(table, row, "P(better), unpaired", **where) == f"{np.mean(wins):.2f}"
        assert cell(table, row, "pairs", **where) == "6"
        low, high = map(float, cell(table, row, "95 % BCa", **where).split(" … "))
        assert low < gaps.mean() < high
    gaps = VALUES["other"] - VALUES["simgan"]
    p = permutation_test(
        (gaps,), statistics.fmean, permutation_type="samples", n_resamples=np.inf, vectorized=False
    ).pvalue
    assert cell(table, "other", "p (Holm)", score="error") == f"{p:.3f}"  # the only candidate
    assert cell(table, "target-only", "p (Holm)", score="error") == ""


def test_under_six_seeds_there_is_neither_p_nor_bootstrap() -> None:
    few = [one for one in RECORDS if one.seed < 5]
    table = grid("Differences", made(few))
    assert {"p (Holm)", "95 % BCa"}.isdisjoint(table.columns)


def test_realism_names_extractor_and_count_and_shows_intervals_over_images() -> None:
    table = grid("Realism")
    assert table.heading == "Realism (random-conv, n=96)"
    assert table.columns == ("method", "FID", "± images", "KID", "± images", "recall")
    assert table.cells[1][2] == "4.0"
    assert table.cells[1][5].startswith("0.50")


def test_small_kernel_distances_keep_their_decimals() -> None:
    small = [
        replace(one, scores={**one.scores, "kid": 0.0123}, intervals={"kid": [0.0103, 0.0143]})
        for one in RECORDS
    ]
    assert grid("Realism", made(small)).cells[1][2:4] == ("0.0123 ± 0.0000", "0.0020")


def test_noise_floor_shows_real_halves_and_the_baselines_seeds_in_halves() -> None:
    table = grid("Noise floor")
    real, seeds = table.cells
    assert real[:3] == ("real test images against other real ones, n=48, not 96 as above", "1.5", "-0.250")
    assert seeds[0] == "simgan, seeds 0–2 less seeds 3–5"
    gap = VALUES["simgan"][:3].mean() - VALUES["simgan"][3:].mean()
    assert dict(zip(table.columns, seeds, strict=True))["error"] == f"{gap:+.1f}"
    assert dict(zip(table.columns, seeds, strict=True))["FID"] == f"{2 * gap:+.1f}"
    assert "error" in table.columns
    assert real[table.columns.index("error")] == ""


def test_without_snapshots_or_floors_there_are_no_such_grids() -> None:
    old = [replace(one, snapshots=(), floor={}, intervals={}) for one in RECORDS if one.seed < 3]
    headings = [one.heading.split()[0] for one in made(old, (0, 1, 2)).grids]
    assert headings == ["Scores", "Differences", "Realism", "Images", "Costs"]
    assert made(old).selection is None
    assert "± images" not in grid("Realism", made(old)).columns


# ---- rules of choice


def test_every_rule_has_its_column_and_its_table() -> None:
    overview = grid("Target error % of the row's own model")
    assert overview.columns == ("method", *RULES)
    means = {row: VALUES[row].mean() for row in STUDY.rows}
    shifts = {
        "last": 0.0,
        "source-validation": 3.0,
        "entropy": 3.0,
        "information": -2.0,
        "snd": 3.0,
        "oracle": -2.0,
    }
    for rule, shift in shifts.items():
        assert cell(overview, "simgan", rule).startswith(f"{means['simgan'] + shift:.1f} ± ")
        assert cell(overview, "source-only", rule).startswith(f"{means['source-only']:.1f} ± ")
    table = made(RECORDS).selection
    assert table is not None
    assert table.name == "try--shapes--selection"
    assert [one.heading.split(":")[0] for one in table.grids] == list(RULES)
    picked = table.frame[(table.frame["rule"] == "oracle") & (table.frame["method"] == "other")]
    assert list(picked["step"]) == [200] * 6
    assert list(picked["error %"]) == pytest.approx(VALUES["other"] - 2)
    assert list(picked["run"]) == [f"other-{seed}" for seed in SEEDS]


def test_rule_whose_criterion_no_record_has_stays_blank() -> None:
    old = [
        replace(one, snapshots=tuple({"step": c["step"], "error": c["error"]} for c in one.snapshots))
        for one in RECORDS
    ]
    overview = grid("Target error % of the row's own model", made(old))
    assert cell(overview, "simgan", "snd") == ""
    assert cell(overview, "simgan", "oracle") != ""


def test_table_of_a_rule_tells_step_error_and_differences() -> None:
    table = made(RECORDS).selection
    assert table is not None
    one = grid("information", table)
    assert cell(one, "other", "step") == "200 ± 0"
    assert cell(one, "other", "Δ to last") == "-2.0 ± 0.0"
    gaps = VALUES["other"] - VALUES["simgan"]
    assert cell(one, "other", "Δ to simgan").startswith(f"{gaps.mean():+.1f} ± ")
    assert cell(one, "source-only", "step") == "0 ± 0"
    assert cell(one, "simgan", "Δ to simgan") == ""


# ---- failed runs, and where numbers come from


def test_failed_runs_are_bounded_by_the_worst_case() -> None:
    broken = [
        replace(one, status="diverged", reason="nan", scores={}, protocol={}, snapshots=())
        if one.id in ("other-1", "other-4")
        else one
        for one in RECORDS
    ]
    table = made(broken)
    left = [VALUES["other"][seed] for seed in (0, 2, 3, 5)]
    bound = (sum(left) + 200) / 6
    (note,) = [note for note in table.notes if "were the others" in note]
    assert note.startswith(f"other: 4 of 6 runs done; error would be {bound:.1f} ")


def test_every_number_can_be_traced_to_runs() -> None:
    table = made()
    runs = pd.DataFrame(table.runs)
    assert list(runs["run"]) == sorted(one.id for one in RECORDS)
    for row in STUDY.rows:
        mine = runs[runs["method"] == row]["error"]
        line = table.frame[table.frame["method"] == row].iloc[0]
        assert line["target error % mean"] == pytest.approx(mine.mean())
        assert line["target error % IQM"] == pytest.approx(trim_mean(mine, 0.25))
        assert line["target error % BCa low"] < mine.mean() < line["target error % BCa high"]


def test_rows_with_the_same_blanks_share_a_note() -> None:
    blank = [replace(one, blanks={"lpips_spread": "no weights"}) for one in RECORDS]
    assert [note for note in made(blank).notes if "no weights" in note] == [
        "source-only, simgan, other, target-only: no LPIPS of images: no weights"
    ]
