"""The command that writes a page about studies."""

from pathlib import Path
from typing import Annotated

import typer

from benchmarks.commands.options import Pool, Results, Studies


def report(
    studies: Studies = None,
    results: Results = Path("results"),
    out: Annotated[
        Path | None, typer.Option(help="The file to write.", show_default="RESULTS/report.html")
    ] = None,
    pool: Pool = False,
) -> None:
    """Write tables, figures, differences of any two rows and all runs of studies as one HTML file that loads nothing."""
    from benchmarks.records.files import write_atomic
    from benchmarks.report.page import page
    from benchmarks.tables.recorded import recorded_studies

    text = page(recorded_studies(studies or [], results), results, pool)
    print(write_atomic(out or results / "report.html", text.encode()))
