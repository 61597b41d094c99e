"""Several runs at a time: who does what, what comes back, and how it ends."""

import os
import signal
import subprocess
import sys
from dataclasses import asdict
from itertools import groupby
from multiprocessing import active_children
from pathlib import Path

import pytest
import torch

import bench
from benchmarks.engines import resources, workers
from benchmarks.engines.contract import Begun, Ended, Message, Stepped
from benchmarks.engines.local import Local
from benchmarks.engines.matrix import run_matrix
from benchmarks.records import store
from benchmarks.records.record import RunRecord
from benchmarks.running import run as running
from benchmarks.running.training import Watch
from benchmarks.studies.plugins import Sources
from benchmarks.studies.study import RunSpec
from mistakes import UserMistake
from tests.small import workers as stand_in
from tests.small.folders import folder_pair, write_toml
from tests.small.records import record_for
from tests.small.specs import specs

ROOT = Path(__file__).parents[2]


def matrix(todo: list[RunSpec], results: Path, jobs: int = 2) -> list[Message]:
    messages: list[Message] = []
    run_matrix(todo, results, Local(jobs=jobs), Sources(), messages.append)
    return messages


@pytest.fixture
def stand_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "work", stand_in.work)


# ---- who does what


@pytest.mark.usefixtures("stand_ins")
def test_every_run_is_done_once_and_says_how_many_shared_the_machine(tmp_path: Path) -> None:
    todo = specs("a", "b", seeds=4)
    messages = matrix(todo, tmp_path)
    found = store.read_all(tmp_path)
    assert sorted(record.id for record in found) == sorted(spec.id for spec in todo)
    assert {record.host["jobs"] for record in found} == {2}
    begun = [message for message in messages if isinstance(message, Begun)]
    assert begun == [Begun(index, 8, spec) for index, spec in enumerate(todo)]
    ended = [message.index for message in messages if isinstance(message, Ended)]
    assert sorted(ended) == list(range(8))
    assert not active_children()


@pytest.mark.usefixtures("stand_ins")
def test_workers_part_the_pairs_before_they_share_one(tmp_path: Path) -> None:
    todo = specs("a", pairs=("shapes", "fonts-digits"), seeds=6)
    messages = matrix(todo, tmp_path)
    begun = [message.spec for message in messages if isinstance(message, Begun)]
    assert [spec.pair for spec in begun[:2]] == ["shapes", "fonts-digits"]
    done: dict[object, list[str]] = {}
    for message in messages:
        if isinstance(message, Ended):
            process = store.find(begun[message.index].id, tmp_path).host["process"]
            done.setdefault(process, []).append(begun[message.index].pair)
    assert all(len(list(groupby(pairs))) <= 2 for pairs in done.values()), "nobody goes back to a pair"


@pytest.mark.usefixtures("stand_ins")
def test_a_single_run_keeps_to_its_share(tmp_path: Path, threads: None) -> None:
    torch.set_num_threads(7)
    matrix(specs("a"), tmp_path, jobs=3)
    (record,) = store.read_all(tmp_path)
    assert (record.host["threads"], record.host["jobs"]) == (2, 3)


# ---- one after the other


def test_runs_in_turn_are_told_of_and_end_when_nobody_asks_for_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(spec: RunSpec, data: Path | None, watch: Watch) -> tuple[RunRecord, dict[str, bytes]]:
        assert data == tmp_path
        watch(3, 6, {"loss": 0.5})
        return record_for(spec), {"film.png": b"film"}

    monkeypatch.setattr(running, "run", run)
    messages: list[Message] = []
    one, other, _ = todo = specs("a", "b", "c")
    placed = Local(data=tmp_path).place(todo, Sources(), messages.append)
    result = next(placed)
    assert (result.record.id, result.files, result.record.host) == (one.id, {"film.png": b"film"}, {})
    assert messages == [Begun(0, 3, one), Stepped(0, 3, 6, {"loss": 0.5})], "not over before it is written"
    next(placed)
    assert messages[2:4] == [Ended(0), Begun(1, 3, other)]
    placed.close()
    assert Ended(1) not in messages


# ---- what comes back


STUDY = {"name": "ours", "about": "a worker's", "methods": ["short"], "seeds": 1, "scale": "smoke"}
PLUGIN = """
import os
from pathlib import Path
from methods.recipes import simgan
RECIPES = [simgan.but("short", {"history.batches": 1}, "a short history")]
with Path(__file__).with_name("seen").open("a") as seen:
    print(*(os.environ.get(name) for name in ("CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS")), file=seen)
"""


@pytest.mark.usefixtures("threads", "names_as_before")
def test_a_record_is_the_same_from_a_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pair = folder_pair(tmp_path)
    (tmp_path / "short.py").write_text(PLUGIN)
    content = {**STUDY, "pairs": [pair.name], "plugins": ["short.py"]}
    options = ["--study", str(write_toml(tmp_path / "ours.toml", content)), "--device", "cpu"]
    monkeypatch.setattr(resources, "cores", lambda: 2)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    together, alone = tmp_path / "together", tmp_path / "alone"
    torch.set_num_threads(2)
    assert bench.main([*options, "--jobs", "2", "--results", str(together)]) == 0
    assert (tmp_path / "seen").read_text().splitlines()[-1] == "0 1"
    torch.set_num_threads(1)
    assert bench.main([*options, "--results", str(alone)]) == 0
    (one,), (other,) = map(store.read_all, (together, alone))
    assert one.host == {**other.host, "jobs": 2}
    assert other.host["threads"] == 1
    passing = dict.fromkeys(("host", "created", "seconds", "step_ms", "peak_mib"))
    assert asdict(one) | passing == asdict(other) | passing
    files = [
        {path.name: path.read_bytes() for path in root.glob("runs/*/*") if path.name != "record.json"}
        for root in (together, alone)
    ]
    assert "adapter.safetensors" in files[0]
    assert files[0] == files[1]


# ---- how it ends


@pytest.mark.usefixtures("stand_ins")
def test_a_dead_worker_is_one_line_and_finished_runs_are_kept(tmp_path: Path) -> None:
    first, _, *stopped = todo = specs("a", "killed", "endless")
    with pytest.raises(UserMistake) as caught:
        matrix([first, todo[2], todo[1]], tmp_path)
    message = str(caught.value)
    assert f"the process of run '{todo[1].id}' was killed by SIGKILL" in message
    assert f"runs stopped with it: {stopped[0].id}; allowed: fewer --jobs" in message
    assert "\n" not in message
    assert [record.id for record in store.read_all(tmp_path)] == [first.id]
    assert not active_children()


@pytest.mark.usefixtures("stand_ins")
def test_a_mistake_in_a_worker_is_the_users(tmp_path: Path) -> None:
    with pytest.raises(UserMistake, match=r"^paint 'blue'; allowed: red\.$"):
        matrix(specs("endless", "mistaken"), tmp_path)
    assert not active_children()


INTERRUPTED = """
import signal, sys, bench
from benchmarks.engines import resources
from benchmarks.engines import workers
from tests.small import workers as stand_in
signal.signal(signal.SIGINT, signal.default_int_handler)  # a suite in the background inherits it ignored
workers.work, resources.cores = stand_in.work, lambda: 2
sys.exit(bench.main(sys.argv[1:]))
"""


def test_interrupt_leaves_no_process_and_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "endless.py").write_text(
        "from methods.recipes import simgan\n"
        'RECIPES = [simgan.but("endless", {"history.batches": 1}, ""), simgan.but("a", {"history": None}, "")]\n'
    )
    options = [
        "--plugin",
        str(tmp_path / "endless.py"),
        "--methods",
        "a,endless",
        "--no-bounds",
        "--seeds",
        "3",
    ]
    options += [
        "--pair",
        "shapes",
        "--scale",
        "smoke",
        "--device",
        "cpu",
        "--results",
        str(tmp_path),
        "--jobs",
        "2",
    ]
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, *options],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as program:
        assert program.stderr is not None
        told = [program.stderr.readline() for _ in range(4)]
        os.killpg(program.pid, signal.SIGINT)  # as a terminal does: to all of them
        _, rest = program.communicate(timeout=100)  # returns when no process is left that could write
    assert told[0] == "run 1 of 6: shapes a seed 0\n"
    assert program.returncode == 130
    assert rest.splitlines()[-1] == "interrupted; finished runs are kept"
    assert "Traceback" not in rest
    assert {record.row for record in store.read_all(tmp_path)} == {"a"}
    assert not list((tmp_path / "runs").glob(".draft*"))
