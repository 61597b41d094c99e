"""The command that compares two folders of records."""

from pathlib import Path
from typing import Annotated

import typer

from benchmarks.commands.options import AsJson


def compare(
    before: Annotated[Path, typer.Argument(metavar="RESULTS_A", help="Folder of records, before a change.")],
    after: Annotated[Path, typer.Argument(metavar="RESULTS_B", help="Folder of the same runs after it.")],
    as_json: AsJson = False,
) -> None:
    """Show what changed beyond noise between two folders of records; exit code 1 where it is for the worse."""
    from benchmarks.tables.cells import Grid
    from benchmarks.tables.terminal import OUT, print_json, show_grid
    from benchmarks.tables.verdicts import COLUMNS, compare_folders

    found = compare_folders(before, after)
    if as_json:
        print_json(found.plain())
    else:
        if changes := found.changes():
            heading = f"{before} (A) → {after} (B)"
            show_grid(Grid(heading=heading, columns=COLUMNS, cells=tuple(changes)), numbers=False)
        OUT.print(found.summary, soft_wrap=True)
    raise typer.Exit(int(found.regressed))
