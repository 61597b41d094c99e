"""Records of one table → its numbers: settings, protocol, scores and costs by row and seed. Needs no torch."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

from benchmarks.records.record import OK, RunRecord
from benchmarks.scores.catalogue import Score, TaskScores
from benchmarks.statistics.estimates import Estimate, Interval, bca_intervals, estimate, interquartile_mean
from benchmarks.statistics.significance import MIN_DIFFERENCES, holm, probability_of_improvement, sign_flip_p
from benchmarks.studies.study import Study
from benchmarks.tables.comparable import Key, keyed
from methods.settings import varied
from mistakes import UserMistake

COMPONENT = ("step_ms", "peak_mib", "parameters")  # costs whose difference to the baseline a component causes
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
NOTHING = "SourceOnly"  # the bound that adapts nothing; a row that is not clearly better is no winner
BUDGET = ("steps", "images_per_step")  # costs that have a column only if rows differ in them

Numbers = Mapping[tuple[str, str], Estimate | None]
"""Estimates by row and name."""
Intervals = Mapping[tuple[str, str], Interval | None]
"""Intervals by row and name."""
Values = Mapping[Key, float]
"""One number of a row's runs by key, in ascending order of the seeds."""
Runs = Mapping[str, Mapping[str, Values]]
"""Numbers of runs by row and name."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """How a row differs from the baseline in a score; lower values are better.

    All numbers but ``improvement`` come from differences paired by seed. ``bootstrap`` is the BCa interval of the mean.
    ``p`` is the sign-flip p-value after Holm's correction over the score's candidates. Both are ``None`` under
    ``MIN_DIFFERENCES`` pairs. ``middle`` is the interquartile mean. ``improvement`` is the probability that a run of
    the row is better than a run of the baseline.
    """

    row: str
    score: str
    mean: Estimate
    bootstrap: Interval | None
    middle: float
    improvement: float
    p: float | None


class Bootstraps(NamedTuple):
    """The BCa intervals of compared scores and of their paired differences to the baseline."""

    scores: Intervals
    differences: Intervals


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Everything that the grids of one table are made from.

    ``known`` holds all scores of the task, ``scores`` the names of the scores that some run has. ``runs`` holds the
    scores and costs of finished runs. ``done`` counts the finished runs of each row, ``planned`` its recorded runs and the
    seeds without any. ``means`` are taken over seeds.
    ``differences`` to the baseline are paired by seed; compared scores and the costs in ``COMPONENT`` have them.
    """

    study: Study
    settings: Mapping[str, Mapping[str, Any]]
    protocol: Mapping[str, Any]
    columns: Sequence[str]
    baseline: str | None
    bounds: Collection[str]
    known: TaskScores
    scores: Sequence[str]
    means: Numbers
    differences: Numbers
    runs: Runs
    done: Counter[str]
    planned: Mapping[str, int]

    @cached_property
    def bootstraps(self) -> Bootstraps:
        """The BCa intervals of every compared score and of its differences to the baseline, if there is a baseline."""
        cells = [(row, name) for name in self.compared for row in self.study.rows]
        samples = [by_seed(self.runs, name, row) for row, name in cells]
        if base := self.baseline:
            samples += [paired(self.runs, name, row, base) for row, name in cells]
        found = bca_intervals([[*values.values()] for values in samples])  # one call: samples share resamples
        return Bootstraps(
            scores=dict(zip(cells, found, strict=False)),
            differences=dict(zip(cells, found[len(cells) :], strict=False)),
        )

    @property
    def compared(self) -> list[str]:
        """The names of the scores that rows are compared by and that some run has."""
        return [name for name in self.known.compared if name in self.scores]

    def score(self, name: str) -> Score:
        """Return the score of this name, which says how a table shows it."""
        return self.known.scores[name]

    def title(self, name: str) -> str:
        """Return the title of a score or cost."""
        return name if name in COSTS else self.score(name).title.format(**self.protocol)

    def difference_title(self, name: str) -> str:
        """Return the title of the difference of a score or cost."""
        return f"Δ {COSTS[name][0].partition(' [')[0] if name in COSTS else self.score(name).short}"

    def shown(self, name: str, row: str) -> str:
        """Return the cell of a score, blank if the row has no such score."""
        number = self.means.get((row, name))
        return number.written(self.score(name).digits) if number else ""

    def difference_shown(self, name: str, row: str) -> str:
        """Return the cell of the difference of a score or cost, blank if there is no such difference."""
        number = self.differences.get((row, name))
        if number and name in COSTS and not number.half:
            number = replace(number, half=None)  # the same in every run, like a count of parameters
        digits = COSTS[name][1] if name in COSTS else self.score(name).digits
        return number.written(digits, sign=True) if number else ""

    def winner(self, name: str) -> str | None:
        """Return the trained row whose interval of a score is better than every other's and overlaps none of them.

        The others are the trained rows, of which there must be one, and the bound that adapts nothing. The winner has a
        value for every planned run. ``None`` without such a row, and for scores that mark none.
        """
        if name not in self.scores or self.score(name).better == "neither" or not self.score(name).marked:
            return None
        sign = 1 if self.score(name).better == "lower" else -1
        rows = [
            row
            for row in self.settings
            if row not in self.bounds or self.settings[row].get("method") == NOTHING
        ]
        found = {row: number for row in rows if (number := self.means[row, name])}
        if len(found.keys() - self.bounds) < 2 or any(number.half is None for number in found.values()):
            return None
        best, *others = sorted(found, key=lambda row: sign * found[row].mean)
        if best in self.bounds or found[best].count < self.planned[best]:
            return None
        gaps = [abs(found[row].mean - found[best].mean) - (found[row].half or 0) for row in others]
        return best if min(gaps) > (found[best].half or 0) else None

    @cached_property
    def own_models(self) -> Collection[str]:
        """The rows whose headline score is that of the task model that the method trains itself, in every run."""
        name = self.known.headline.name
        cells = {row: by_seed(self.runs, name, row) for row in self.runs}
        return [row for row, mine in cells.items() if mine and mine == by_seed(self.runs, f"own_{name}", row)]


def summarise(study: Study, records: Sequence[RunRecord]) -> Summary:
    """Return the numbers of the records of one table.

    Raises :class:`UserMistake` if a row has records of two different settings or budgets, or records differ in protocol.
    """
    settings = _settings(study, records)
    done = [record for record in records if record.status == OK]
    runs = finished(done)
    bounds = bounds_in(records)
    trained = [row for row in study.rows if row in settings and row not in bounds]
    baseline = next(iter(trained), None)
    known = known_scores(records)
    measured = {name for of_row in runs.values() for name in of_row}
    scores = [name for name in known.scores if name in measured]
    compared = [name for name in known.compared if name in measured]
    return Summary(
        study=study,
        settings=settings,
        protocol=_protocol(done),
        columns=varied([settings[row] for row in trained]),
        baseline=baseline,
        bounds=bounds,
        known=known,
        scores=scores,
        means=_means(study.rows, runs, [*scores, *COSTS]),
        differences=_differences(study.rows, runs, [*compared, *COMPONENT], baseline),
        runs=runs,
        done=Counter(record.row for record in done),
        planned={row: _planned(row, study, records) for row in study.rows},
    )


def _planned(row: str, study: Study, records: Sequence[RunRecord]) -> int:
    seeds = [record.seed for record in records if record.row == row]
    return len(seeds) + len({*study.seeds} - {*seeds})


def differences_to_baseline(summary: Summary) -> list[Difference]:
    """Return the difference of every row to the baseline in every compared score that both have, score by score.

    Holm's correction takes the p-values of one score together. Bounds are no candidates and have no p-value.
    """
    found: list[Difference] = []
    for score in summary.compared:
        runs, baseline = summary.runs, summary.baseline or ""
        gaps = {row: [*paired(runs, score, row, baseline).values()] for row in summary.study.rows}
        gaps = {row: gap for row, gap in gaps.items() if gap and row != summary.baseline}
        candidates = [row for row in gaps if row not in summary.bounds]
        p = dict(zip(candidates, holm([sign_flip_p(gaps[row]) for row in candidates]), strict=True))
        theirs = [*by_seed(runs, score, baseline).values()]
        for row, gap in gaps.items():
            mean = estimate(gap)
            assert mean is not None
            found.append(
                Difference(
                    row=row,
                    score=score,
                    mean=mean,
                    bootstrap=summary.bootstraps.differences[row, score]
                    if len(gap) >= MIN_DIFFERENCES
                    else None,
                    middle=interquartile_mean(gap),
                    improvement=probability_of_improvement([*by_seed(runs, score, row).values()], theirs),
                    p=p.get(row),
                )
            )
    return found


def known_scores(records: Iterable[RunRecord]) -> TaskScores:
    """Return the scores of the records' task; the first finished run tells the task."""
    return TaskScores.of(next((record.task for record in records if record.status == OK), {}))


def finished(records: Iterable[RunRecord]) -> Runs:
    """Return the scores and costs of the finished runs among these records."""
    runs: dict[str, defaultdict[str, dict[Key, float]]] = {}
    for key, record in keyed(record for record in records if record.status == OK):
        of_row = runs.setdefault(record.row, defaultdict(dict))
        for name, value in _numbers_of(record).items():
            if value is not None:
                of_row[name][key] = value
    return runs


def bounds_in(records: Iterable[RunRecord]) -> set[str]:
    """Return the rows whose records say that they are bounds."""
    return {record.row for record in records if record.bound}


def _protocol(records: Sequence[RunRecord]) -> Mapping[str, Any]:
    """Return the protocol that all finished records share; raises :class:`UserMistake` if two differ."""
    if not records:
        return {}
    first = records[0]
    for record in records:
        if record.protocol != first.protocol:
            raise UserMistake(
                f"records {first.id!r} and {record.id!r} were scored on different data or with different extractors; "
                "allowed: one of them in a table. Delete the folders of the older."
            )
    return first.protocol


def _settings(study: Study, records: Sequence[RunRecord]) -> dict[str, Mapping[str, Any]]:
    """Return the settings of every recorded row.

    Raises :class:`UserMistake` if two records of a row differ in settings or budget.
    """
    found: dict[str, RunRecord] = {}
    for record in records:
        other = found.setdefault(record.row, record)
        if any(other.spec[part] != record.spec[part] for part in ("settings", "budget")):
            raise UserMistake(
                f"method {record.spec['row']!r} has records of two different settings or budgets, {other.id!r} and "
                f"{record.id!r}; allowed: one. Delete the folders of the older."
            )
    return {row: found[row].spec["settings"] for row in study.rows if row in found}


def _numbers_of(record: RunRecord) -> dict[str, float | None]:
    """Return the scores and costs of one run."""
    found = dict(record.scores)
    if median := record.step_ms.get("median"):
        found |= {"step_ms": median, "step_q1": record.step_ms["q1"], "step_q3": record.step_ms["q3"]}
        found["images_per_second"] = 1000 * record.images_per_step / median
        found |= {"steps": record.spec["budget"]["steps"], "images_per_step": record.images_per_step}
    return found | {
        "peak_mib": record.peak_mib,
        "parameters": sum(record.parameters.values()) or None,
        **record.seconds,
    }


def _means(rows: Sequence[str], runs: Runs, names: Sequence[str]) -> Numbers:
    """Return the mean over seeds of every row in these scores and costs."""
    return {(row, name): estimate([*by_seed(runs, name, row).values()]) for name in names for row in rows}


def _differences(rows: Sequence[str], runs: Runs, names: Sequence[str], baseline: str | None) -> Numbers:
    """Return the mean difference of every row to the baseline in these scores and costs."""
    if baseline is None:
        return {}
    return {
        (row, name): estimate([*paired(runs, name, row, baseline).values()])
        for name in names
        for row in rows
        if row != baseline
    }


def paired(runs: Runs, name: str, row: str, baseline: str) -> Values:
    """Return a row's values of a score or cost less the baseline's, for the seeds that both have."""
    return less(by_seed(runs, name, row), by_seed(runs, name, baseline))


def less(mine: Values, theirs: Values) -> Values:
    """Return ``mine`` less ``theirs`` for the seeds that both have."""
    return {seed: value - theirs[seed] for seed, value in mine.items() if seed in theirs}


def by_seed(runs: Runs, name: str, row: str) -> Values:
    """Return a row's values of a score or cost, empty if it has none."""
    return runs.get(row, {}).get(name, {})
