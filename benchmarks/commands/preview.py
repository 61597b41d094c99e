"""The command that shows a pair before anything is trained on it."""

from pathlib import Path
from typing import Annotated

import typer

from benchmarks.commands.options import AsJson, Data, Plugins


def preview(
    pair: Annotated[str, typer.Argument(help="Pair of domains; `list pairs`, or a TOML file of your own.")],
    out: Annotated[Path, typer.Option(help="PNG file to write.")] = Path("preview.png"),
    plugin: Plugins = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Count the images of a pair by split and class, and draw some of each into a PNG; nothing is trained."""
    from benchmarks.commands.asked import sources_of
    from benchmarks.evaluation.preview import counts, lines, rows
    from benchmarks.evaluation.samples import png
    from benchmarks.records.files import write_atomic
    from benchmarks.studies.study_file import pair_name
    from benchmarks.tables.cells import Grid
    from benchmarks.tables.terminal import OUT, print_json, show_grid
    from datasets.catalogue import load_pair

    name = pair_name(pair)
    sources_of([pair], plugin or []).open()
    domains = load_pair(name, data)
    painted, found = rows(domains), counts(domains)
    write_atomic(out, png(list(painted.values())))
    if as_json:
        splits = {name: vars(count) for name, count in found.items()}
        about = {"pair": domains.name, "shape": domains.shape, "data": domains.fingerprint}
        print_json({**about, "splits": splits, "picture": str(out), "rows": list(painted)})
        return
    shape = "×".join(map(str, domains.shape))
    show_grid(Grid(heading=domains.name, columns=("class", *found), cells=tuple(lines(found))), numbers=False)
    OUT.print(f"{shape}, data {domains.fingerprint}", soft_wrap=True)
    OUT.print(f"{out}, from above: {', '.join(painted)}", soft_wrap=True, markup=False)
