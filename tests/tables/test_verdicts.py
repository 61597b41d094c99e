"""Two folders of records compared: what changed beyond noise, and how sure that is."""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.stats

import bench
from benchmarks.records import store
from benchmarks.records.record import FAILED, RunRecord
from benchmarks.tables.changes import Verdict
from benchmarks.tables.verdicts import (
    FAMILY_ERROR,
    MIN_TIME_RATIO,
    REGRESSIONS,
    Comparison,
    JudgedCell,
    compare_records,
)
from tests.small.records import record_of, step_times

Change = Callable[[RunRecord], RunRecord]


def run_of(row: str, seed: int, scores: dict[str, float], median: float | None = None) -> RunRecord:
    times = {} if median is None else step_times(median)
    return record_of(row, seed, settings={"rate": 1e-3}, scores=scores, step_ms=times)


def folder(count: int = 5, rows: Sequence[str] = ("simgan", "dann")) -> list[RunRecord]:
    """Return runs with scores that grow with the seed, on several rows."""
    return [
        run_of(row, seed, {"fid": 20.0 + seed, "error": 40.0 - seed, "refinement": 0.2}, 10.0 + seed / 10)
        for row in rows
        for seed in range(count)
    ]


def with_change(found: list[RunRecord], change: Change, row: str = "simgan") -> list[RunRecord]:
    return [change(record) if record.row == row else record for record in found]


def scored(name: str, shift: Callable[[int], float]) -> Change:
    """Return a change that adds to a score what ``shift`` gives for the seed."""

    def change(record: RunRecord) -> RunRecord:
        value = record.scores[name]
        assert value is not None
        return replace(record, scores={**record.scores, name: value + shift(record.seed)})

    return change


def slowed(factor: Callable[[int], float]) -> Change:
    return lambda record: replace(
        record, step_ms={**record.step_ms, "median": record.step_ms["median"] * factor(record.seed)}
    )


def respecified(**parts: Any) -> Change:
    return lambda record: replace(record, spec={**record.spec, **parts})


def failed(record: RunRecord) -> RunRecord:
    return replace(record, status=FAILED, reason="out of paint", scores={}, protocol={}, step_ms={})


def line_of(found: Comparison, score: str, row: str = "simgan") -> JudgedCell:
    (line,) = [line for line in found.lines if (line.cell.row.row, line.cell.score) == (row, score)]
    return line


def shaky(seed: int) -> float:
    return (-1) ** seed * (1 + seed)


STEADY = (0.9, 1.1, 1.0, 0.95, 1.05)
VERDICTS: dict[str, tuple[Change, str, Verdict]] = {
    "higher FID": (scored("fid", lambda seed: 5 * STEADY[seed]), "fid", Verdict.WORSE),
    "lower error": (scored("error", lambda seed: -5 * STEADY[seed]), "error", Verdict.BETTER),
    "noise": (scored("fid", shaky), "fid", Verdict.NOISE),
    "equal change without spread": (scored("fid", lambda _: 0.01), "fid", Verdict.WORSE),
    "rounding without spread": (scored("fid", lambda _: 1e-4), "fid", Verdict.NOISE),
    "slower": (slowed(lambda seed: 1 + 0.3 * STEADY[seed]), "step_ms", Verdict.SLOWER),
    "faster": (slowed(lambda seed: 1 / (1 + 0.3 * STEADY[seed])), "step_ms", Verdict.FASTER),
    "steadily a little slower": (slowed(lambda seed: 1 + 0.04 * STEADY[seed]), "step_ms", Verdict.NOISE),
    "now and then slower": (slowed(lambda seed: 2.0 if seed == 3 else 1.0), "step_ms", Verdict.NOISE),
    "other threads": (
        lambda record: replace(record, host={"device": "a CPU", "threads": 8}),
        "step_ms",
        Verdict.OTHER_MACHINE,
    ),
    "other jobs": (
        lambda record: replace(record, host={**record.host, "jobs": 2}),
        "step_ms",
        Verdict.OTHER_MACHINE,
    ),
    "runs lost": (lambda r: failed(r) if r.seed > 2 else r, "runs", Verdict.LOST),
    "all runs lost": (failed, "runs", Verdict.LOST),
    "score lost": (lambda r: replace(r, scores={**r.scores, "fid": None}), "fid", Verdict.ONLY_A),
    "other settings": (respecified(settings={"rate": 2e-3}), "", Verdict.OTHER_SETTINGS),
    "other budget": (respecified(budget={"steps": 13}), "", Verdict.OTHER_SETTINGS),
    "other data": (lambda r: replace(r, protocol={**r.protocol, "data": "xyz"}), "", Verdict.OTHER_DATA),
    "no better way": (scored("refinement", lambda _: 1.0), "fid", Verdict.SAME),
}


@pytest.mark.parametrize(("change", "score", "expected"), VERDICTS.values(), ids=VERDICTS)
def test_verdict(change: Change, score: str, expected: Verdict) -> None:
    found = compare_records(folder(), with_change(folder(), change))
    assert line_of(found, score).verdict == expected
    assert found.regressed == (expected in REGRESSIONS)
    others = [line for line in found.lines if line.cell.row.row == "dann"]
    assert {line.cell.score for line in others} == {"runs", "fid", "error", "step_ms"}
    assert {line.verdict for line in others} == {Verdict.SAME}
    assert found.lines[-1].verdict == Verdict.SAME


@pytest.mark.parametrize(
    ("change", "opposite"),
    [
        (scored("fid", lambda seed: 5 * STEADY[seed]), Verdict.BETTER),
        (slowed(lambda seed: 1 + 0.3 * STEADY[seed]), Verdict.FASTER),
        (lambda r: failed(r) if r.seed else r, Verdict.GAINED),
        (lambda r: replace(r, scores={**r.scores, "fid": None}), Verdict.ONLY_B),
    ],
)
def test_the_way_back_has_the_opposite_verdict(change: Change, opposite: Verdict) -> None:
    found = compare_records(with_change(folder(), change), folder())
    assert found.lines[0].verdict == opposite
    assert not found.regressed


def test_a_score_of_which_more_is_better() -> None:
    before = [run_of("simgan", seed, {"recall": 0.5}) for seed in range(5)]
    after = with_change(before, scored("recall", lambda seed: 0.1 * STEADY[seed]))
    assert line_of(compare_records(before, after), "recall").verdict == Verdict.BETTER
    assert line_of(compare_records(after, before), "recall").verdict == Verdict.WORSE


def test_rows_of_one_folder_are_listed() -> None:
    found = compare_records(folder(rows=("simgan", "mmd")), folder(rows=("simgan", "coral")))
    assert (line_of(found, "", "mmd").verdict, line_of(found, "", "coral").verdict) == (
        "only in A",
        "only in B",
    )
    assert not found.regressed


def test_one_seed_is_not_judged_unless_equal() -> None:
    before = folder(count=1)
    found = compare_records(before, with_change(before, scored("fid", lambda _: 50.0)))
    assert [line_of(found, name).verdict for name in ("fid", "error")] == [Verdict.ONE_SEED, Verdict.SAME]
    assert found.judged == 0
    assert not found.regressed


def test_only_seeds_in_common_are_compared() -> None:
    found = compare_records(folder(5), [record for record in folder(8) if record.seed > 2])
    ends = {(line.cell.title, line.verdict) for line in found.lines if line.verdict != Verdict.SAME}
    assert ends == {("seeds 0–2", Verdict.ONLY_A), ("seeds 5–7", Verdict.ONLY_B)}
    assert {line.cell.seeds for line in found.lines if line.verdict == Verdict.SAME} == {2}
    assert not found.regressed
    apart = compare_records(folder(3), [record for record in folder(5) if record.seed > 2])
    assert {line.verdict for line in apart.lines} == {Verdict.NO_SEED}


def test_a_score_that_each_folder_has_for_other_seeds() -> None:
    before = with_change(folder(), lambda r: replace(r, scores={"fid": None if r.seed else 1.0}))
    after = with_change(folder(), lambda r: replace(r, scores={"fid": 1.0 if r.seed else None}))
    assert line_of(compare_records(before, after), "fid").verdict == Verdict.NO_SEED


def test_runs_that_failed_before_are_not_lost() -> None:
    before = with_change(folder(), lambda r: failed(r) if r.seed == 0 else r)
    found = compare_records(before, before)
    assert line_of(found, "runs").verdict == Verdict.SAME
    assert line_of(found, "fid").cell.seeds == 4
    back = line_of(compare_records(before, folder()), "runs")
    assert (back.verdict, back.cell.title) == (Verdict.GAINED, "share of runs done, gained seeds 0")


def test_failures_that_swap_seeds_are_lost_and_gained() -> None:
    before = with_change(folder(), lambda r: failed(r) if r.seed > 2 else r)
    after = with_change(folder(), lambda r: failed(r) if r.seed in (0, 1) else r)
    found = compare_records(before, after)
    line = line_of(found, "runs")
    assert line.verdict == Verdict.LOST
    assert line.cell.title == "share of runs done, lost seeds 0, 1, gained seeds 3, 4"
    assert found.regressed
    assert line_of(found, "fid").cell.seeds == 1


def test_interval_is_students_at_the_level_of_the_family() -> None:
    after = with_change(folder(), scored("fid", lambda seed: 5 * STEADY[seed]))
    after = with_change(after, slowed(lambda seed: 1 + 0.3 * STEADY[seed]), "dann")
    found = compare_records(folder(), after)
    assert found.judged == 2
    assert found.level == 1 - FAMILY_ERROR / 2
    gaps = 5 * np.array(STEADY)
    expected = scipy.stats.t.interval(found.level, 4, gaps.mean(), scipy.stats.sem(gaps))
    assert line_of(found, "fid").change == pytest.approx((5.0, *expected))
    logs = np.log(1 + 0.3 * np.array(STEADY))
    ends = scipy.stats.t.interval(found.level, 4, logs.mean(), scipy.stats.sem(logs))
    assert line_of(found, "step_ms", "dann").change == pytest.approx(np.exp([logs.mean(), *ends]))


def test_a_change_that_one_cell_shows_may_be_noise_among_many() -> None:
    """Thirty shaky cells widen the interval of the one that changed."""
    rows = [f"row {number}" for number in range(30)]
    shift = scored("fid", lambda seed: 2 + 1.5 * (-1) ** seed)
    before = folder(rows=["simgan", *rows])
    alone = compare_records(before, with_change(before, shift))
    after = [record if record.row == "simgan" else scored("fid", shaky)(record) for record in before]
    among = compare_records(before, with_change(after, shift))
    assert (alone.judged, among.judged) == (1, 31)
    assert line_of(alone, "fid").verdict == Verdict.WORSE
    assert line_of(among, "fid").verdict == Verdict.NOISE


def test_an_interval_wider_than_floats_is_still_json() -> None:
    before = folder(count=2, rows=[f"row {number}" for number in range(400)])
    found = compare_records(before, [slowed(lambda seed: 1 + 4 * seed)(record) for record in before])
    assert found.judged == 400
    assert {line.verdict for line in found.lines if line.cell.score == "step_ms"} == {Verdict.NOISE}
    json.dumps(found.plain(), allow_nan=False)


def test_lines_are_sorted_worst_first_whatever_the_order_of_records() -> None:
    before = folder(rows=("a", "b", "c"))
    after = with_change(before, scored("fid", lambda seed: 5 * STEADY[seed]), "a")
    after = with_change(after, scored("fid", lambda seed: 9 * STEADY[seed]), "c")
    after = with_change(after, slowed(lambda seed: 1 + 0.5 * STEADY[seed]), "b")
    after = with_change(after, lambda r: failed(r) if r.seed == 4 else r, "b")
    found = compare_records(before, after)
    first = [(line.cell.row.row, line.cell.score) for line in found.lines[:4]]
    assert first == [("b", "runs"), ("c", "fid"), ("a", "fid"), ("b", "step_ms")]
    assert compare_records(before[::-1], after[::-1]) == found


def redrawn(random: np.random.Generator) -> list[RunRecord]:
    """Return a folder of noise: eight rows, five seeds, scores with a spread and step times."""
    return [
        run_of(row, seed, dict(zip(("fid", "kid", "error"), scores, strict=True)), float(np.exp(time)))
        for row in "abcdefgh"
        for seed, (*scores, time) in enumerate(
            random.normal((20, 30, 40, 3), (4, 9, 2, 0.2), (5, 4)).tolist()
        )
    ]


def test_two_folders_of_the_same_noise_seldom_alarm() -> None:
    random = np.random.default_rng(0)
    found = [compare_records(redrawn(random), redrawn(random)) for _ in range(100)]
    assert {comparison.judged for comparison in found} == {32}
    changed = {"worse", "better", "slower", "faster"}
    alarms = [any(line.verdict in changed for line in comparison.lines) for comparison in found]
    assert np.mean(alarms) <= 2 * FAMILY_ERROR


def write(found: list[RunRecord], results: Path) -> Path:
    for record in found:
        store.write(record, {}, results)
    return results


@pytest.fixture
def folders(tmp_path: Path) -> tuple[str, str]:
    after = with_change(folder(), scored("fid", lambda seed: 5 * STEADY[seed]))
    return str(write(folder(), tmp_path / "one")), str(write(after, tmp_path / "two"))


def test_a_folder_is_the_same_as_itself(folders: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["compare", folders[0], folders[0]]) == 0
    assert capsys.readouterr().out.startswith("8 same; 0 judged")


def test_regression_is_shown_and_exit_1(folders: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["compare", *folders]) == 1
    out = capsys.readouterr().out
    (line,) = [line for line in out.splitlines() if line.lstrip().startswith("simgan")]
    half = scipy.stats.t.ppf(0.975, 4) * 5 * np.std(STEADY, ddof=1) / math.sqrt(5)
    for part in ("shapes smoke random cpu", "FID", "22.0", "27.0", f"+5.00 ± {half:.2f}", "worse"):
        assert part in line
    assert "1 worse, 7 same; 1 judged at 95.000% each, 95% together" in out
    assert bench.main(["compare", *folders[::-1]]) == 0


def test_json_holds_every_line(folders: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["compare", *folders, "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["regressed"]
    assert len(found["rows"]) == 8
    first = found["rows"][0]
    named = {"row": "simgan", "pair": "shapes", "score": "fid", "verdict": "worse", "seeds": 5}
    assert first.items() >= named.items()
    assert (first["before"], first["after"], first["change"]) == pytest.approx((22, 27, 5))
    assert first["low"] < first["change"] < first["high"]


def test_step_time_is_shown_as_a_ratio(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = write(folder(), tmp_path / "one")
    two = write(with_change(folder(), slowed(lambda _: 1.5)), tmp_path / "two")
    assert bench.main(["compare", str(one), str(two)]) == 1
    assert "× 1.5 (1.5 … 1.5)" in capsys.readouterr().out
    assert MIN_TIME_RATIO < 1.5


def test_nothing_to_compare_is_named(
    folders: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = str(write(folder(rows=("mmd",)), tmp_path / "other"))
    for words, expected in (
        ([folders[0], "no-such-folder"], "'no-such-folder' has no record"),
        (["no-such-folder", folders[0]], "'no-such-folder' has no record"),
        ([folders[0], other], "no row in common"),
        ([folders[0]], "RESULTS_B"),
    ):
        assert bench.main(["compare", *words]) == 2
        out, error = capsys.readouterr()
        assert out == ""
        assert expected in error
