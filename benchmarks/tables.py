"""Records → tables. Nothing here trains, needs torch or knows a method: all comes from what the records hold."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from benchmarks.records import OK, RunRecord
from benchmarks.scores.catalogue import SCORES
from benchmarks.statistics import Estimate
from benchmarks.study import Study
from benchmarks.summary import BUDGET, COMPARED, COSTS, QUARTILES, Summary, bounds_in, summarise


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Cells as they are shown; ``bold`` holds the (row, column) of settings that differ from the baseline's."""

    heading: str
    columns: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]
    bold: frozenset[tuple[int, int]] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Table:
    """One comparison on one pair, scale and machine: ``grids`` to show, ``frame`` with the numbers."""

    name: str
    title: str
    about: str
    grids: tuple[Grid, ...]
    notes: tuple[str, ...]
    frame: pd.DataFrame


def records_of(study: Study, records: Iterable[RunRecord]) -> list[RunRecord]:
    """Return the records that belong to a study, pair after pair in the study's order."""
    mine = [
        record
        for record in records
        if record.spec["pair"] in study.pairs
        and record.spec["row"] in study.rows
        and record.spec["seed"] in study.seeds
        and record.spec["scale"] == study.scale
        and study.extractor in (None, record.spec["extractor"])
    ]
    return sorted(mine, key=lambda record: study.pairs.index(record.spec["pair"]))


def comparisons(study: Study, records: Iterable[RunRecord]) -> dict[str, list[RunRecord]]:
    """Return the records of a study by comparison: one for each pair, machine and protocol that they have."""
    groups: dict[str, list[RunRecord]] = {}
    for record in records_of(study, records):
        groups.setdefault(_comparable(record), []).append(record)
    names = [f"{study.name}--{group[0].spec['pair']}" for group in groups.values()]
    return {
        name if names.count(name) == 1 else f"{name}--{number}": group
        for number, (name, group) in enumerate(zip(names, groups.values(), strict=True), 1)
    }


def tables_of(study: Study, records: Iterable[RunRecord]) -> list[Table]:
    """Return the table of each comparison in a study.

    Raises :class:`UserMistake` where a row has records of two different settings.
    """
    return [_table(study, group, name) for name, group in comparisons(study, records).items()]


def studies_in(records: Sequence[RunRecord]) -> list[Study]:
    """Return one study for each pair and scale that the records hold, over all their rows and seeds."""
    places = dict.fromkeys((record.spec["pair"], record.spec["scale"]) for record in records)
    studies = []
    for pair, scale in places:
        here = [record for record in records if (record.spec["pair"], record.spec["scale"]) == (pair, scale)]
        rows, bounds = {record.spec["row"] for record in here}, bounds_in(here)
        studies.append(
            Study(
                name=f"all-{scale}",
                about="every row recorded here",
                pairs=(pair,),
                rows=tuple(sorted(rows, key=lambda row: (row in bounds, row))),
                seeds=tuple(sorted({record.spec["seed"] for record in here})),
                scale=scale,
            )
        )
    return studies


def _comparable(record: RunRecord) -> str:
    """Return what must be equal for two records to stand in one table: pair, extractor, task training and machine."""
    spec = record.spec
    place = [spec[name] for name in ("pair", "extractor", "device")]
    return json.dumps([*place, spec["budget"]["task_steps"], record.host], sort_keys=True)


def _table(study: Study, records: Sequence[RunRecord], name: str) -> Table:
    summary = summarise(study, records)
    return Table(
        name=name,
        title=f"{study.name}: {records[0].spec['pair']}",
        about=_about(summary, records[0].host),
        grids=(_score_grid(summary), _cost_grid(summary)),
        notes=tuple(_notes(records)),
        frame=_plain(summary),
    )


def _score_grid(summary: Summary) -> Grid:
    """Return settings that vary, scores, and differences to the baseline."""
    names = []
    for name in summary.scores:
        names += [name, f"Δ {name}"] if name in COMPARED and summary.baseline else [name]
    cells, bold = [], set()
    base = summary.settings[summary.baseline] if summary.baseline else {}
    for line, row in enumerate(summary.study.rows):
        mine = summary.settings.get(row, {})
        done = f"{summary.runs(row)}/{len(summary.study.seeds)}"
        settings = [_setting(mine, path) for path in summary.columns]
        cells.append((row, *settings, *(summary.shown(name, row) for name in names), done))
        bold |= {
            (line, place)
            for place, path in enumerate(summary.columns, 1)
            if base and path in mine and mine[path] != base.get(path)
        }
    heads = ("method", *summary.columns, *map(summary.title, names), "runs")
    return Grid(heading="Scores", columns=heads, cells=tuple(cells), bold=frozenset(bold))


def _cost_grid(summary: Summary) -> Grid:
    """Return means over seeds; a step's time is the median over windows, with the quartiles in brackets."""
    rows = summary.study.rows
    names = [name for name in COSTS if _tells(name, [summary.numbers[row, name] for row in rows])]
    cells = []
    for row in rows:
        plain = {}
        for name, (_, digits) in COSTS.items():
            number = summary.numbers[row, name]
            plain[name] = f"{number.mean:.{digits}f}" if number else ""
        if plain["step_ms"]:
            plain["step_ms"] += f" [{plain['step_q1']}, {plain['step_q3']}]"
        cells.append((row, *(plain[name] for name in names if name not in QUARTILES)))
    heads = (COSTS[name][0] for name in names if name not in QUARTILES)
    return Grid(heading="Costs", columns=("method", *heads), cells=tuple(cells))


def _tells(name: str, numbers: Sequence[Estimate | None]) -> bool:
    """Say whether a cost is worth a column: some row has it, and of the budget's that rows differ in it."""
    means = {number.mean for number in numbers if number}
    return len(means) > (name in BUDGET)


def _setting(settings: Mapping[str, Any], path: str) -> str:
    if path not in settings:
        return ""
    value = settings[path]
    return "–" if value is None else str(value)


def _about(summary: Summary, host: Mapping[str, Any]) -> str:
    study, protocol = summary.study, summary.protocol
    sizes = ", ".join(
        f"{split} {protocol[split]}" for split in ("source", "adapted", "target", "test") if split in protocol
    )
    identity = f" ({protocol['identity']})" if "identity" in protocol else ""
    paired = f" Δ: paired by seed against {summary.baseline}." if summary.baseline else ""
    return (
        f"{study.about[0].upper()}{study.about[1:]}. Scale {study.scale}, seeds "
        f"{', '.join(map(str, study.seeds))}, {host.get('device')} ({host.get('threads')} threads); "
        f"images: {sizes}; data {protocol.get('data', 'unknown')}{identity}. "
        f"Mean ± 95 % t-interval over seeds.{paired} Lower is better for all but {_neither(summary)}."
    )


def _neither(summary: Summary) -> str:
    """Return the titles of the scores that have no better way."""
    titles = [summary.title(name) for name in summary.scores if SCORES[name].better == "neither"]
    return " and ".join(titles) or "none"


def _notes(records: Sequence[RunRecord]) -> Iterable[str]:
    for record in records:
        run = f"{record.spec['row']}, seed {record.spec['seed']}"
        if record.status != OK:
            yield f"{run}: {record.status}: {record.reason}"
        for flag in record.flags:
            yield f"{run}: {flag}"
    reasons: dict[tuple[str, str], list[str]] = {}
    for record in records:
        for name, reason in record.blanks.items():
            names = reasons.setdefault((record.spec["row"], reason), [])
            names += [SCORES[name].short] * (SCORES[name].short not in names)
    for (row, reason), titles in reasons.items():
        yield f"{row}: no {', no '.join(titles)}: {reason}"


def _plain(summary: Summary) -> pd.DataFrame:
    """Return the table for machines: a column for every mean, half-width and count."""
    lines = []
    for row in summary.study.rows:
        settings = summary.settings.get(row, {})
        line: dict[str, Any] = {"method": row} | {path: settings.get(path) for path in summary.columns}
        for name in dict.fromkeys(name for _, name in summary.numbers if name != "runs"):
            number = summary.numbers.get((row, name))
            title = summary.title(name)
            line[f"{title} mean"] = number.mean if number else None
            line[f"{title} half"] = number.half if number else None
            line[f"{title} n"] = number.count if number else 0
        lines.append(line | {"runs": summary.runs(row)})
    return pd.DataFrame(lines)
