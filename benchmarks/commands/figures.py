"""The command that draws figures from records."""

from pathlib import Path

from benchmarks.commands.options import AsJson, Pool, Results, Studies


def figures(
    studies: Studies = None,
    results: Results = Path("results"),
    pool: Pool = False,
    as_json: AsJson = False,
) -> None:
    """Draw the figures of studies from records and the pictures beside them: PNG and SVG files in RESULTS/figures."""
    from benchmarks.figures import catalogue
    from benchmarks.tables.recorded import recorded_studies
    from benchmarks.tables.terminal import print_json

    written = [
        path
        for study, found in recorded_studies(studies or [], results)
        for path in catalogue.write(study, found, results, pool)
    ]
    print_json(list(map(str, written))) if as_json else print(*written, sep="\n")
