"""What a study says under other rules of choice: the error of a row's own model at the checkpoints that a rule picks.

That is the model that the method trains itself, or where it has none, the common task model trained on adapted source.
"""

from collections.abc import Mapping, Sequence

import pandas as pd

from benchmarks.grids import Grid
from benchmarks.records import OK, RunRecord
from benchmarks.selection import RULES, Rule, chosen
from benchmarks.statistics import estimate
from benchmarks.summary import Summary, by_seed

Choices = Mapping[str, pd.DataFrame]
"""What is chosen by the name of the rule: step, error and run of a checkpoint by (row, seed), in their order."""


def choices(records: Sequence[RunRecord]) -> Choices:
    """Return what every rule chooses; nothing where no finished run has several checkpoints."""
    if not any(record.status == OK and len(record.checkpoints) > 1 for record in records):
        return {}
    return {name: _chosen(rule, records) for name, rule in RULES.items()}


def rule_grid(summary: Summary, picked: Choices) -> Grid | None:
    """Return the target error under every rule, a column each; ``None`` where nothing could be chosen."""
    if not picked:
        return None
    cells = [
        (row, *(_written(by_seed(picked[name]["error"], row)) for name in RULES))
        for row in summary.study.rows
    ]
    heading = "Target error % of the row's own model by rule of choice"
    return Grid(heading=heading, columns=("method", *RULES), cells=tuple(cells))


def rule_grids(summary: Summary, picked: Choices) -> list[Grid]:
    """Return one grid a rule: which step it picks, the error there, and its differences to baseline and last step."""
    return [_of_rule(name, frame, picked["last"], summary) for name, frame in picked.items()]


def chosen_runs(picked: Choices) -> pd.DataFrame:
    """Return what every rule picks of every run: rule, method, seed, step, target error there, and the run's id."""
    there = {name: frame for name, frame in picked.items() if len(frame)}
    runs = pd.concat(there, names=["rule"]).reset_index()
    return runs.rename(columns={"row": "method", "error": "error %"})


def _of_rule(name: str, picked: pd.DataFrame, last: pd.DataFrame, summary: Summary) -> Grid:
    errors, baseline = picked["error"], summary.baseline or ""
    cells = []
    for row in summary.study.rows:
        mine = by_seed(errors, row)
        cells.append(
            (
                row,
                _written(by_seed(picked["step"], row), digits=0),
                _written(mine),
                "" if row == baseline else _written(mine - by_seed(errors, baseline), sign=True),
                _written(mine - by_seed(last["error"], row), sign=True),
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


def _chosen(rule: Rule, records: Sequence[RunRecord]) -> pd.DataFrame:
    lines = []
    for record in records:
        found = record.checkpoints
        if found and rule.criterion in found[0] and record.status == OK:
            one = chosen(rule, found)
            lines.append((record.spec["row"], record.spec["seed"], one["step"], one["error"], record.id))
    frame = pd.DataFrame(lines, columns=["row", "seed", "step", "error", "run"])
    return frame.set_index(["row", "seed"]).sort_index()


def _written(values: pd.Series, digits: int = 1, *, sign: bool = False) -> str:
    number = estimate(values.dropna().tolist())
    return number.written(digits, sign=sign) if number else ""
