"""The command that says where the time of a step goes."""

from pathlib import Path
from typing import Annotated

import typer

from benchmarks.options import AsJson, Changes, Data, Device, Methods, Pair, Plugins, ScaleName


def profile(
    methods: Methods = None,
    pair: Pair = None,
    scale: ScaleName = None,
    changes: Changes = None,
    device: Device = "auto",
    windows: Annotated[int, typer.Option(min=4, help="Timed windows of every row, interleaved.")] = 20,
    steps: Annotated[int, typer.Option(min=1, help="Steps in a window.")] = 5,
    trace: Annotated[
        Path | None, typer.Option(help="Folder for a Chrome or Perfetto trace of every row.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for JSON, Markdown and a roofline.")] = None,
    plugin: Plugins = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Show where the time of a step goes: phases, operations, hottest operators, share of the machine's own rates."""
    import torch

    from benchmarks.plugins import load_plugins
    from benchmarks.profiling.machine import measured
    from benchmarks.profiling.output import grids, plain, write
    from benchmarks.profiling.steps import profiles
    from benchmarks.provenance import describe
    from benchmarks.study import runs
    from benchmarks.terminal import OUT, print_json, show_grid
    from benchmarks.words import Selection, resolve_device

    load_plugins(plugin or [])
    words = Selection(
        methods=methods, pair=pair, scale=scale, seeds="1", changes=tuple(changes or ()), bounds=False
    )
    specs = list(runs(words.resolved(), resolve_device(device)))
    place = torch.device(specs[0].device)
    machine = measured(place)
    found = list(profiles(specs, data, windows=windows, steps=steps, traces=trace))
    about = {
        "pair": specs[0].pair,
        "scale": specs[0].scale,
        **describe(place)["host"],
        "torch": torch.__version__,
    }
    if out is not None:
        write(found, machine, about, out)
    if as_json:
        print_json(plain(found, machine, about))
        return
    for grid in grids(found, machine):
        show_grid(grid)
    OUT.print(", ".join(f"{name} {value}" for name, value in about.items()))
