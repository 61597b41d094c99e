"""A published study extended to many seeds: its records with varied scores, and the study as a TOML file."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.records import store
from benchmarks.records.record import RunRecord
from benchmarks.studies.published import STUDIES
from benchmarks.studies.study import RunSpec
from benchmarks.tables.comparable import records_of

PUBLISHED = Path(__file__).parents[2] / "results"
RELATIVE_DEVIATION = 0.05  # standard deviation of scores from seed to seed
FORM = """name = "many"
about = "a study of many seeds"
pairs = {pairs}
methods = {rows}
seeds = {seeds}
"""


def write_many(folder: Path, seeds: int = 1000) -> Path:
    """Write records of ``seeds`` seeds of ``simgan-ablation`` below a folder; return the study's TOML file beside the runs.

    Settings, budgets and all else but the seed come from the published seeds in turn; scores, errors of snapshots and step
    times are multiplied by normal noise around 1.
    """
    study, random = STUDIES["simgan-ablation"], np.random.default_rng(0)
    published = records_of(study, store.read_all(PUBLISHED))
    for row in study.rows:
        mine = [record for record in published if record.row == row]
        for seed in range(seeds):
            factor = 1 + RELATIVE_DEVIATION * random.standard_normal()
            store.write(_like(mine[seed % len(mine)], seed, factor), {}, folder)
    file = folder / "many.toml"
    file.write_text(FORM.format(pairs=[*study.pairs], rows=[*study.rows], seeds=seeds), encoding="utf-8")
    return file


def _like(record: RunRecord, seed: int, factor: float) -> RunRecord:
    """Return the record for another seed, its scores and times multiplied by ``factor``."""
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
