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
    import torch

    from benchmarks.engines.resources import resolve_device
    from benchmarks.evaluation.features.extractors import load_extractor
    from benchmarks.evaluation.folders import folder_features
    from benchmarks.scores.catalogue import SCORES
    from benchmarks.scores.realism import intervals, realism
    from benchmarks.tables.cells import Grid
    from benchmarks.tables.terminal import OUT, print_json, show_grid

    place = torch.device(resolve_device(device))
    network = load_extractor(extractor, place, data)
    one, two = (folder_features(folder, network, place) for folder in (generated, real))
    scores = realism(one.features, two.features)
    spans = intervals(one.features, two.features)
    counts = {"extractor": network.title, "images": [len(one.features), len(two.features)]}
    broken = [*one.broken, *two.broken]
    if as_json:
        print_json({**counts, "scores": scores, "intervals": spans, "broken": broken})
        return
    title = f"{network.title}, n = {len(one.features)} and {len(two.features)}"
    lines = [
        (SCORES[name].short, f"{value:.6g}", " … ".join(f"{edge:.6g}" for edge in spans.get(name, ())))
        for name, value in scores.items()
    ]
    heads = ("score", "value", "95 % interval over images")
    show_grid(Grid(heading=title, columns=heads, cells=tuple(lines)), numbers=False)
    for number, name in enumerate(broken, 1):
        OUT.print(
            f"· left out, cannot be read ({number} of {len(broken)}): {name}", soft_wrap=True, markup=False
        )
