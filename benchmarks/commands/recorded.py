"""Commands on records: nothing here trains or loads torch."""

from pathlib import Path

from benchmarks.options import AsJson, Results, Studies


def tables(
    studies: Studies = None,
    results: Results = Path("results"),
    as_json: AsJson = False,
) -> None:
    """Make the tables of studies from records alone: Markdown, CSV and LaTeX in RESULTS/tables."""
    from benchmarks import formats
    from benchmarks.tables import selection_tables, tables_of
    from benchmarks.terminal import print_tables
    from benchmarks.words import recorded_studies

    recorded = recorded_studies(studies or [], results)
    made = [table for study, found in recorded for table in tables_of(study, found)]
    selected = [table for study, found in recorded for table in selection_tables(study, found)]
    for table in (*made, *selected):
        formats.write(table, results / "tables")
    print_tables(made, as_json)


def figures(
    studies: Studies = None,
    results: Results = Path("results"),
    as_json: AsJson = False,
) -> None:
    """Draw the figures of studies from records and their sample grids: PNG files in RESULTS/figures."""
    from benchmarks import plots
    from benchmarks.terminal import print_json
    from benchmarks.words import recorded_studies

    written = [
        path
        for study, found in recorded_studies(studies or [], results)
        for path in plots.write(study, found, results)
    ]
    print_json(list(map(str, written))) if as_json else print(*written, sep="\n")
