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

BOUNDS = ("SourceOnly", "TargetOnly")
COMPARED = ("fid", "error")
COSTS = {
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
    names = [_name(study, group[0]) for group in groups.values()]
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
        rows = {record.spec["row"]: record.spec["settings"]["method"] for record in here}
        studies.append(
            Study(
                name=f"all-{scale}",
                about="every row recorded here",
                pairs=(pair,),
                rows=tuple(sorted(rows, key=lambda row: (rows[row] in BOUNDS, row))),
                seeds=tuple(sorted({record.spec["seed"] for record in here})),
                scale=scale,
            )
        )
    return studies


def _comparable(record: RunRecord) -> str:
    """Return what must be equal for two records to stand in one table: pair, extractor, budget and machine."""
    spec = record.spec
    return json.dumps(
        [*(spec[name] for name in ("pair", "extractor", "device", "budget")), record.host], sort_keys=True
    )


def _name(study: Study, record: RunRecord) -> str:
    return f"{study.name}--{record.spec['pair']}"


def _table(study: Study, records: Sequence[RunRecord], name: str) -> Table:
    settings = _settings(study, records)
    protocol = _protocol(records)
    frame = pd.DataFrame([_flat(record) for record in records])
    trained = [row for row in study.rows if row in settings and settings[row]["method"] not in BOUNDS]
    baseline = trained[0] if trained else None
    columns = varied([settings[row] for row in trained])
    names = [score for score in SCORES if score in frame and frame[score].notna().any()]
    numbers = _numbers(study, frame, [*names, *COSTS], baseline)
    first = records[0]
    return Table(
        name=name,
        title=f"{study.name}: {first.spec['pair']}",
        about=_about(study, first, protocol, baseline),
        scores=_scores(study, settings, columns, baseline, names, numbers, protocol),
        costs=_costs(study, numbers),
        notes=tuple(_notes(records)),
        frame=_plain(study, settings, columns, numbers),
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


def _scores(
    study: Study,
    settings: Mapping[str, Mapping[str, Any]],
    columns: Sequence[str],
    baseline: str | None,
    names: Sequence[str],
    numbers: Numbers,
    protocol: Mapping[str, Any],
) -> Grid:
    heads, cells, bold = ["method", *columns], [], set()
    for name in names:
        heads.append(SCORES[name].title.format(**protocol))
        heads += [f"Δ {SCORES[name].short}"] * (name in COMPARED and baseline is not None)
    for line, row in enumerate(study.rows):
        mine = settings.get(row, {})
        cells.append([row, *(_setting(mine, path) for path in columns)])
        for place, path in enumerate(columns, 1):
            if baseline and row != baseline and path in mine and mine[path] != settings[baseline].get(path):
                bold.add((line, place))
        for name in names:
            cells[-1].append(_written(numbers[row, name], SCORES[name].digits))
            if name in COMPARED and baseline is not None:
                difference = numbers.get((row, f"Δ {name}"))
                cells[-1].append(_written(difference, SCORES[name].digits, sign=True))
        done = numbers[row, "runs"]
        cells[-1].append(f"{int(done.mean) if done else 0}/{len(study.seeds)}")
    return Grid(
        heading="Scores", columns=(*heads, "runs"), cells=tuple(map(tuple, cells)), bold=frozenset(bold)
    )


def _costs(study: Study, numbers: Numbers) -> Grid:
    """Return means over seeds; a step's time is the median over windows, with the quartiles in brackets."""
    names = [name for name in COSTS if any(numbers[row, name] for row in study.rows)]
    cells = []
    for row in study.rows:
        plain = {
            name: f"{number.mean:.{COSTS[name][1]}f}" if (number := numbers[row, name]) else ""
            for name in COSTS
        }
        if plain["step_ms"]:
            plain["step_ms"] += f" [{plain['step_q1']}, {plain['step_q3']}]"
        cells.append((row, *(plain[name] for name in names if name not in QUARTILES)))
    heads = (COSTS[name][0] for name in names if name not in QUARTILES)
    return Grid(heading="Costs", columns=("method", *heads), cells=tuple(cells))


def _written(number: Estimate | None, digits: int | None, *, sign: bool = False) -> str:
    return number.written(digits, sign=sign) if number else ""


def _setting(settings: Mapping[str, Any], path: str) -> str:
    if path not in settings:
        return ""
    value = settings[path]
    return "–" if value is None else str(value)


def _about(study: Study, first: RunRecord, protocol: Mapping[str, Any], baseline: str | None) -> str:
    sizes = ", ".join(
        f"{split} {protocol[split]}" for split in ("source", "target", "test") if split in protocol
    )
    paired = f" Δ: paired by seed against {baseline}." if baseline else ""
    return (
        f"{study.about[0].upper()}{study.about[1:]}. Scale {study.scale}, seeds "
        f"{', '.join(map(str, study.seeds))}, {first.host.get('device')} ({first.host.get('threads')} threads); "
        f"images: {sizes}; data {protocol.get('data', 'unknown')}. "
        f"Mean ± 95 % t-interval over seeds.{paired} Lower is better for all but mean |R(x) − x|."
    )


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
            names += [SCORES[name].title] * (SCORES[name].title not in names)
    for (row, reason), titles in reasons.items():
        yield f"{row}: no {', no '.join(titles)}: {reason}"


def _plain(
    study: Study, settings: Mapping[str, Mapping[str, Any]], columns: Sequence[str], numbers: Numbers
) -> pd.DataFrame:
    """Return the table for machines: a column for every mean, half-width and count."""
    lines = []
    for row in study.rows:
        line: dict[str, Any] = {"method": row} | {path: settings.get(row, {}).get(path) for path in columns}
        for name in dict.fromkeys(name for _, name in numbers):
            number = numbers.get((row, name))
            if name == "runs":
                line[name] = int(number.mean) if number else 0
                continue
            line[f"{name} mean"] = number.mean if number else None
            line[f"{name} half"] = number.half if number else None
            line[f"{name} n"] = number.count if number else 0
        lines.append(line)
    return pd.DataFrame(lines)
