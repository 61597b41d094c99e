"""A published study over many seeds: records like its own with other scores, and the study as a TOML file."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.records import store
from benchmarks.records.record import RunRecord
from benchmarks.studies.published import STUDIES
from benchmarks.studies.study import RunSpec
from benchmarks.tables.table import records_of

PUBLISHED = Path(__file__).parents[2] / "results"
SPREAD = 0.05  # of a score from seed to seed, relative
FORM = """name = "many"
about = "a study of many seeds"
pairs = {pairs}
methods = {rows}
seeds = {seeds}
"""


def write_many(folder: Path, seeds: int = 1000) -> Path:
    """Record so many seeds of ``simgan-ablation`` below a folder; return the study's TOML file beside the runs.

    The ids are those that the runs of that study would have; all else is taken from the published seeds in turn, with
    scores, errors of snapshots and step times times normal noise around 1.
    """
    study, random = STUDIES["simgan-ablation"], np.random.default_rng(0)
    published = records_of(study, store.read_all(PUBLISHED))
    for row in study.rows:
        mine = [record for record in published if record.row == row]
        for seed in range(seeds):
            factor = 1 + SPREAD * random.standard_normal()
            store.write(_like(mine[seed % len(mine)], seed, factor), {}, folder)
    file = folder / "many.toml"
    file.write_text(FORM.format(pairs=[*study.pairs], rows=[*study.rows], seeds=seeds), encoding="utf-8")
    return file


def _like(record: RunRecord, seed: int, factor: float) -> RunRecord:
    """Return the record as another seed might have left it."""
    spec = RunSpec(**{**record.spec, "seed": seed})
    times = {name: value if name == "windows" else value * factor for name, value in record.step_ms.items()}
    return replace(
        record,
        id=spec.id,
        spec=spec.plain,
        scores={name: value and value * factor for name, value in record.scores.items()},
        step_ms=times,
        snapshots=tuple({**one, "error": one["error"] * factor} for one in record.snapshots),
    )
