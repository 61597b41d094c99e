"""The command that adapts a user's own images."""

from pathlib import Path
from typing import Annotated

import typer

from benchmarks.commands.options import Device


def adapt(
    run: Annotated[Path, typer.Argument(help="Folder of a finished run, RESULTS/runs/ID.")],
    source: Annotated[Path, typer.Argument(help="Folder of PNG or JPEG images to adapt.")],
    out: Annotated[Path, typer.Argument(help="New folder for the adapted images.")],
    seed: Annotated[int, typer.Option(help="Seed of the noise, for adapters that draw.")] = 0,
    device: Device = "auto",
) -> None:
    """Carry images of your own into the target's look with the adapter of a run; PNG files under the same names."""
    import torch

    from benchmarks.engines.resources import resolve_device
    from benchmarks.running.adapters import adapt_folder, unpack

    place = torch.device(resolve_device(device))
    count = adapt_folder(unpack(run, place), source, out, seed, place)
    print(f"{count} images adapted into {out}")
