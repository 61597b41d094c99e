"""The commands as a user types them: what they print, write and refuse, and with which exit code."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import bench
from benchmarks.commands.listing import LISTS
from benchmarks.records import store

ROOT = Path(__file__).parents[2]
QUICK = ["--pair", "shapes", "--scale", "smoke", "--device", "cpu"]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    results = tmp_path_factory.mktemp("recorded")
    options = ["--methods", "simgan,simgan-nohist", "--seeds", "2", "--results", str(results)]
    assert bench.main([*QUICK, *options]) == 0
    return results


def test_run_writes_one_whole_record_each(recorded: Path) -> None:
    found = store.read_all(recorded)
    assert sorted((record.row, record.seed) for record in found) == [
        (row, seed) for row in ("simgan", "simgan-nohist", "source-only", "target-only") for seed in (0, 1)
    ]
    assert {record.status for record in found} == {"ok"}
    for record in found:
        folder = recorded / "runs" / record.id
        trained = record.row.startswith("simgan")
        beside = {"record.json", "predictions.npz"}
        if trained:
            beside |= {"curve.json", "samples.png", "neighbours.png", "film.png", "adapter.safetensors"}
        assert {path.name for path in folder.iterdir()} == beside


def test_second_run_does_nothing_and_prints_the_same(
    recorded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    times = {path: path.stat().st_mtime_ns for path in recorded.rglob("*")}
    options = ["--methods", "simgan,simgan-nohist", "--seeds", "2", "--results", str(recorded), "--json"]
    assert bench.main([*QUICK, *options]) == 0
    first = capsys.readouterr().out
    assert bench.main([*QUICK, *options]) == 0
    assert capsys.readouterr().out == first
    assert {path: path.stat().st_mtime_ns for path in recorded.rglob("*")} == times
    (table,) = json.loads(first)
    assert [row["method"] for row in table["rows"]] == [
        "source-only",
        "simgan",
        "simgan-nohist",
        "target-only",
    ]
    assert all(row["runs"] == 2 for row in table["rows"])


def test_tables_come_from_records_alone(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["tables", "--results", str(recorded)]) == 0
    assert "simgan-nohist" in capsys.readouterr().out
    files = sorted(path for path in (recorded / "tables").iterdir())
    (name,) = {path.name.removesuffix(".html") for path in files if path.name.endswith("s.html")}
    both = [f"{name}{kind}" for kind in (".csv", ".html", ".md", ".tex", "-runs.csv")]
    both += [f"{name}--selection{kind}" for kind in (".csv", ".html", ".md", ".tex")]
    assert {path.name for path in files} == set(both)
    before = [path.read_bytes() for path in files]
    assert bench.main(["tables", "--results", str(recorded)]) == 0
    assert [path.read_bytes() for path in files] == before


def test_set_names_the_row_and_makes_a_column(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--methods", "simgan,simgan[history.batches=1]", "--set", "critic.verdict=image"]
    assert (
        bench.main([*QUICK, *options, "--seeds", "1", "--no-bounds", "--results", str(recorded), "--json"])
        == 0
    )
    (table,) = json.loads(capsys.readouterr().out)
    names = ["simgan[critic.verdict=image]", "simgan[history.batches=1;critic.verdict=image]"]
    assert [row["method"] for row in table["rows"]] == names
    assert [row["history.batches"] for row in table["rows"]] == [2, 1]
    assert "critic.verdict" not in table["rows"][0]


def test_plan_runs_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["plan", *QUICK, "--seeds", "2", "--results", str(tmp_path), "--json"]) == 0
    lines = json.loads(capsys.readouterr().out)
    assert len(lines) == 8
    assert not any(line["recorded"] for line in lines)
    assert list(tmp_path.iterdir()) == []


def test_plan_knows_what_is_recorded_and_estimates_the_rest(
    recorded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["plan", *QUICK, "--methods", "simgan", "--seeds", "3", "--results", str(recorded), "--json"]
    assert bench.main(options) == 0
    lines = json.loads(capsys.readouterr().out)
    assert [line["recorded"] for line in lines] == [True] * 6 + [False] * 3
    assert all(line["seconds"] > 0 for line in lines)


@pytest.mark.parametrize("what", LISTS)
def test_list(what: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["list", what]) == 0
    plain = capsys.readouterr().out
    assert bench.main(["list", what, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)[what]
    assert rows
    assert all(row["name"] in plain for row in rows)


MISTAKES = {
    "unknown method": (["--methods", "simgn"], "Did you mean 'simgan'?"),
    "no method": (["--methods", ","], "--methods is empty"),
    "method twice": (["--methods", "simgan,simgan"], "named twice"),
    "equal rows": (["--methods", "simgan-nohist,simgan[history=none]"], "same settings"),
    "unknown pair": (["--pair", "fonts-digit"], "Did you mean 'fonts-digits'?"),
    "unknown setting": (["--set", "critic.verdic=image"], "Did you mean 'critic.verdict'?"),
    "setting without value": (["--set", "critic.verdict"], "allowed: path=value"),
    "wrong value": (["--set", "critic.verdict=imag"], "Did you mean 'image'?"),
    "idle setting": (["--set", "critic.verdict=patches"], "patches already"),
    "value out of range": (["--set", "history.batches=0"], "from 1 on"),
    "negative seed": (["--seeds=-1"], "seeds '-1'"),
    "no seed": (["--seeds", "0"], "seeds '0'"),
    "repeated seed": (["--seeds", "1,1"], "seeds '1,1'"),
    "seeds no number": (["--seeds", "x"], "seeds 'x'"),
    "unknown scale": (["--scale", "smal"], "Did you mean 'small'?"),
    "study and more": (["--study", "simgan-ablation", "--seeds", "2"], "comes with its own seeds"),
    "study and --set": (
        ["--study", "simgan-ablation", "--set", "history=none"],
        "comes with its own changes",
    ),
    "unknown study": (["--study", "simgan-ablatio"], "Did you mean 'simgan-ablation'?"),
    "unknown extractor": (["--extractor", "inceptio"], "Did you mean 'inception'?"),
    "no job": (["--jobs", "0"], "jobs 0; allowed: 1 to"),
    "more jobs than cores": (["--jobs", "1000000"], "jobs 1000000; allowed: 1 to"),
    "unknown pair to download": (["download", "svhn-mist", "--data", "."], "Did you mean 'svhn-mnist'?"),
    "unknown engine": (["--engine", "lokal"], "Did you mean 'local'?"),
    "unknown device": (["--device", "tpu"], "allowed: auto, cpu, cuda"),
    "unknown option": (["--method", "simgan"], "--method"),
    "option before a command": (["--results", "there", "tables"], "'results' stands before 'tables'"),
    "unknown list": (["list", "method"], "Did you mean 'methods'?"),
    "unknown study to tabulate": (["tables", "nothing"], "unknown study 'nothing'"),
    "unknown study to report": (["report", "usp"], "Did you mean 'usps'?"),
    "nothing to report": (["report", "--results", "no-such-folder"], "no record"),
    "nothing to tabulate": (["tables", "--results", "no-such-folder"], "no record"),
    "results not writable": (["--results", "/dev/null/x", *QUICK], "cannot be written"),
}


@pytest.mark.parametrize(("words", "expected"), MISTAKES.values(), ids=MISTAKES)
def test_bad_input_is_one_clear_line_and_exit_2(
    words: list[str],
    expected: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert bench.main(words) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error:")]
    assert len(lines) == 1
    assert expected in lines[0]
    assert list(tmp_path.iterdir()) == []


def test_corrupt_record_is_named(recorded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = next((recorded / "runs").glob("*/record.json")).read_text()
    broken = tmp_path / "runs" / "one" / "record.json"
    broken.parent.mkdir(parents=True)
    broken.write_text(whole[: len(whole) // 2])
    assert bench.main(["tables", "--results", str(tmp_path)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert str(broken) in line
    assert "corrupt" in line


def test_failed_run_is_a_row_and_exit_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from methods.refiner_gan import RefinerGan

    def burst(*_: object) -> None:
        raise RuntimeError("out of paint")

    options = [*QUICK, "--methods", "simgan,simgan-nohist", "--seeds", "1", "--results", str(tmp_path)]
    with monkeypatch.context() as patch:
        patch.setattr(RefinerGan, "critic_step", burst)
        assert bench.main(options) == 1
    out = capsys.readouterr().out
    assert "simgan, seed 0: failed: RuntimeError: out of paint" in out
    assert "0/1" in out
    assert bench.main(options) == 1, "a failed run stays on record"
    assert bench.main([*options, "--retry"]) == 0


def test_interrupt_keeps_finished_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from benchmarks.running import run as running

    run, calls = running.run, []

    def interrupted(spec: object, *rest: object) -> object:
        calls.append(spec)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return run(spec, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(running, "run", interrupted)
    assert bench.main([*QUICK, "--seeds", "1", "--results", str(tmp_path)]) == 130
    assert len(store.read_all(tmp_path)) == 2


def test_help_runs_as_a_program_without_torch() -> None:
    code = (
        "import sys, bench\n"
        "sys.argv = ['bench.py', '--help']\n"
        "code = bench.main()\n"
        "sys.exit(code or 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "python bench.py --methods simgan,simgan-nohist" in done.stdout


def test_bad_input_leaves_no_traceback() -> None:
    command = [sys.executable, "bench.py", "--methods", "nope"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
