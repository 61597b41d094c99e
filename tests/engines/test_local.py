"""Several runs at a time: who does what, what comes back, and how it ends."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from itertools import groupby
from multiprocessing import active_children
from pathlib import Path

import pytest
import torch

import bench
from benchmarks.engines import local, progress, resources
from benchmarks.engines.local import Event, seats
from benchmarks.engines.matrix import run_matrix
from benchmarks.records import store
from benchmarks.records.record import RunRecord
from benchmarks.studies.plan import planned
from benchmarks.studies.plugins import Sources
from benchmarks.studies.study import RunSpec
from mistakes import UserMistake
from tests.small import workers
from tests.small.folders import folder_pair, write_toml

ROOT = Path(__file__).parents[2]


def specs(*rows: str, pairs: tuple[str, ...] = ("shapes",), seeds: int = 1) -> list[RunSpec]:
    """Return runs that nobody does: their rows are known to ``tests.small.workers`` alone."""
    return [
        RunSpec(pair=pair, row=row, scale="smoke", seed=seed, extractor="random", device="cpu")
        for pair in pairs
        for seed in range(seeds)
        for row in rows
    ]


def matrix(todo: list[RunSpec], results: Path, jobs: int = 2) -> list[Event]:
    events: list[Event] = []
    run_matrix(todo, results, None, Sources(), events.append, jobs)
    return events


@pytest.fixture
def stand_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "work", workers.work)


@pytest.fixture
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


# ---- who does what


@pytest.mark.usefixtures("stand_ins")
def test_every_run_is_done_once_and_says_how_many_shared_the_machine(tmp_path: Path) -> None:
    todo = specs("a", "b", seeds=4)
    events = matrix(todo, tmp_path)
    found = store.read_all(tmp_path)
    assert sorted(record.id for record in found) == sorted(spec.id for spec in todo)
    assert {record.host["jobs"] for record in found} == {2}
    begun, over = ([event for event in events if event.over == end] for end in (False, True))
    assert [event.spec for event in begun] == todo
    assert [(event.index, event.total, event.step) for event in begun] == [
        (index, 8, 0) for index in range(8)
    ]
    assert sorted(event.index for event in over) == list(range(8))
    assert not active_children()


@pytest.mark.usefixtures("stand_ins")
def test_workers_part_the_pairs_before_they_share_one(tmp_path: Path) -> None:
    todo = specs("a", pairs=("shapes", "fonts-digits"), seeds=6)
    events = matrix(todo, tmp_path)
    assert [event.spec.pair for event in events[:2]] == ["shapes", "fonts-digits"]
    done: dict[object, list[str]] = {}
    for event in events:
        if event.over:
            process = store.find(event.spec.id, tmp_path).host["process"]
            done.setdefault(process, []).append(event.spec.pair)
    assert all(len(list(groupby(pairs))) <= 2 for pairs in done.values()), "nobody goes back to a pair"


@pytest.mark.usefixtures("stand_ins")
def test_a_single_run_keeps_to_its_share(tmp_path: Path, threads: None) -> None:
    torch.set_num_threads(7)
    matrix(specs("a"), tmp_path, jobs=3)
    (record,) = store.read_all(tmp_path)
    assert (record.host["threads"], record.host["jobs"]) == (2, 3)


def test_threads_are_shared_and_gpus_dealt_out(monkeypatch: pytest.MonkeyPatch, threads: None) -> None:
    torch.set_num_threads(3)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    assert [(seat.threads, seat.gpu) for seat in seats(None, Sources(), 2)] == [(1, None)] * 2
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert [seat.gpu for seat in seats(None, Sources(), 3)] == ["0", "1", "0"]
    assert {seat.threads for seat in seats(None, Sources(), 9)} == {1}
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-5a,3")
    assert [seat.gpu for seat in seats(None, Sources(), 3)] == ["GPU-5a", "3", "GPU-5a"]


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


def test_a_plan_counts_a_shared_run_by_its_share(tmp_path: Path) -> None:
    (spec,) = specs("a")
    times = {"training": 25.0, "evaluation": 5.0}
    record = RunRecord(id=spec.id, spec=spec.plain, status="ok", seconds=times, host={"jobs": 3})
    store.write(record, {}, tmp_path)
    assert [line.seconds for line in planned([spec], tmp_path)] == [10.0]


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
from benchmarks.engines import local
from tests.small import workers as stand_ins
signal.signal(signal.SIGINT, signal.default_int_handler)  # a suite in the background inherits it ignored
local.work, resources.cores = stand_ins.work, lambda: 2
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
    assert {record.spec["row"] for record in store.read_all(tmp_path)} == {"a"}
    assert not list((tmp_path / "runs").glob(".draft*"))


# ---- what is shown


def test_the_bar_counts_all_runs_that_are_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[tuple[float, list[str]]] = []

    def update(*_: object, completed: float, what: str, **__: object) -> None:
        shown.append((completed, what.splitlines()))

    monkeypatch.setattr(progress.Progress, "update", update)
    one, two = (Event(spec=spec, index=index, total=2) for index, spec in enumerate(specs("a", "b")))
    half = Event(spec=two.spec, index=1, total=2, step=6, steps=12, terms={"step": 6, "loss": 0.5})
    with progress.live_progress() as tell:
        for event in (one, two, half, one.ended(), two.ended()):
            tell(event)
        a, b = "shapes a seed 0 ", "shapes b seed 0 "
        assert shown == [(0, [a]), (0, [a, b]), (0.5, [a, f"{b}loss 0.5"]), (1.5, [f"{b}loss 0.5"]), (2, [])]
