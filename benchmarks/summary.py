"""Records of one table → its numbers: settings, protocol, scores and costs by row, paired by seed. Needs no torch."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from benchmarks.records import OK, RunRecord
from benchmarks.scores.catalogue import SCORES
from benchmarks.significance import FEWEST, holm, probability_of_improvement, sign_flip_p
from benchmarks.statistics import Estimate, bca_interval, estimate, interquartile_mean
from benchmarks.study import Study
from methods.settings import varied
from mistakes import UserMistake

COMPARED = ("fid", "error", "own_error")
COMPONENT = (
    "step_ms",
    "peak_mib",
    "parameters",
)  # costs whose difference to the baseline is a component's own
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
    "checkpoints": ("checkpoints s", 1),
}
QUARTILES = ("step_q1", "step_q3")
BUDGET = ("steps", "images_per_step")  # columns only where rows differ in them

Numbers = dict[tuple[str, str], Estimate | None]


@dataclass(frozen=True, kw_only=True)
class Difference:
    """How a row differs from the baseline in a score, lower being better: paired by seed, but for ``improvement``.

    ``bootstrap`` is the BCa interval of the mean, ``p`` the sign-flip p-value after Holm over all rows of the table;
    both are ``None`` under ``FEWEST`` pairs. ``middle`` is the interquartile mean. ``improvement`` is the chance that a run of the row is better.
    """

    row: str
    score: str
    mean: Estimate
    bootstrap: tuple[float, float] | None
    middle: float
    improvement: float
    p: float | None


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Everything that the grids of one table are made from; ``runs`` holds scores and costs by (row, seed)."""

    study: Study
    settings: Mapping[str, Mapping[str, Any]]
    protocol: Mapping[str, Any]
    columns: Sequence[str]
    baseline: str | None
    bounds: Collection[str]
    scores: Sequence[str]
    numbers: Numbers
    runs: pd.DataFrame

    def title(self, name: str) -> str:
        """Return how a score or cost, or the difference of one, is titled."""
        if name.startswith("Δ "):
            plain = name[2:]
            return f"Δ {SCORES[plain].short if plain in SCORES else COSTS[plain][0].partition(' [')[0]}"
        return SCORES[name].title.format(**self.protocol) if name in SCORES else name

    def shown(self, name: str, row: str) -> str:
        """Return the cell of a score, or of the difference of a score or cost."""
        number, plain = self.numbers.get((row, name)), name.removeprefix("Δ ")
        if number and plain in COSTS and not number.half:
            number = replace(number, half=None)  # the same in every run, like a count of parameters
        digits = SCORES[plain].digits if plain in SCORES else COSTS[plain][1]
        return number.written(digits, sign=name.startswith("Δ ")) if number else ""

    def done(self, row: str) -> int:
        """Return how many runs of a row are done."""
        number = self.numbers[row, "runs"]
        return int(number.mean) if number else 0

    def winner(self, name: str) -> str | None:
        """Return the trained row whose interval of a score lies apart from, and better than, that of every other."""
        if name not in SCORES or SCORES[name].better == "neither":
            return None
        sign = 1 if SCORES[name].better == "lower" else -1
        rows = [row for row in self.settings if row not in self.bounds]
        found = {row: number for row in rows if (number := self.numbers[row, name])}
        if len(found) < 2 or any(number.half is None for number in found.values()):
            return None
        best, *others = sorted(found, key=lambda row: sign * found[row].mean)
        gaps = [abs(found[row].mean - found[best].mean) - (found[row].half or 0) for row in others]
        return best if min(gaps) > (found[best].half or 0) else None


def summarise(study: Study, records: Sequence[RunRecord]) -> Summary:
    """Return the numbers of the records of one table.

    Raises :class:`UserMistake` where a row has records of two different settings or budgets, or of two data sets.
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
        bounds=bounds,
        scores=scores,
        numbers=_numbers(study, runs, [*scores, *COSTS], baseline),
        runs=runs,
    )


def differences(summary: Summary) -> list[Difference]:
    """Return the differences of every row to the baseline in every compared score that both have, score by score.

    Each score's p-values are corrected together, those of the bounds left out: they are no candidates.
    """
    found: list[Difference] = []
    for score in [name for name in COMPARED if name in summary.scores]:
        values = summary.runs[score]
        gaps = {row: paired(values, row, summary.baseline or "").tolist() for row in summary.study.rows}
        gaps = {row: gap for row, gap in gaps.items() if gap and row != summary.baseline}
        candidates = [row for row in gaps if row not in summary.bounds]
        p = dict(zip(candidates, holm([sign_flip_p(gaps[row]) for row in candidates]), strict=True))
        theirs = by_seed(values, summary.baseline or "").tolist()
        for row, gap in gaps.items():
            mean = estimate(gap)
            assert mean is not None
            found.append(
                Difference(
                    row=row,
                    score=score,
                    mean=mean,
                    bootstrap=bca_interval(gap) if len(gap) >= FEWEST else None,
                    middle=interquartile_mean(gap),
                    improvement=probability_of_improvement(by_seed(values, row).tolist(), theirs),
                    p=p.get(row),
                )
            )
    return found


def finished(records: Sequence[RunRecord]) -> pd.DataFrame:
    """Return scores and costs of every finished run, a column each, by (row, seed), in their order."""
    frame = pd.DataFrame([_flat(record) for record in records])
    return frame[frame["ok"]].set_index(["row", "seed"]).sort_index()


def bounds_in(records: Iterable[RunRecord]) -> set[str]:
    """Return the rows that train nothing of their own: no finished run has parameters.

    Of a row without finished runs, that its settings are nothing but its name must do.
    """
    rows: dict[str, list[RunRecord]] = {}
    for record in records:
        rows.setdefault(record.spec["row"], []).append(record)
    return {row for row, found in rows.items() if _trains_nothing(found)}


def _trains_nothing(found: Sequence[RunRecord]) -> bool:
    done = [record for record in found if record.status == OK]
    if done:
        return not any(record.parameters for record in done)
    return set(found[0].spec["settings"]) == {"method"}


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
        if any(other.spec[part] != record.spec[part] for part in ("settings", "budget")):
            raise UserMistake(
                f"method {record.spec['row']!r} has records of two different settings or budgets, {other.id!r} and "
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
        found = {row: by_seed(values, row) for row in study.rows}
        for row, mine in found.items():
            numbers[row, name] = estimate(mine.tolist())
            if name in (*COMPARED, *COMPONENT) and baseline and row != baseline:
                numbers[row, f"Δ {name}"] = estimate((mine - found[baseline]).dropna().tolist())
    for row in study.rows:
        numbers[row, "runs"] = estimate([float(len(by_seed(runs["ok"], row)))])
    return numbers


def paired(values: pd.Series, row: str, baseline: str) -> pd.Series:
    """Return one row's values less the baseline's, by seed, of the seeds that both have."""
    return (by_seed(values, row) - by_seed(values, baseline)).dropna()


def by_seed(values: pd.Series, row: str) -> pd.Series:
    """Return one row's values by seed, in the order of seeds, without missing ones."""
    return values.loc[row].dropna().astype(float) if row in values.index else pd.Series(dtype=float)
