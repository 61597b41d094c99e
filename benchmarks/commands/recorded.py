"""Commands on records: nothing here trains or loads torch."""

from pathlib import Path
from typing import Annotated

import typer

from benchmarks.commands.options import AsJson, Results, Studies
from benchmarks.records.store import uncollected


@uncollected()
def tables(
    studies: Studies = None,
    results: Results = Path("results"),
    as_json: AsJson = False,
) -> None:
    """Make the tables of studies from records alone: Markdown, HTML, CSV and LaTeX in RESULTS/tables."""
    from benchmarks.commands.asked import recorded_studies
    from benchmarks.tables import formats
    from benchmarks.tables.table import tables_of
    from benchmarks.tables.terminal import print_tables

    made = [
        table
        for study, found in recorded_studies(studies or [], results, curves=False)
        for table in tables_of(study, found)
    ]
    for table in made:
        formats.write(table, results / "tables")
        if table.selection:
            formats.write(table.selection, results / "tables")
    print_tables(made, as_json)


def figures(
    studies: Studies = None,
    results: Results = Path("results"),
    as_json: AsJson = False,
) -> None:
    """Draw the figures of studies from records and the pictures beside them: PNG and SVG files in RESULTS/figures."""
    from benchmarks.commands.asked import recorded_studies
    from benchmarks.figures import catalogue
    from benchmarks.tables.terminal import print_json

    written = [
        path
        for study, found in recorded_studies(studies or [], results)
        for path in catalogue.write(study, found, results)
    ]
    print_json(list(map(str, written))) if as_json else print(*written, sep="\n")


def compare(
    before: Annotated[Path, typer.Argument(metavar="RESULTS_A", help="Folder of records, before a change.")],
    after: Annotated[Path, typer.Argument(metavar="RESULTS_B", help="Folder of the same runs after it.")],
    as_json: AsJson = False,
) -> None:
    """Show what changed beyond noise between two folders of records; exit code 1 where it is for the worse."""
    from benchmarks.tables.terminal import OUT, print_json, show_list
    from benchmarks.tables.verdicts import COLUMNS, compare_folders

    found = compare_folders(before, after)
    if as_json:
        print_json(found.plain())
    else:
        if changes := found.changes():
            show_list(f"{before} (A) → {after} (B)", COLUMNS, changes)
        OUT.print(found.summary, soft_wrap=True)
    raise typer.Exit(int(found.regressed))


def report(
    studies: Studies = None,
    results: Results = Path("results"),
    out: Annotated[
        Path | None, typer.Option(help="The file to write.", show_default="RESULTS/report.html")
    ] = None,
) -> None:
    """Write tables, figures, differences of any two rows and all runs of studies as one HTML file that loads nothing."""
    from benchmarks.commands.asked import recorded_studies
    from benchmarks.records.files import put
    from benchmarks.report.page import page

    text = page(recorded_studies(studies or [], results), results)
    print(put(out or results / "report.html", text.encode()))
