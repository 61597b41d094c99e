"""A small study with names and reasons that would break a page that does not escape them, and a picture."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.records.record import RunRecord
from benchmarks.studies.study import Study
from tests.small.records import record_of, step_times

EVIL = '</script><script>alert("1")</script><!-- & \' "'
FIDS = {"source-only": 100.5, "simgan": 9.5, "simgan-nohist": 10.5, EVIL: 20.0}
STUDY = Study(
    name="try", about="a <try> & more", pairs=("shapes",), rows=(*FIDS, "missing"), seeds=(0, 1, 2), scale="smoke"
)  # fmt: skip


def run_of(row: str, seed: int) -> RunRecord:
    """Return one finished run of the study."""
    random = np.random.default_rng([seed, len(row)])
    trained: dict[str, Any] = {
        "settings": {"method": "RefinerGan", "history": None, "name": row},
        "step_ms": step_times(10.0),
        "parameters": {"refiner": 3},
    }
    return record_of(
        row,
        seed,
        id=f"shapes--{list(FIDS).index(row)}--s{seed}",
        scores={"fid": FIDS[row] + random.normal(), "error": 50 + random.normal(), "own_error": None},
        blanks={"own_error": "no model <of its own>"},
        versions={"torch": "2.15.0"},
        commit="0123abc",
        created="2026-01-02T03:04:05+00:00",
        **{} if row == "source-only" else trained,
    )


def failed(record: RunRecord) -> RunRecord:
    return replace(
        record, status="failed", reason=f"Error: {EVIL}", flags=("<b>flag",), scores={}, protocol={}
    )


def all_records() -> list[RunRecord]:
    found = [run_of(row, seed) for row in FIDS for seed in STUDY.seeds]
    return [failed(record) if record.id == "shapes--2--s1" else record for record in found]


def put_samples(results: Path) -> None:
    """Write the sample grid of one run."""
    pixels = np.random.default_rng(0).integers(0, 256, (3 * 20, 16 * 20, 3), dtype=np.uint8)
    (results / "runs" / "shapes--1--s0").mkdir(parents=True)
    Image.fromarray(pixels).save(results / "runs" / "shapes--1--s0" / "samples.png")
