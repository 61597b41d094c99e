"""Records of runs that never took place, for tests of what is made of records. Needs no torch."""

from collections.abc import Mapping
from typing import Any

from benchmarks.records.record import OK, RunRecord
from benchmarks.studies.study import RunSpec

BOUNDS = ("source-only", "target-only")


def record_of(
    row: str = "simgan",
    seed: int = 0,
    *,
    scale: str = "smoke",
    steps: int = 12,
    settings: Mapping[str, Any] | None = None,
    **parts: Any,
) -> RunRecord:
    """Return the record of a finished run on ``shapes`` without scores; ``parts`` are fields of the record."""
    spec = RunSpec(
        pair="shapes",
        row=row,
        scale=scale,
        seed=seed,
        extractor="random",
        device="cpu",
        settings={"method": row} if settings is None else settings,
        budget={"steps": steps, "task_steps": 20},
    )
    usual = {
        "id": f"{row}-{seed}",
        "bound": row in BOUNDS,
        "protocol": {"extractor": "random-conv", "images": 96, "data": "abc"},
        "host": {"device": "a CPU", "threads": 2},
    }
    return record_for(spec, **usual | parts)


def record_for(spec: RunSpec, **parts: Any) -> RunRecord:
    """Return the record of a finished run of this spec without anything measured; ``parts`` are fields of the record."""
    return RunRecord(**{"id": spec.id, "spec": spec.plain, "status": OK} | parts)


def step_times(median: float, q1: float = 9.0, q3: float = 12.0) -> dict[str, float | int]:
    """Return what a record holds of the times of a step, in milliseconds."""
    return {"median": median, "q1": q1, "q3": q3, "windows": 4}


def snapshot(step: int, error: float, criterion: float = 1.0) -> dict[str, float]:
    """Return one of a record's ``checkpoints``, which every criterion but SND, the larger the better, judges alike."""
    loss = dict.fromkeys(("source_error", "entropy", "information"), criterion)
    return {"step": step, "error": error, **loss, "snd": -criterion}
