"""Records → tables. Nothing here trains, needs torch or knows a method: all comes from what the records hold."""

import json
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


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Cells as they are shown; ``bold`` holds the (row, column) of settings that differ from the baseline's."""

    heading: str
    columns: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]
    bold: frozenset[tuple[int, int]] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Table:
    """One comparison on one pair, scale and machine: ``scores`` and ``costs`` to show, ``frame`` with the numbers."""

    name: str
    title: str
    about: str
    scores: Grid
    costs: Grid
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


def tables_of(study: Study, records: Iterable[RunRecord]) -> list[Table]:
    """Return the tables of a study, one for each pair, machine and protocol that its records have.

    Raises :class:`UserMistake` where a row has records of two different settings.
    """
    groups: dict[str, list[RunRecord]] = {}
    for record in records_of(study, records):
        groups.setdefault(_comparable(record), []).append(record)
    names = [f"{study.name}--{group[0].spec['pair']}" for group in groups.values()]
    return [
        _table(study, group, name if names.count(name) == 1 else f"{name}--{number}")
        for number, (name, group) in enumerate(zip(names, groups.values(), strict=True), 1)
    ]


def studies_in(records: Sequence[RunRecord]) -> list[Study]:
    """Return one study for each pair and scale that the records hold, over all their rows and seeds."""
    places = dict.fromkeys((record.spec["pair"], record.spec["scale"]) for record in records)
    studies = []
    for pair, scale in places:
        here = [record for record in records if (record.spec["pair"], record.spec["scale"]) == (pair, scale)]
        rows, bounds = {record.spec["row"] for record in here}, _bounds(here)
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


def _bounds(records: Iterable[RunRecord]) -> set[str]:
    """Return the rows that trained nothing of their own: their finished runs have no parameters."""
    return {record.spec["row"] for record in records if record.status == OK and not record.parameters}


def _comparable(record: RunRecord) -> str:
    """Return what must be equal for two records to stand in one table: pair, extractor, task training and machine."""
    spec = record.spec
    place = [spec[name] for name in ("pair", "extractor", "device")]
    return json.dumps([*place, spec["budget"]["task_steps"], record.host], sort_keys=True)


@dataclass(frozen=True, kw_only=True)
class _Summary:
    """Everything that the grids of one table are made from."""

    study: Study
    settings: Mapping[str, Mapping[str, Any]]
    protocol: Mapping[str, Any]
    columns: Sequence[str]
    baseline: str | None
    scores: Sequence[str]
    numbers: "Numbers"

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


def _table(study: Study, records: Sequence[RunRecord], name: str) -> Table:
    settings = _settings(study, records)
    frame = pd.DataFrame([_flat(record) for record in records])
    bounds = _bounds(records)
    trained = [row for row in study.rows if row in settings and row not in bounds]
    baseline = trained[0] if trained else None
    scores = [score for score in SCORES if score in frame and frame[score].notna().any()]
    summary = _Summary(
        study=study,
        settings=settings,
        protocol=_protocol(records),
        columns=varied([settings[row] for row in trained]),
        baseline=baseline,
        scores=scores,
        numbers=_numbers(study, frame, [*scores, *COSTS], baseline),
    )
    return Table(
        name=name,
        title=f"{study.name}: {records[0].spec['pair']}",
        about=_about(summary, records[0].host),
        scores=_score_grid(summary),
        costs=_cost_grid(summary),
        notes=tuple(_notes(records)),
        frame=_plain(summary),
    )


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


Numbers = dict[tuple[str, str], Estimate | None]


def _numbers(study: Study, frame: pd.DataFrame, names: Sequence[str], baseline: str | None) -> Numbers:
    """Return the estimate of every (row, name), and of (row, "Δ name") paired by seed against the baseline."""
    numbers: Numbers = {}
    done = frame[frame["ok"]].set_index(["row", "seed"])
    for name in names:
        values = done[name] if name in done else pd.Series(dtype=float)
        for row in study.rows:
            mine = _of(values, row)
            numbers[row, name] = estimate(mine.tolist())
            if name in COMPARED and baseline and row != baseline:
                numbers[row, f"Δ {name}"] = estimate((mine - _of(values, baseline)).dropna().tolist())
    for row in study.rows:
        numbers[row, "runs"] = estimate([float(len(_of(done["ok"], row)))])
    return numbers


def _of(values: pd.Series, row: str) -> pd.Series:
    """Return one row's values by seed, in the order of seeds, without missing ones."""
    mine = values[values.index.get_level_values("row") == row] if len(values) else values
    return mine.droplevel("row").sort_index().dropna().astype(float) if len(mine) else pd.Series(dtype=float)


def _score_grid(summary: _Summary) -> Grid:
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


def _cost_grid(summary: _Summary) -> Grid:
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


def _about(summary: _Summary, host: Mapping[str, Any]) -> str:
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


def _neither(summary: _Summary) -> str:
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


def _plain(summary: _Summary) -> pd.DataFrame:
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
