"""The command that downloads the files of a pair."""

from typing import Annotated

import typer

from benchmarks.commands.options import Data
from mistakes import UserMistake


def download(
    pair: Annotated[str, typer.Argument(help="Pair of domains; `list pairs`.")],
    data: Data = None,
) -> None:
    """Bring the files of a pair under the data root, where their licence allows it, and check them."""
    if data is None:
        raise UserMistake("no data root is set; allowed: a folder, by --data or BENCH_DATA.")
    from datasets.catalogue import find_entry
    from datasets.files.downloads import download as fetch

    fetch(pair, find_entry(pair), data, print)
