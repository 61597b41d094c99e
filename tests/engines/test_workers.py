"""What a worker is given, and what goes through the pipe to it and back."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from benchmarks.engines.contract import Begun, Refused, Result, Stepped
from benchmarks.engines.workers import Worker, WorkerShare, shares
from benchmarks.studies.plugins import Sources
from benchmarks.studies.runs import runs
from benchmarks.studies.study import Study


def test_threads_are_shared_and_gpus_dealt_out(monkeypatch: pytest.MonkeyPatch, threads: None) -> None:
    torch.set_num_threads(3)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    assert [(share.threads, share.gpu) for share in shares(2, None, Sources())] == [(1, None)] * 2
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert [share.gpu for share in shares(3, None, Sources())] == ["0", "1", "0"]
    assert {share.threads for share in shares(9, None, Sources())} == {1}
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-5a,3")
    assert [share.gpu for share in shares(3, None, Sources())] == ["GPU-5a", "3", "GPU-5a"]


def test_sources_are_found_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (share,) = shares(1, None, Sources(plugins=(Path("mine.py"),)))
    assert share.sources == Sources(plugins=(tmp_path / "mine.py",))


def test_a_worker_says_how_far_it_is_then_what_came_of_it_and_what_it_refuses() -> None:
    study = Study(name="s", about="", pairs=("shapes",), rows=("simgan",), seeds=(0,), scale="smoke")
    (spec,) = runs(study, "cpu")
    worker = Worker(WorkerShare(threads=1, gpu=None, data=None, sources=Sources()))
    try:
        worker.begin(Begun(3, 5, spec))
        assert worker.pair == "shapes"
        *stepped, result = (worker.answer() for _ in range(7))
        assert [(one.index, one.step, one.steps) for one in stepped if isinstance(one, Stepped)] == [
            (3, step, 12) for step in range(2, 13, 2)
        ]
        assert isinstance(result, Result)
        assert (result.record.id, result.record.status, result.record.host["threads"]) == (spec.id, "ok", 1)
        assert "samples.png" in result.files
        worker.begin(Begun(4, 5, replace(spec, pair="nowhere")))
        refused = worker.answer()
        assert isinstance(refused, Refused)
        assert refused.text.startswith("unknown pair 'nowhere'; allowed: ")
        assert worker.answer() is None
        assert worker.death() == "ended with exit code 0"
    finally:
        worker.process.kill()
        worker.process.join()
