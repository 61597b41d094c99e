"""One table of the report: its grids, differences of any two rows, figures, notes, and the runs behind it."""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from benchmarks.records.record import RunRecord
from benchmarks.report.differences import paths_in, row_differences, scores_in, settings_of
from benchmarks.report.pictures import figures
from benchmarks.scores.catalogue import Score
from benchmarks.studies.study import Study
from benchmarks.tables.formats import html_grid, html_notes
from benchmarks.tables.markup import json_block, table
from benchmarks.tables.summary import bounds_in
from benchmarks.tables.table import Table


def section(made: Table, study: Study, results: Path, anchor: str) -> str:
    """Return the section of one table and of its numbers under other rules of choice; every id begins with ``anchor``."""
    runs = sorted(
        made.records, key=lambda record: (study.rows.index(record.spec["row"]), record.spec["seed"])
    )
    rows = [row for row in study.rows if any(record.spec["row"] == row for record in runs)]
    links = {row: f"#{anchor}-row-{place}" for place, row in enumerate(rows)}
    parts = [
        f'<section id="{anchor}">',
        f"<h3>{escape(made.name.removeprefix(study.name + '--'))}</h3>",
        f'<p class="about">{escape(made.about)}</p>',
        *(html_grid(grid, links) for grid in made.grids),
        _differences(rows, runs),
        *figures(study, runs, results, anchor),
        html_notes(made, "h4"),
        _fold(
            "Under every rule of choice", "\n".join(html_grid(grid, links) for grid in made.selection.grids)
        )
        if made.selection
        else "",
        _fold(f"Runs: {len(runs)}, with what each came from", _runs(runs, links)),
        _fold("All settings of every row", _settings(rows, runs)),
        "</section>",
    ]
    return "\n".join(part for part in parts if part)


def _differences(rows: Sequence[str], runs: Sequence[RunRecord]) -> str:
    """Return two drop-down lists of rows, and the data with which a script shows how two rows differ."""
    if len(rows) < 2:
        return ""
    bounds = bounds_in(runs)
    trained = [row for row in rows if row not in bounds]
    first, second = list(dict.fromkeys([*trained[1:2], *trained[:1], *rows]))[:2]
    return (
        '<div class="differences" hidden>\n<h4>Difference of two rows</h4>\n'
        f"<p><label>Row {_choice(rows, first)}</label> <label>minus {_choice(rows, second)}</label></p>\n"
        f'<div class="found" aria-live="polite"></div>\n{json_block(row_differences(rows, runs))}\n</div>'
    )


def _choice(rows: Sequence[str], chosen: str) -> str:
    options = "".join(f"<option{' selected' if row == chosen else ''}>{escape(row)}</option>" for row in rows)
    return f"<select>{options}</select>"


def _fold(summary: str, content: str) -> str:
    return f"<details>\n<summary>{escape(summary)}</summary>\n{content}\n</details>"


def _runs(runs: Sequence[RunRecord], links: Mapping[str, str]) -> str:
    """Return the runs with their scores and origins; the link of a row leads to its first run."""
    known = scores_in(runs)
    lines = [_run(record, known) for record in runs]
    heads = list(dict.fromkeys(head for line in lines for head in line))
    free, ids = dict(links), []
    for record in runs:
        ids.append(free.pop(record.spec["row"], "#")[1:])
    return table("Runs", heads, [[escape(line.get(head, "")) for head in heads] for line in lines], ids)


def _run(record: RunRecord, known: Mapping[str, Score]) -> dict[str, str]:
    """Return the cells of one run by the heads of their columns."""
    scores = {score.short: record.scores.get(name) for name, score in known.items()}
    step = record.step_ms
    return {
        "run": record.id,
        "row": str(record.spec["row"]),
        "seed": str(record.spec["seed"]),
        "status": record.status,
        "reason": record.reason,
        "flags": "; ".join(record.flags),
        **{name: "" if value is None else f"{value:.6g}" for name, value in scores.items()},
        "step ms [quartiles]": f"{step['median']:.1f} [{step['q1']:.1f}, {step['q3']:.1f}]"
        if step.get("median")
        else "",
        "commit": record.commit,
        "created": record.created,
        **{f"host {name}": str(value) for name, value in record.host.items()},
        **record.versions,
    }


def _settings(rows: Sequence[str], runs: Sequence[RunRecord]) -> str:
    """Return a table with a line for every setting and a column for every row."""
    found = settings_of(rows, runs)
    lines = [[path, *(found[row].get(path, "") for row in rows)] for path in paths_in(found)]
    return table("Settings", ["setting", *rows], [list(map(escape, line)) for line in lines])
