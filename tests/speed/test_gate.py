"""The gate on speed: no more false alarms than it says, real slowdowns found, files that do not compare refused."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import ttest_ind

from benchmarks.speed import gate
from benchmarks.speed.gate import FAMILY_ERROR, main, threshold

ROOT = Path(__file__).parents[2]


def test_threshold_is_where_the_t_test_of_two_sides_changes_its_mind() -> None:
    random = np.random.default_rng(0)
    base, new = random.normal(0, 0.1, (200, 4)), random.normal(0.2, 0.1, (200, 3))
    expected = ttest_ind(new, base, axis=1, alternative="greater").pvalue < 0.01
    found = new.mean(1) - base.mean(1) > threshold(base, new, 0.01)
    assert 20 < expected.sum() < 180
    assert (found == expected).all()


def test_threshold_of_one_new_run_is_the_prediction_interval_of_the_base() -> None:
    base = np.array([0.0, 0.1, 0.2])  # s = 0.1; t at 95 % with 2 degrees is 2.920, by any table
    assert threshold(base, np.array([9.0]), 0.05) == pytest.approx(2.920 * 0.1 * (1 / 3 + 1) ** 0.5, rel=1e-3)


def test_threshold_has_a_floor() -> None:
    assert threshold(np.zeros(3), np.zeros(2), 0.05) == pytest.approx(np.log(1.02))


def alarms(base: int, new: int, *, slower: float = 1.0, common: float = 0.0) -> np.ndarray:
    """2,000 comparisons of 40 benchmarks: which are called slower; log-noise of 1 to 10 %, each its own."""
    random = np.random.default_rng(0)
    spread = np.exp(random.uniform(np.log(0.01), np.log(0.1), (2000, 40, 1)))
    noise = random.standard_normal((2000, 40, base + new))
    shared = random.standard_normal((2000, 1, base + new))  # a run in which the whole machine was slow
    logs = spread * (np.sqrt(1 - common) * noise + np.sqrt(common) * shared)
    one, two = logs[..., :base], logs[..., base:] + np.log(slower)
    return two.mean(-1) - one.mean(-1) > threshold(one, two, FAMILY_ERROR / 40)


@pytest.mark.parametrize(("base", "new"), [(3, 1), (3, 3), (5, 1), (5, 3)])
@pytest.mark.parametrize("common", [0.0, 0.5])
def test_equal_code_is_called_slower_no_more_often_than_stated(base: int, new: int, common: float) -> None:
    rate = alarms(base, new, common=common).any(1).mean()
    margin = 3 * (FAMILY_ERROR * (1 - FAMILY_ERROR) / 2000) ** 0.5
    assert rate < FAMILY_ERROR + margin
    assert common or rate > FAMILY_ERROR - margin  # nor is power given away


def test_most_slowdowns_of_30_percent_are_found() -> None:
    assert 0.84 < alarms(5, 3, slower=1.3).mean() < 0.90
    assert 0.70 < alarms(3, 3, slower=1.3).mean() < 0.76


def saved(path: Path, medians: dict[str, float], *, threads: int = 2, node: str = "here") -> str:
    """Write a file as pytest-benchmark does."""
    benchmarks = [
        {
            "fullname": f"benchmarks/speed/test_x.py::{name}",
            "extra_info": {"device": "chip", "threads": threads},
            "stats": {"median": median},
        }
        for name, median in medians.items()
    ]
    content = {"machine_info": {"node": node}, "datetime": path.stem, "benchmarks": benchmarks}
    path.write_text(json.dumps(content))
    return str(path)


def sides(folder: Path, base: Sequence[dict[str, float]], new: Sequence[dict[str, float]]) -> list[str]:
    old = [saved(folder / f"base-{place}.json", medians) for place, medians in enumerate(base)]
    return [
        *old,
        "--new",
        *(saved(folder / f"new-{place}.json", medians) for place, medians in enumerate(new)),
    ]


NOISE = (0.98, 1.0, 1 / 0.98, 0.99, 1 / 0.99)


def test_a_slowdown_is_named_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base = [{"a": 0.01 * factor, "b": 2 * factor, "old": 1.0} for factor in NOISE]
    new = [{"a": 0.013 * factor, "b": 2 * factor, "late": 3e-6} for factor in NOISE[:3]]
    assert main(sides(tmp_path, base, new)) == 1
    shown = capsys.readouterr().out.splitlines()
    rows = [line.split() for line in shown if "::" in line]
    assert [row[0].split("::")[1] for row in rows] == ["a", "b", "late", "old"]
    assert rows[0][1:8] == ["10", "ms", "13", "ms", "×", "1.300", "×"]
    assert [row[-1] for row in rows] == ["slower", "noise", "new", "gone"]
    assert shown[-1].startswith("1 slower, 1 within noise, 1 new, 1 gone; 5 base and 3 new runs")


@pytest.mark.parametrize(
    ("factor", "verdict", "code"),
    [(0.7, "faster", 0), (1.015, "within noise", 0), (1.025, "slower", 1), (1 / 1.025, "faster", 0)],
)
def test_the_verdict_on_runs_without_noise_is_the_floors(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], factor: float, verdict: str, code: int
) -> None:
    assert main(sides(tmp_path, [{"a": 1.0}] * 3, [{"a": factor}])) == code
    assert f" 1.020 {verdict}" in " ".join(capsys.readouterr().out.split())


def two_files(folder: Path) -> list[str]:
    return sides(folder, [{"a": 1.0}] * 2, [{"a": 1.0}])


def same(folder: Path) -> list[str]:
    words = sides(folder, [{"a": 1.0}] * 3, [{"a": 1.0}])
    return [*words[:-1], words[0]]


def other(folder: Path, **place: Any) -> list[str]:
    return [*sides(folder, [{"a": 1.0}] * 3, [{"a": 1.0}]), saved(folder / "z.json", {"a": 1.0}, **place)]


def file(folder: Path, text: str | None) -> list[str]:
    if text is not None:
        (folder / "z.json").write_text(text)
    return [*sides(folder, [{"a": 1.0}] * 3, [{"a": 1.0}]), str(folder / "z.json")]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (two_files, "number of base files is 2; allowed: at least 3"),
        (same, "base-0.json' again; allowed: every run once"),
        (lambda folder: sides(folder, [{"a": 1.0}] * 3, [{"b": 1.0}]), "no benchmark in common"),
        (
            lambda folder: sides(folder, [{"a": 1.0}, {"a": 1.0}, {}], [{"a": 1.0}]),
            "test_x.py::a is in only one of",
        ),
        (lambda folder: other(folder, threads=1), "threads 2, machine here in"),
        (lambda folder: other(folder, node="there"), "machine there in"),
        (lambda folder: file(folder, None), "No such file"),
        (lambda folder: file(folder, ""), "holds no run"),
        (lambda folder: file(folder, "[1]"), "holds no run"),
        (lambda folder: file(folder, '{"benchmarks": []}'), "holds no run"),
        (lambda folder: ["x.json"], "required: --new"),
    ],
)
def test_what_does_not_compare_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: Any, said: str
) -> None:
    assert main(words(tmp_path)) == 2
    printed = capsys.readouterr()
    assert said in printed.err
    assert printed.err.count("\n") == 1
    assert not printed.out


def test_the_suites_files_are_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = tmp_path / "1.json"
    words = [
        "-m",
        "pytest",
        "benchmarks/speed",
        "-q",
        "-k",
        "fill-small or join-small",
        f"--benchmark-json={made}",
    ]
    alone = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST")}
    subprocess.run([sys.executable, *words], cwd=ROOT, env=alone, check=True, capture_output=True)
    content = json.loads(made.read_text())
    info = {one["name"]: one["extra_info"] for one in content["benchmarks"]}
    images = 32 * 16 * 16 * 4  # bytes of a mini-batch
    assert info["test_history[fill-small]"]["bytes"] == 3 * images  # the images, their place before and after
    assert info["test_history[join-small]"].keys() >= {"device", "instructions", "threads", "bytes"}
    again = [tmp_path / f"{place}.json" for place in (2, 3, 4)]
    for path in again:
        path.write_text(json.dumps({**content, "datetime": path.stem}))
    assert main([str(made), *map(str, again[:2]), "--new", str(again[2])]) == 0
    assert "2 within noise" in capsys.readouterr().out
    assert gate.read(made).logs.keys() == {f"test_parts.py::{name}" for name in info}
