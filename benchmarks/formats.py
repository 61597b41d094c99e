"""Tables as Markdown, CSV and LaTeX; the same table gives the same bytes."""

from pathlib import Path

import pandas as pd

from benchmarks.grids import Grid
from benchmarks.tables import Table

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
    """Return one grid as a Markdown table, settings that differ from the baseline's in bold."""
    rows = [
        [f"**{cell}**" if (line, place) in grid.bold else cell for place, cell in enumerate(cells)]
        for line, cells in enumerate(grid.cells)
    ]
    head = [column.replace("|", "\\|") for column in grid.columns]
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *rows))


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


def csv(numbers: pd.DataFrame) -> str:
    """Return numbers with six significant digits."""
    return numbers.to_csv(index=False, float_format="%.6g", lineterminator="\n")


def write(table: Table, folder: Path) -> list[Path]:
    """Write ``NAME.md``, ``.tex``, ``.csv`` and ``-runs.csv``, every run by its id, into ``folder``; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    pages = {
        ".md": markdown(table),
        ".tex": latex(table),
        ".csv": csv(table.frame),
        "-runs.csv": csv(table.runs),
    }
    for ending, page in pages.items():
        path = folder / f"{table.name}{ending}"
        path.write_text(page, encoding="utf-8", newline="\n")
        written.append(path)
    return written
