"""Records → tables. Everything comes from the records: this module trains nothing, knows no method and needs no torch."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from benchmarks.records.record import OK, RunRecord
from benchmarks.statistics.estimates import Estimate, interquartile_mean, worst_case
from benchmarks.statistics.significance import MIN_DIFFERENCES
from benchmarks.studies.study import Study
from benchmarks.tables.by_rule import Choices, choices, chosen_runs, rule_grid, rule_grids, unchosen
from benchmarks.tables.cells import Columns, Grid
from benchmarks.tables.comparable import Comparable, comparisons, machines_said
from benchmarks.tables.grids import (
    cost_grid,
    difference_grid,
    floor_grid,
    image_grid,
    realism_grid,
    score_grid,
    seeds_said,
)
from benchmarks.tables.summary import Summary, bounds_in, by_seed, summarise

if TYPE_CHECKING:  # tables need no pandas, whose import takes as long as reading thousands of records
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Table:
    """One comparison on one pair, scale and machine: ``grids`` for readers, ``columns`` for machines.

    Both are made from ``records``. ``selection`` is the table of the rules that choose snapshots, ``None`` if no run has
    several; its ``columns`` hold the chosen snapshots.
    """

    name: str
    title: str
    about: str
    grids: tuple[Grid, ...]
    notes: tuple[str, ...]
    columns: Columns
    records: tuple[RunRecord, ...]
    selection: "Table | None" = None

    @property
    def frame(self) -> "pd.DataFrame":
        """The columns as a pandas frame, for notebooks."""
        import pandas as pd

        return pd.DataFrame(self.columns)

    @property
    def runs(self) -> Columns:
        """Every run with its seed, status, scores, step time and id."""
        runs = sorted(self.records, key=lambda record: (record.row, record.seed))
        names = _names(record.scores for record in runs)
        lines = (
            (
                record.row,
                record.seed,
                record.status,
                *map(record.scores.get, names),
                record.step_ms.get("median"),
                record.id,
            )
            for record in runs
        )
        heads = ("method", "seed", "status", *names, "ms / step", "run")
        return dict(zip(heads, zip(*lines, strict=True), strict=False))


def tables_of(study: Study, records: Iterable[RunRecord], pool: bool = False) -> list[Table]:
    """Return the table of each comparison in a study; ``pool`` takes scores of several machines together.

    Raises :class:`UserMistake` if a row has records of two different settings or budgets, or records differ in protocol.
    """
    return [_table(study, comparison) for comparison in comparisons(study, records, pool)]


def studies_in(records: Sequence[RunRecord]) -> list[Study]:
    """Return a study for each recorded pair and scale, with all recorded rows and seeds."""
    places = dict.fromkeys((record.pair, record.scale) for record in records)
    studies = []
    for pair, scale in places:
        here = [record for record in records if (record.pair, record.scale) == (pair, scale)]
        rows, bounds = {record.row for record in here}, bounds_in(here)
        studies.append(
            Study(
                name=f"all-{scale}",
                about="every row recorded here",
                pairs=(pair,),
                rows=tuple(sorted(rows, key=lambda row: (row in bounds, row))),
                seeds=tuple(sorted({record.seed for record in here})),
                scale=scale,
            )
        )
    return studies


def _table(study: Study, comparison: Comparable) -> Table:
    """Return the table of one comparison."""
    records = comparison.records
    summary = summarise(study, records)
    picked = choices(records, summary.known.headline.name)
    grids = (
        score_grid(summary),
        difference_grid(summary),
        realism_grid(summary, records),
        image_grid(summary),
        rule_grid(summary, picked),
        floor_grid(summary, records),
        cost_grid(summary, records),
    )
    table = Table(
        name=comparison.name,
        title=f"{study.heading}: {records[0].spec['pair']}",
        about=_about(summary, records),
        grids=tuple(grid for grid in grids if grid),
        notes=(
            *comparison.notes,
            *_failures(summary, records),
            *_blanks(summary, records),
            *unchosen(records, picked),
        ),
        columns=_columns(summary),
        records=tuple(records),
    )
    return replace(table, selection=_selection(table, summary, picked)) if picked else table


def _selection(table: Table, summary: Summary, picked: Choices) -> Table:
    """Return the table of the rules that choose snapshots."""
    return replace(
        table,
        name=f"{table.name}--selection",
        about=f"{table.about} The default rule is last; oracle looks at the test labels.",
        grids=tuple(rule_grids(summary, picked)),
        notes=tuple(unchosen(table.records, picked)),
        columns=chosen_runs(summary, picked, table.records),
        records=(),
    )


def _about(summary: Summary, records: Sequence[RunRecord]) -> str:
    """Return the paragraph below a table's title: study, seeds, machines, data, and how to read the numbers."""
    study, protocol = summary.study, summary.protocol
    sizes = ", ".join(
        f"{split} {protocol[split]}"
        for split in ("source", "validation", "adapted", "target", "test")
        if split in protocol
    )
    identity = f" ({protocol['identity']})" if "identity" in protocol else ""
    paired = f" Δ: to {summary.baseline}, paired by seed." if summary.baseline else ""
    warning = f"{study.warning} " if study.warning else ""
    return (
        f"{warning}{study.about[0].upper()}{study.about[1:]}. Scale {study.scale}, seeds "
        f"{seeds_said(study.seeds)}, {machines_said(records)}; "
        f"images: {sizes}; data {protocol.get('data', 'unknown')}{identity}. "
        f"Mean ± 95 % t-interval over seeds.{paired} {_directions(summary)}"
        "Bold: settings other than the baseline's, and a trained row's score, all runs done, whose interval is better than "
        "every other trained row's and source-only's and lies apart from them."
    )


def _directions(summary: Summary) -> str:
    """Return sentences that name the scores for which lower is not better."""
    ways = {"higher": "Higher is better for", "neither": "No way is better for"}
    said = "Lower is better unless said. "
    for way, words in ways.items():
        titles = [summary.score(name).short for name in summary.scores if summary.score(name).better == way]
        said += f"{words} {', '.join(titles)}. " if titles else ""
    return said


def _failures(summary: Summary, records: Sequence[RunRecord]) -> Iterable[str]:
    """Yield a note for every failed or flagged run, and the worst possible mean of every row with failed runs.

    A row without finished runs has that mean for the headline score alone: it may lack the others.
    """
    for record in records:
        run = f"{record.spec['row']}, seed {record.spec['seed']}"
        if record.status != OK:
            yield f"{run}: {record.status}: {record.reason}"
        for flag in record.flags:
            yield f"{run}: {flag}"
    for row in dict.fromkeys(record.row for record in records if record.status != OK):
        for name in [name for name in summary.scores if summary.score(name).worst is not None]:
            values, planned = [*by_seed(summary.runs, name, row).values()], summary.planned[row]
            if values or (not summary.done[row] and name == summary.known.headline.name):
                bound = worst_case(values, planned, summary.score(name).worst or 0)
                yield (
                    f"{row}: {len(values)} of {planned} runs done; {summary.score(name).short} would be {bound:.1f} "
                    "were the others as bad as can be"
                )
        if summary.done[row]:
            yield f"{row}: every mean, difference and P(better) is of its finished runs alone"


def _blanks(summary: Summary, records: Sequence[RunRecord]) -> Iterable[str]:
    """Yield why scores are missing; rows that lack the same scores for the same reason share a note."""
    blanks: dict[tuple[str, str], list[str]] = {}
    for record in records:
        for name, reason in record.blanks.items():
            names = blanks.setdefault((record.row, reason), [])
            if (short := summary.score(name).short) not in names:
                names.append(short)
    rows: dict[tuple[str, str], list[str]] = {}
    for (row, reason), names in blanks.items():
        rows.setdefault((", no ".join(names), reason), []).append(row)
    for (names_said, reason), of_rows in rows.items():
        yield f"{', '.join(of_rows)}: no {names_said}: {reason}"


def _columns(summary: Summary) -> Columns:
    """Return the table for machines: mean, half-width and count of every number.

    Compared scores also have an interquartile mean and, from ``MIN_DIFFERENCES`` seeds on, a BCa interval.
    """
    lines = []
    for row in summary.study.rows:
        settings = summary.settings.get(row, {})
        line: dict[str, Any] = {"method": row} | {path: settings.get(path) for path in summary.columns}
        for name in dict.fromkeys(name for _, name in summary.means):
            line |= _estimated(summary.title(name), summary.means[row, name])
            if name in summary.compared:
                line |= _more_of(name, row, summary)
            if any((other, name) in summary.differences for other in summary.study.rows):
                line |= _estimated(summary.difference_title(name), summary.differences.get((row, name)))
        lines.append(line | {"runs": summary.done[row]})
    return {name: [line.get(name) for line in lines] for name in _names(lines)}


def _estimated(title: str, number: Estimate | None) -> dict[str, Any]:
    """Return mean, half-width and count of an estimate by the titles of their columns."""
    if number is None:
        return {f"{title} mean": None, f"{title} half": None, f"{title} n": 0}
    return {f"{title} mean": number.mean, f"{title} half": number.half, f"{title} n": number.count}


def _more_of(name: str, row: str, summary: Summary) -> dict[str, Any]:
    """Return the BCa interval and the interquartile mean of a compared score; nothing if the row has no such score."""
    values, title = [*by_seed(summary.runs, name, row).values()], summary.title(name)
    if not values:
        return {}
    enough = len(values) >= MIN_DIFFERENCES  # with fewer the interval is far too short
    low, high = (summary.bootstraps.scores[row, name] if enough else None) or (None, None)
    return {f"{title} BCa low": low, f"{title} BCa high": high, f"{title} IQM": interquartile_mean(values)}


def _names(lines: Iterable[Iterable[str]]) -> Iterable[str]:
    """Return the names of all lines in order of appearance, each once."""
    return dict.fromkeys(chain.from_iterable(lines))
