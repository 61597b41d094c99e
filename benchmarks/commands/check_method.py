"""The command that tests a plugin."""

from pathlib import Path
from typing import Annotated

import typer


def check_method(
    plugin: Annotated[Path, typer.Argument(help="Python file with methods or pairs of your own.")],
) -> None:
    """Hold a plugin to the contract that every method and pair of this suite is tested with."""
    from benchmarks.studies.plugins import check

    raise typer.Exit(check(plugin))
