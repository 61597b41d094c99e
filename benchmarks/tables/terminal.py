"""Results on the terminal: tables, lists and JSON, on stdout."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table as RichTable

if TYPE_CHECKING:  # lists are printed without pandas and SciPy
    from benchmarks.tables.cells import Grid
    from benchmarks.tables.table import Table

OUT = Console(highlight=False)
if not OUT.is_terminal:
    OUT = Console(highlight=False, width=240)  # a file or pipe has no edge to wrap at


def show_table(table: "Table") -> None:
    """Print a table with its costs and notes."""
    OUT.print(f"\n[bold]{escape(table.title)}[/bold]\n{escape(table.about)}")
    for grid in table.grids:
        show_grid(grid)
    for note in table.notes:
        OUT.print(f"· {escape(note)}")


def print_tables(made: "Sequence[Table]", as_json: bool) -> None:
    """Print tables, or their numbers as JSON."""
    if as_json:
        print_json(
            [
                {
                    "name": table.name,
                    "about": table.about,
                    "rows": [
                        dict(zip(table.columns, line, strict=True))
                        for line in zip(*table.columns.values(), strict=True)
                    ],
                    "notes": table.notes,
                }
                for table in made
            ]
        )
        return
    for table in made:
        show_table(table)


def print_json(content: object) -> None:
    """Print plain data as indented JSON."""
    print(json.dumps(content, indent=1, ensure_ascii=False))


def show_grid(grid: "Grid", *, numbers: bool = True) -> None:
    """Print one grid; columns of ``numbers`` are right-aligned, columns of a plain list left-aligned."""
    table = RichTable(
        title=escape(grid.heading),
        title_justify="left",
        title_style="bold",
        header_style="",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    for place, column in enumerate(grid.columns):
        table.add_column(
            escape(column),
            justify="right" if numbers and place else "left",
            no_wrap=not place,
            overflow="fold",
        )
    for line, cells in enumerate(grid.cells):
        shown = [
            f"[bold]{escape(cell)}[/bold]" if (line, place) in grid.bold else escape(cell)
            for place, cell in enumerate(cells)
        ]
        table.add_row(*shown)
    OUT.print(table)
