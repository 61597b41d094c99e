"""Commands on folders of a user's own images, and on the data of pairs."""

from pathlib import Path
from typing import Annotated

import typer

from benchmarks.commands.options import AsJson, Data, Device, Plugins
from mistakes import UserMistake


def download(
    pair: Annotated[str, typer.Argument(help="Pair of domains; `list pairs`.")],
    data: Data = None,
) -> None:
    """Bring the files of a pair under the data root, where their licence allows it, and check them."""
    if data is None:
        raise UserMistake("no data root is set; allowed: a folder, by --data or BENCH_DATA.")
    from datasets.files.downloads import download as bring

    bring(pair, data, print)


def preview(
    pair: Annotated[str, typer.Argument(help="Pair of domains; `list pairs`, or a TOML file of your own.")],
    out: Annotated[Path, typer.Option(help="PNG file to write.")] = Path("preview.png"),
    plugin: Plugins = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Count the images of a pair by split and class, and draw some of each into a PNG; nothing is trained."""
    from benchmarks.commands.asked import named_pair
    from benchmarks.evaluation.preview import counts, lines, rows
    from benchmarks.evaluation.samples import png
    from benchmarks.records.files import put
    from benchmarks.studies.plugins import load_plugins
    from benchmarks.tables.terminal import OUT, print_json, show_list
    from datasets.catalogue import load_pair

    load_plugins(plugin or [])
    domains = load_pair(named_pair(pair), data)
    painted, found = rows(domains), counts(domains)
    put(out, png(list(painted.values())))
    if as_json:
        splits = {name: vars(count) for name, count in found.items()}
        about = {"pair": domains.name, "shape": domains.shape, "data": domains.fingerprint}
        print_json({**about, "splits": splits, "picture": str(out), "rows": list(painted)})
        return
    shape = "×".join(map(str, domains.shape))
    show_list(domains.name, ("class", *found), lines(found))
    OUT.print(f"{shape}, data {domains.fingerprint}", soft_wrap=True)
    OUT.print(f"{out}, from above: {', '.join(painted)}", soft_wrap=True, markup=False)


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

    from benchmarks.commands.asked import resolve_device
    from benchmarks.evaluation.features.extractors import load_extractor
    from benchmarks.evaluation.folders import folder_features
    from benchmarks.scores.catalogue import SCORES
    from benchmarks.scores.realism import intervals, realism
    from benchmarks.tables.terminal import OUT, print_json, show_list

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
    show_list(title, ("score", "value", "95 % interval over images"), lines)
    for number, name in enumerate(broken, 1):
        OUT.print(
            f"· left out, cannot be read ({number} of {len(broken)}): {name}", soft_wrap=True, markup=False
        )


def adapt(
    run: Annotated[Path, typer.Argument(help="Folder of a finished run, RESULTS/runs/ID.")],
    source: Annotated[Path, typer.Argument(help="Folder of PNG or JPEG images to adapt.")],
    out: Annotated[Path, typer.Argument(help="New folder for the adapted images.")],
    seed: Annotated[int, typer.Option(help="Seed of the noise, for adapters that draw.")] = 0,
    device: Device = "auto",
) -> None:
    """Carry images of your own into the target's look with the adapter of a run; PNG files under the same names."""
    import torch

    from benchmarks.commands.asked import resolve_device
    from benchmarks.running.adapters import adapt_folder, unpack

    place = torch.device(resolve_device(device))
    count = adapt_folder(unpack(run, place), source, out, seed, place)
    print(f"{count} images adapted into {out}")
