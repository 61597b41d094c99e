"""Records of one table → its numbers: settings, protocol, scores and costs by row, paired by seed. Needs no torch."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from benchmarks.records import OK, RunRecord
from benchmarks.scores.catalogue import SCORES
from benchmarks.statistics import Estimate, estimate
from benchmarks.study import Study
from methods.settings import varied
from mistakes import UserMistake

COMPARED = ("fid", "error", "own_error")
COSTS = {
    "steps": ("steps", 0),
    "images_per_step": ("images / step", 0),
    "step_ms": ("ms / step [quartiles]", 1),
    "step_q1": ("", 1),
    "step_q3": ("", 1),
    "images_per_second": ("images / s", 0),
    "peak_mib": ("peak MiB", 0),
    "parameters": ("parameters", 0),
    "pretraining": ("pretraining s", 1),
    "training": ("training s", 1),
    "evaluation": ("evaluation s", 1),
}
QUARTILES = ("step_q1", "step_q3")
BUDGET = ("steps", "images_per_step")  # columns only where rows differ in them

Numbers = dict[tuple[str, str], Estimate | None]


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Everything that the grids of one table are made from."""

    study: Study
    settings: Mapping[str, Mapping[str, Any]]
    protocol: Mapping[str, Any]
    columns: Sequence[str]
    baseline: str | None
    scores: Sequence[str]
    numbers: Numbers

    def title(self, name: str) -> str:
        """Return how a score or cost, or the difference of one, is titled."""
        if name.startswith("Δ "):
            return f"Δ {SCORES[name[2:]].short}"
        return SCORES[name].title.format(**self.protocol) if name in SCORES else name

    def shown(self, name: str, row: str) -> str:
        """Return the cell of a score, or of the difference of one."""
        number = self.numbers.get((row, name))
        digits = SCORES[name.removeprefix("Δ ")].digits
        return number.written(digits, sign=name.startswith("Δ ")) if number else ""

    def runs(self, row: str) -> int:
        """Return how many runs of a row are done."""
        number = self.numbers[row, "runs"]
        return int(number.mean) if number else 0


def summarise(study: Study, records: Sequence[RunRecord]) -> Summary:
    """Return the numbers of the records of one table.

    Raises :class:`UserMistake` where a row has records of two different settings, or of two data sets.
    """
    settings = _settings(study, records)
    runs = finished(records)
    bounds = bounds_in(records)
    trained = [row for row in study.rows if row in settings and row not in bounds]
    baseline = trained[0] if trained else None
    scores = [score for score in SCORES if score in runs and runs[score].notna().any()]
    return Summary(
        study=study,
        settings=settings,
        protocol=_protocol(records),
        columns=varied([settings[row] for row in trained]),
        baseline=baseline,
        scores=scores,
        numbers=_numbers(study, runs, [*scores, *COSTS], baseline),
    )


def finished(records: Sequence[RunRecord]) -> pd.DataFrame:
    """Return scores and costs of every finished run, a column each, by (row, seed)."""
    frame = pd.DataFrame([_flat(record) for record in records])
    return frame[frame["ok"]].set_index(["row", "seed"])


def bounds_in(records: Iterable[RunRecord]) -> set[str]:
    """Return the rows that trained nothing of their own: their finished runs have no parameters."""
    return {record.spec["row"] for record in records if record.status == OK and not record.parameters}


def _protocol(records: Sequence[RunRecord]) -> Mapping[str, Any]:
    """Return the protocol of all finished records; refuses two data sets under one name."""
    first: RunRecord | None = None
    for record in records:
        if record.status != OK:
            continue
        first = first or record
        if record.protocol != first.protocol:
            raise UserMistake(
                f"records {first.id!r} and {record.id!r} were scored on different data or with different extractors; "
                "allowed: one of them in a table. Delete the folders of the older."
            )
    return first.protocol if first else {}


def _settings(study: Study, records: Sequence[RunRecord]) -> dict[str, Mapping[str, Any]]:
    found: dict[str, RunRecord] = {}
    for record in records:
        other = found.setdefault(record.spec["row"], record)
        if other.spec["settings"] != record.spec["settings"]:
            raise UserMistake(
                f"method {record.spec['row']!r} has records of two different settings, {other.id!r} and "
                f"{record.id!r}; allowed: one. Delete the folders of the older."
            )
    return {row: found[row].spec["settings"] for row in study.rows if row in found}


def _flat(record: RunRecord) -> dict[str, Any]:
    """Return the numbers of one run in one row; those of an unfinished run are missing."""
    spec = record.spec
    row = {"row": spec["row"], "seed": spec["seed"], "ok": record.status == OK, **record.scores}
    if median := record.step_ms.get("median"):
        row |= {"step_ms": median, "step_q1": record.step_ms["q1"], "step_q3": record.step_ms["q3"]}
        row["images_per_second"] = 1000 * record.images_per_step / median
        row |= {"steps": spec["budget"]["steps"], "images_per_step": record.images_per_step}
    return row | {
        "peak_mib": record.peak_mib,
        "parameters": sum(record.parameters.values()) or None,
        **record.seconds,
    }


def _numbers(study: Study, runs: pd.DataFrame, names: Sequence[str], baseline: str | None) -> Numbers:
    """Return the estimate of every (row, name), and of (row, "Δ name") paired by seed against the baseline."""
    numbers: Numbers = {}
    for name in names:
        values = runs[name] if name in runs else pd.Series(dtype=float)
        for row in study.rows:
            numbers[row, name] = estimate(by_seed(values, row).tolist())
            if name in COMPARED and baseline and row != baseline:
                numbers[row, f"Δ {name}"] = estimate(paired(values, row, baseline).tolist())
    for row in study.rows:
        numbers[row, "runs"] = estimate([float(len(by_seed(runs["ok"], row)))])
    return numbers


def paired(values: pd.Series, row: str, baseline: str) -> pd.Series:
    """Return one row's values less the baseline's, by seed, of the seeds that both have."""
    return (by_seed(values, row) - by_seed(values, baseline)).dropna()


def by_seed(values: pd.Series, row: str) -> pd.Series:
    """Return one row's values by seed, in the order of seeds, without missing ones."""
    mine = values[values.index.get_level_values("row") == row] if len(values) else values
    return mine.droplevel("row").sort_index().dropna().astype(float) if len(mine) else pd.Series(dtype=float)
