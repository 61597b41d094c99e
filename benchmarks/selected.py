"""What a study says under other rules of choice: the error of a row's own model at the checkpoints that a rule picks.

That is the model that the method trains itself, or where it has none, the common task model trained on adapted source.
"""

from collections.abc import Mapping, Sequence

import pandas as pd

from benchmarks.grids import Grid
from benchmarks.records import OK, RunRecord
from benchmarks.selection import RULES, Rule, chosen
from benchmarks.statistics import Estimate, estimate
from benchmarks.summary import Summary

Chosen = Mapping[str, Mapping[int, Mapping[str, float]]]
"""The chosen checkpoint by row and seed."""


def rule_grid(summary: Summary, records: Sequence[RunRecord]) -> Grid | None:
    """Return the target error under every rule, a column each; ``None`` where no run has several checkpoints."""
    if not any(len(record.checkpoints) > 1 for record in records):
        return None
    picked = {name: _chosen(rule, records) for name, rule in RULES.items()}
    cells = [
        (row, *(_written(_over_seeds(picked[name], row, "error")) for name in RULES))
        for row in summary.study.rows
    ]
    heading = "Target error % of the row's own model by rule of choice"
    return Grid(heading=heading, columns=("method", *RULES), cells=tuple(cells))


def rule_grids(summary: Summary, records: Sequence[RunRecord]) -> list[Grid]:
    """Return one grid a rule: which step it picks, the error there, and its differences to baseline and last step."""
    last = _chosen(RULES["last"], records)
    return [_of_rule(name, _chosen(rule, records), last, summary) for name, rule in RULES.items()]


def chosen_runs(records: Sequence[RunRecord]) -> pd.DataFrame:
    """Return what every rule picks of every run: rule, method, seed, step, target error there, and the run's id."""
    ids = {(record.spec["row"], record.spec["seed"]): record.id for record in records}
    return pd.DataFrame(
        [
            {"rule": name, "method": row, "seed": seed, "step": one["step"], "error %": one["error"]}
            | {"run": ids[row, seed]}
            for name, rule in RULES.items()
            for row, runs in _chosen(rule, records).items()
            for seed, one in sorted(runs.items())
        ]
    )


def _of_rule(name: str, picked: Chosen, last: Chosen, summary: Summary) -> Grid:
    base = picked.get(summary.baseline or "", {})
    cells = []
    for row in summary.study.rows:
        mine = picked.get(row, {})
        to_base = [mine[seed]["error"] - base[seed]["error"] for seed in mine if seed in base]
        to_last = [mine[seed]["error"] - last[row][seed]["error"] for seed in mine]
        cells.append(
            (
                row,
                _written(_over_seeds(picked, row, "step"), digits=0),
                _written(_over_seeds(picked, row, "error")),
                "" if row == summary.baseline else _written(estimate(to_base), sign=True),
                _written(estimate(to_last), sign=True),
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


def _chosen(rule: Rule, records: Sequence[RunRecord]) -> Chosen:
    picked: dict[str, dict[int, Mapping[str, float]]] = {}
    for record in records:
        if record.status == OK and record.checkpoints and rule.criterion in record.checkpoints[0]:
            picked.setdefault(record.spec["row"], {})[record.spec["seed"]] = chosen(rule, record.checkpoints)
    return picked


def _over_seeds(picked: Chosen, row: str, name: str) -> Estimate | None:
    return estimate([one[name] for _, one in sorted(picked.get(row, {}).items())])


def _written(number: Estimate | None, digits: int = 1, *, sign: bool = False) -> str:
    return number.written(digits, sign=sign) if number else ""
