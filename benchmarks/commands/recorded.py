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
    from benchmarks.tables import tables_of
    from benchmarks.terminal import print_tables
    from benchmarks.words import recorded_studies

    made = [
        table
        for study, found in recorded_studies(studies or [], results)
        for table in tables_of(study, found)
    ]
    for table in made:
        formats.write(table, results / "tables")
    print_tables(made, as_json)


def figures(
    studies: Studies = None,
    results: Results = Path("results"),
    as_json: AsJson = False,
) -> None:
    """Draw the figures of studies from records and the pictures beside them: PNG and SVG files in RESULTS/figures."""
    from benchmarks.figures import catalogue
    from benchmarks.terminal import print_json
    from benchmarks.words import recorded_studies

    written = [
        path
        for study, found in recorded_studies(studies or [], results)
        for path in catalogue.write(study, found, results)
    ]
    print_json(list(map(str, written))) if as_json else print(*written, sep="\n")
