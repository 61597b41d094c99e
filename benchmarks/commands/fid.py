"""The command that compares two folders of images."""

from pathlib import Path
from typing import Annotated

import typer

from benchmarks.commands.options import AsJson, Data, Device


def fid(
    generated: Annotated[
        Path, typer.Argument(help="Folder of PNG or JPEG images, searched with its subfolders.")
    ],
    real: Annotated[Path, typer.Argument(help="Folder to compare with.")],
    extractor: Annotated[str, typer.Option(help="Features; `list extractors`.")] = "inception",
    device: Device = "auto",
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Compare two folders of images: FID, FID∞, KID, MIND, precision, recall, density, coverage."""
    from benchmarks.engines.resources import resolve_device
    from benchmarks.evaluation.folders import compare_folders
    from benchmarks.scores.catalogue import SCORES
    from benchmarks.tables.cells import Grid
    from benchmarks.tables.terminal import OUT, print_json, show_grid

    found = compare_folders(generated, real, extractor, resolve_device(device), data)
    if as_json:
        print_json(vars(found))
        return
    spans = {name: " … ".join(f"{edge:.6g}" for edge in edges) for name, edges in found.intervals.items()}
    lines = [
        (SCORES[name].short, f"{value:.6g}", spans.get(name, "")) for name, value in found.scores.items()
    ]
    title = f"{found.extractor}, n = {found.images[0]} and {found.images[1]}"
    heads = ("score", "value", "95 % interval over images")
    show_grid(Grid(heading=title, columns=heads, cells=tuple(lines)), numbers=False)
    for number, name in enumerate(found.broken, 1):
        left_out = f"· left out, cannot be read ({number} of {len(found.broken)}): {name}"
        OUT.print(left_out, soft_wrap=True, markup=False)
