"""What this machine has for runs."""

import pytest
import torch

from benchmarks.engines import resources
from benchmarks.engines.resources import check_jobs, cores, resolve_device
from mistakes import UserMistake


def test_every_job_has_a_core(monkeypatch: pytest.MonkeyPatch) -> None:
    assert cores() >= 1
    monkeypatch.setattr(resources, "cores", lambda: 3)
    check_jobs(1)
    check_jobs(3)
    for jobs in (0, 4):
        with pytest.raises(UserMistake, match=f"^jobs {jobs}; allowed: 1 to 3, a core for each"):
            check_jobs(jobs)


@pytest.mark.parametrize(("there", "auto"), [(True, "cuda"), (False, "cpu")])
def test_auto_takes_cuda_where_it_is(there: bool, auto: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    assert resolve_device("auto") == auto
    assert resolve_device("cpu") == "cpu"
    if there:
        assert resolve_device("cuda") == "cuda"
    else:
        with pytest.raises(UserMistake, match="'cuda' is not available on this machine; allowed: auto, cpu"):
            resolve_device("cuda")
