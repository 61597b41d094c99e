"""Tables as Markdown, HTML, CSV and LaTeX; the same table gives the same bytes."""

from collections.abc import Mapping, Sequence
from csv import writer
from html import escape
from io import StringIO
from pathlib import Path
from typing import Any

from benchmarks.records.files import write_atomic
from benchmarks.tables import markup
from benchmarks.tables.cells import Columns, Grid
from benchmarks.tables.table import Table

_LATEX = str.maketrans(
    {
        **{sign: f"\\{sign}" for sign in "&%$#_{}"},
        **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"},
        **{
            "±": r"$\pm$",
            "Δ": r"$\Delta$",
            "−": "$-$",
            "–": "--",
            "→": r"$\to$",
            "|": r"\textbar{}",
            "×": r"$\times$",
            "∞": r"$\infty$",
            "°": r"$^\circ$",
            "…": r"\ldots{}",
            "†": r"$^\dagger$",
        },
    }
)


def markdown(table: Table) -> str:
    """Return the whole table as a Markdown page."""
    parts = [f"# {table.title}", table.about]
    for grid in table.grids:
        parts += [f"## {grid.heading}", markdown_grid(grid)]
    if table.notes:
        parts += ["## Notes", "\n".join(f"- {note}" for note in table.notes)]
    return "\n\n".join(parts) + "\n"


def markdown_grid(grid: Grid) -> str:
    """Return one grid as a Markdown table."""
    rows = [
        [f"**{cell}**" if (line, place) in grid.bold else cell for place, cell in enumerate(cells)]
        for line, cells in enumerate(grid.cells)
    ]
    head = [column.replace("|", "\\|") for column in grid.columns]
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *rows))


def html(table: Table) -> str:
    """Return the whole table as an HTML page that loads nothing."""
    head = f"<h1>{escape(table.title)}</h1>\n<p>{escape(table.about)}</p>"
    return markup.document(
        table.title,
        "\n".join(["<main>", head, *map(html_grid, table.grids), html_notes(table, "h2"), "</main>"]),
    )


def html_grid(grid: Grid, links: Mapping[str, str] | None = None) -> str:
    """Return one grid as an HTML table; ``links`` gives the addresses that rows' names lead to."""
    places = links or {}
    rows = [
        [_cell(cell, (line, place) in grid.bold) for place, cell in enumerate(cells)]
        for line, cells in enumerate(grid.cells)
    ]
    for row, (name, *_) in zip(rows, grid.cells, strict=True):
        if name in places:
            row[0] = f'<a href="{escape(places[name])}">{row[0]}</a>'
    return markup.table(grid.heading, grid.columns, rows)


def _cell(text: str, bold: bool) -> str:
    return f"<strong>{escape(text)}</strong>" if bold else escape(text)


def html_notes(table: Table, head: str) -> str:
    """Return the notes as an HTML list under a heading of level ``head`` ("h2" …), or "" without notes."""
    notes = "\n".join(f"<li>{escape(note)}</li>" for note in table.notes)
    return f"<{head}>Notes</{head}>\n<ul>\n{notes}\n</ul>" if notes else ""


def latex(table: Table) -> str:
    """Return every grid as LaTeX tabulars for the package booktabs."""
    return "\n".join(_tabular(grid, table) for grid in table.grids)


def _tabular(grid: Grid, table: Table) -> str:
    lines = [
        f"% {table.title}: {grid.heading.lower()}",
        f"\\begin{{tabular}}{{l{'r' * (len(grid.columns) - 1)}}}",
        "\\toprule",
        " & ".join(column.translate(_LATEX) for column in grid.columns) + " \\\\",
        "\\midrule",
        *(" & ".join(cell.translate(_LATEX) for cell in cells) + " \\\\" for cells in grid.cells),
        "\\bottomrule",
        "\\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def csv(columns: Columns) -> str:
    """Return columns as CSV; fractions have six significant digits, ``None`` is an empty field."""
    page = StringIO()
    lines = writer(page, lineterminator="\n")
    lines.writerow(columns)
    lines.writerows(zip(*map(_texts, columns.values()), strict=True))
    return page.getvalue()


def _texts(column: Sequence[Any]) -> Sequence[Any]:
    if float not in set(map(type, column)):
        return column
    return [f"{value:.6g}" if isinstance(value, float) else value for value in column]


def write(table: Table, folder: Path) -> list[Path]:
    """Write ``NAME.md``, ``.html``, ``.tex``, ``.csv`` and, of a table of runs, ``-runs.csv``; return their paths."""
    pages = {
        ".md": markdown(table),
        ".html": html(table),
        ".tex": latex(table),
        ".csv": csv(table.columns),
        **({"-runs.csv": csv(table.runs)} if table.records else {}),
    }
    return [write_atomic(folder / f"{table.name}{ending}", page.encode()) for ending, page in pages.items()]
