"""What a study says under other rules of choice: the error of a row's own model at the checkpoints that a rule picks.

That is the model that the method trains itself, or where it has none, the common task model trained on adapted source.
"""

from collections.abc import Mapping, Sequence

from benchmarks.records.record import OK, RunRecord
from benchmarks.records.selection import RULES, chosen
from benchmarks.statistics.estimates import estimate
from benchmarks.tables.cells import Columns, Grid
from benchmarks.tables.summary import Runs, Summary, Values, by_seed, less, paired

Choices = Mapping[str, Runs]
"""Step and error of the checkpoints that a rule chooses, by the rule's name."""


def choices(records: Sequence[RunRecord]) -> Choices:
    """Return what every rule chooses; nothing where no finished run has several checkpoints."""
    done = [record for record in records if record.status == OK and record.checkpoints]
    if not any(len(record.checkpoints) > 1 for record in done):
        return {}
    picked: dict[str, dict[str, dict[str, dict[int, float]]]] = {name: {} for name in RULES}
    for record in sorted(done, key=lambda one: (one.spec["row"], one.spec["seed"])):
        row, seed = record.spec["row"], record.spec["seed"]
        for name, rule in RULES.items():
            if rule.criterion in record.checkpoints[0]:
                one = chosen(rule, record.checkpoints)
                mine = picked[name].setdefault(row, {"step": {}, "error": {}})
                mine["step"][seed], mine["error"][seed] = one["step"], one["error"]
    return picked


def rule_grid(summary: Summary, picked: Choices) -> Grid | None:
    """Return the target error under every rule, a column each; ``None`` where nothing could be chosen."""
    if not picked:
        return None
    cells = [
        (row, *(_written(by_seed(choice, "error", row)) for choice in picked.values()))
        for row in summary.study.rows
    ]
    heading = "Target error % of the row's own model by rule of choice"
    return Grid(heading=heading, columns=("method", *RULES), cells=tuple(cells))


def rule_grids(summary: Summary, picked: Choices) -> list[Grid]:
    """Return one grid a rule: which step it picks, the error there, and its differences to baseline and last step."""
    return [_of_rule(name, choice, picked["last"], summary) for name, choice in picked.items()]


def chosen_runs(picked: Choices, records: Sequence[RunRecord]) -> Columns:
    """Return what every rule picks of every run: rule, method, seed, step, target error there, and the run's id."""
    runs = {(record.spec["row"], record.spec["seed"]): record.id for record in records}
    found = [(rule, row, mine) for rule, choice in picked.items() for row, mine in choice.items()]
    return {
        "rule": [rule for rule, _, mine in found for _ in mine["step"]],
        "method": [row for _, row, mine in found for _ in mine["step"]],
        "seed": [seed for *_, mine in found for seed in mine["step"]],
        "step": [step for *_, mine in found for step in mine["step"].values()],
        "error %": [error for *_, mine in found for error in mine["error"].values()],
        "run": [runs[row, seed] for _, row, mine in found for seed in mine["step"]],
    }


def _of_rule(name: str, picked: Runs, last: Runs, summary: Summary) -> Grid:
    baseline = summary.baseline or ""
    cells = []
    for row in summary.study.rows:
        mine = by_seed(picked, "error", row)
        cells.append(
            (
                row,
                _written(by_seed(picked, "step", row), digits=0),
                _written(mine),
                "" if row == baseline else _written(paired(picked, "error", row, baseline), sign=True),
                _written(less(mine, by_seed(last, "error", row)), sign=True),
                f"{len(mine)}/{len(summary.study.seeds)}",
            )
        )
    heads = (
        "method",
        "step",
        "error % of the row's own model",
        f"Δ to {summary.baseline}",
        "Δ to last",
        "runs",
    )
    return Grid(heading=f"{name}: {RULES[name].about}", columns=heads, cells=tuple(cells))


def _written(values: Values, digits: int = 1, *, sign: bool = False) -> str:
    number = estimate([*values.values()])
    return number.written(digits, sign=sign) if number else ""
