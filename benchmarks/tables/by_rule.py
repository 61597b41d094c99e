"""The headline score of each row's own model at the snapshots that each rule chooses.

A row's own model is the task model that the method trains. A method without a task model is scored by the common task
model, trained on adapted source images.
"""

from collections.abc import Iterable, Mapping, Sequence

from benchmarks.records.record import OK, RunRecord
from benchmarks.records.selection import RULES, chosen
from benchmarks.statistics.estimates import estimate
from benchmarks.tables.cells import Columns, Grid
from benchmarks.tables.comparable import Key, keyed
from benchmarks.tables.summary import Runs, Summary, Values, by_seed, less, paired

Choices = Mapping[str, Runs]
"""Step ("step") and headline score ("score") of the chosen snapshots, by the rule's name."""


def choices(records: Sequence[RunRecord], headline: str) -> Choices:
    """Return the snapshots that every rule chooses; ``headline`` names the task's headline score.

    No rule is listed if no finished run has several snapshots. A rule chooses nothing if snapshots lack its criterion.
    """
    done = _with_snapshots(records)
    if not any(len(record.snapshots) > 1 for record in done):
        return {}
    picked: dict[str, dict[str, dict[str, dict[Key, float]]]] = {name: {} for name in RULES}
    for key, record in sorted(keyed(done), key=lambda one: one[1].row):
        row = record.row
        for name, rule in RULES.items():
            if rule.criterion_of(headline) in record.snapshots[0]:
                snapshot = chosen(rule, record.snapshots, headline)
                mine = picked[name].setdefault(row, {"step": {}, "score": {}})
                mine["step"][key], mine["score"][key] = snapshot["step"], snapshot[headline]
    return picked


def _with_snapshots(records: Sequence[RunRecord]) -> list[RunRecord]:
    return [record for record in records if record.status == OK and record.snapshots]


def unchosen(records: Sequence[RunRecord], picked: Choices) -> Iterable[str]:
    """Yield a note on the rules that choose nothing because the task has no probabilities."""
    names = [name for name, choice in picked.items() if not choice]
    done = [record for record in records if record.status == OK]
    if names and not any(record.task.get("probabilities", True) for record in done):
        task = done[0].task["name"]
        yield f"rules {', '.join(names)}: nothing is chosen: they go by probabilities, of which the task {task} has none"


def rule_grid(summary: Summary, picked: Choices) -> Grid | None:
    """Return the headline score under each rule, one column a rule; ``None`` if there is nothing to choose."""
    if not picked:
        return None
    cells = [
        (row, *(_written(summary, by_seed(choice, "score", row)) for choice in picked.values()))
        for row in summary.study.rows
    ]
    heading = f"Target {summary.known.headline.title} of the row's own model by rule of choice"
    return Grid(heading=heading, columns=("method", *RULES), cells=tuple(cells))


def rule_grids(summary: Summary, picked: Choices) -> list[Grid]:
    """Return one grid a rule: chosen step, headline score there, and its differences to the baseline and to the last step."""
    return [_of_rule(name, choice, picked["last"], summary) for name, choice in picked.items()]


def chosen_runs(summary: Summary, picked: Choices, records: Sequence[RunRecord]) -> Columns:
    """Return one line for each rule and run: rule, method, seed, chosen step, headline score there, and the run's id."""
    runs = {(record.row, key): record for key, record in keyed(_with_snapshots(records))}
    lines = [
        (rule, row, runs[row, key].seed, step, mine["score"][key], runs[row, key].id)
        for rule, choice in picked.items()
        for row, mine in choice.items()
        for key, step in mine["step"].items()
    ]
    heads = ("rule", "method", "seed", "step", summary.known.headline.title, "run")
    return {head: [line[place] for line in lines] for place, head in enumerate(heads)}


def _of_rule(name: str, picked: Runs, last: Runs, summary: Summary) -> Grid:
    """Return the grid of one rule; ``last`` holds the snapshots of the last step."""
    baseline = summary.baseline or ""
    cells = []
    for row in summary.study.rows:
        mine, step = by_seed(picked, "score", row), estimate([*by_seed(picked, "step", row).values()])
        cells.append(
            (
                row,
                "" if step is None else step.written(0),
                _written(summary, mine),
                ""
                if row == baseline
                else _written(summary, paired(picked, "score", row, baseline), sign=True),
                _written(summary, less(mine, by_seed(last, "score", row)), sign=True),
                f"{len(mine)}/{summary.planned[row]}",
            )
        )
    heads = (
        "method",
        "step",
        f"{summary.known.headline.title} of the row's own model",
        f"Δ to {summary.baseline}",
        "Δ to last",
        "runs",
    )
    about = RULES[name].about.format(headline=summary.known.headline.words)
    return Grid(heading=f"{name}: {about}", columns=heads, cells=tuple(cells))


def _written(summary: Summary, values: Values, *, sign: bool = False) -> str:
    """Return the cell of the mean of these headline scores, blank without values."""
    number = estimate([*values.values()])
    return number.written(summary.known.headline.digits, sign=sign) if number else ""
