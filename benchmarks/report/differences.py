"""How any two rows of a table differ: in scores, paired by seed, and in settings. Needs no torch."""

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.records.record import OK, RunRecord
from benchmarks.scores.catalogue import Score
from benchmarks.statistics.estimates import Estimate, estimate
from benchmarks.tables.summary import Runs, Values, by_seed, finished, known_scores, paired


def row_differences(rows: Sequence[str], records: Sequence[RunRecord]) -> dict[str, Any]:
    """Return the data that a page looks up, as lists in the order of ``rows``, ``scores`` and ``paths``.

    ``means[row][score]`` is text. ``differences[row][other][score]`` holds the mean of row − other as text, the number
    of shared seeds and the place of its 95 % interval, or is ``None`` without a shared seed. ``settings[row][path]`` is
    text, or ``None`` where a row has no such setting.
    """
    scores, runs = scores_in(records), finished(records)
    settings = settings_of(rows, records)
    paths = paths_in(settings)
    return {
        "rows": list(rows),
        "scores": [score.short for score in scores.values()],
        "means": [[_mean(score, by_seed(runs, name, row)) for name, score in scores.items()] for row in rows],
        "differences": [[_differences(scores, runs, row, other) for other in rows] for row in rows],
        "paths": paths,
        "settings": [[settings[row].get(path) for path in paths] for row in rows],
    }


def scores_in(records: Sequence[RunRecord]) -> dict[str, Score]:
    """Return by name the scores that any finished run of one task has, in the order of a table's columns."""
    done = [record.scores for record in records if record.status == OK]
    known = known_scores(records).scores
    return {name: one for name, one in known.items() if any(mine.get(name) is not None for mine in done)}


def settings_of(rows: Sequence[str], records: Sequence[RunRecord]) -> dict[str, dict[str, str]]:
    """Return the settings of each row, then its budget, as text by path."""
    specs = {row: next(record.spec for record in records if record.spec["row"] == row) for row in rows}
    found = {}
    for row, spec in specs.items():
        budget = {f"budget.{name}": value for name, value in spec["budget"].items()}
        values = {**spec["settings"], **budget}
        found[row] = {path: "–" if value is None else str(value) for path, value in values.items()}
    return found


def paths_in(settings: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Return the paths of all rows' settings, the budget's last."""
    paths = dict.fromkeys(path for mine in settings.values() for path in mine)
    return sorted(paths, key=lambda path: path.startswith("budget."))


def _mean(score: Score, values: Values) -> str:
    number = estimate([*values.values()])
    return number.written(score.digits) if number else ""


def _differences(
    scores: Mapping[str, Score], runs: Runs, row: str, other: str
) -> list[list[str | int] | None]:
    return [_difference(score, paired(runs, name, row, other)) for name, score in scores.items()]


def _difference(score: Score, gaps: Values) -> list[str | int] | None:
    number = estimate([*gaps.values()])
    if number is None:
        return None
    return [number.written(score.digits, sign=True), number.count, _place(number)]


def _place(number: Estimate) -> str:
    """Say on which side of 0 the 95 % interval lies."""
    if number.half is None:
        return "none: one seed"
    if abs(number.mean) <= number.half:
        return "includes 0"
    return "below 0" if number.mean < 0 else "above 0"
