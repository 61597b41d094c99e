"""The command that brings older records up to date."""

from pathlib import Path
from typing import Annotated

import typer


def migrate(
    results: Annotated[Path, typer.Argument(help="Folder of records, changed in place.")],
) -> None:
    """Bring records of an older version up to date; ids and numbers stay."""
    from benchmarks.records.migration import migrate as migrate_records

    count = migrate_records(results)
    print(f"{count} records brought up to date in {results}")
