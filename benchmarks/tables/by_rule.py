"""What a study says under other rules of choice: the headline score of a row's own model at the checkpoints that a rule picks.

That is the model that the method trains itself, or where it has none, the common task model trained on adapted source.
"""

from collections.abc import Iterable, Mapping, Sequence

from benchmarks.records.record import OK, RunRecord
from benchmarks.records.selection import RULES, chosen
from benchmarks.statistics.estimates import estimate
from benchmarks.tables.cells import Columns, Grid
from benchmarks.tables.summary import Runs, Summary, Values, by_seed, less, paired

Choices = Mapping[str, Runs]
"""Step and headline score of the checkpoints that a rule chooses, by the rule's name."""


def choices(records: Sequence[RunRecord], headline: str) -> Choices:
    """Return what every rule chooses, where the task has this headline score.

    That is nothing where no finished run has several checkpoints, and for a rule whose criterion they lack.
    """
    done = [record for record in records if record.status == OK and record.checkpoints]
    if not any(len(record.checkpoints) > 1 for record in done):
        return {}
    picked: dict[str, dict[str, dict[str, dict[int, float]]]] = {name: {} for name in RULES}
    for record in sorted(done, key=lambda one: (one.spec["row"], one.spec["seed"])):
        row, seed = record.spec["row"], record.spec["seed"]
        for name, rule in RULES.items():
            if rule.criterion_of(headline) in record.checkpoints[0]:
                one = chosen(rule, record.checkpoints, headline)
                mine = picked[name].setdefault(row, {"step": {}, "score": {}})
                mine["step"][seed], mine["score"][seed] = one["step"], one[headline]
    return picked


def unchosen(records: Sequence[RunRecord], picked: Choices) -> Iterable[str]:
    """Yield why rules choose nothing, where their task is the reason."""
    names = [name for name, choice in picked.items() if not choice]
    done = [record for record in records if record.status == OK]
    if names and not any(record.task.get("probabilities", True) for record in done):
        task = done[0].task["name"]
        yield f"rules {', '.join(names)}: nothing is chosen: they go by probabilities, of which the task {task} has none"


def rule_grid(summary: Summary, picked: Choices) -> Grid | None:
    """Return the headline score under every rule, a column each; ``None`` where nothing could be chosen."""
    if not picked:
        return None
    cells = [
        (row, *(_written(summary, by_seed(choice, "score", row)) for choice in picked.values()))
        for row in summary.study.rows
    ]
    heading = f"Target {summary.known.headline.title} of the row's own model by rule of choice"
    return Grid(heading=heading, columns=("method", *RULES), cells=tuple(cells))


def rule_grids(summary: Summary, picked: Choices) -> list[Grid]:
    """Return one grid a rule: which step it picks, the headline score there, and its differences to baseline and last step."""
    return [_of_rule(name, choice, picked["last"], summary) for name, choice in picked.items()]


def chosen_runs(summary: Summary, picked: Choices, records: Sequence[RunRecord]) -> Columns:
    """Return what every rule picks of every run: rule, method, seed, step, headline score there, and the run's id."""
    runs = {(record.spec["row"], record.spec["seed"]): record.id for record in records}
    found = [(rule, row, mine) for rule, choice in picked.items() for row, mine in choice.items()]
    return {
        "rule": [rule for rule, _, mine in found for _ in mine["step"]],
        "method": [row for _, row, mine in found for _ in mine["step"]],
        "seed": [seed for *_, mine in found for seed in mine["step"]],
        "step": [step for *_, mine in found for step in mine["step"].values()],
        summary.known.headline.title: [score for *_, mine in found for score in mine["score"].values()],
        "run": [runs[row, seed] for _, row, mine in found for seed in mine["step"]],
    }


def _of_rule(name: str, picked: Runs, last: Runs, summary: Summary) -> Grid:
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
                f"{len(mine)}/{len(summary.study.seeds)}",
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
    number = estimate([*values.values()])
    return number.written(summary.known.headline.digits, sign=sign) if number else ""
