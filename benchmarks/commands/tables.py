"""The command that makes tables from records."""

from pathlib import Path

from benchmarks.commands.options import AsJson, Pool, Results, Studies
from benchmarks.records.store import uncollected


@uncollected()
def tables(
    studies: Studies = None,
    results: Results = Path("results"),
    pool: Pool = False,
    as_json: AsJson = False,
) -> None:
    """Make the tables of studies from records alone: Markdown, HTML, CSV and LaTeX in RESULTS/tables."""
    from benchmarks.tables import formats
    from benchmarks.tables.recorded import recorded_studies
    from benchmarks.tables.table import tables_of
    from benchmarks.tables.terminal import print_tables

    made = [
        table
        for study, found in recorded_studies(studies or [], results, curves=False)
        for table in tables_of(study, found, pool)
    ]
    for table in made:
        formats.write(table, results / "tables")
        if table.selection:
            formats.write(table.selection, results / "tables")
    print_tables(made, as_json)
