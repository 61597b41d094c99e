"""The command that shows where the time of a step goes."""

from pathlib import Path
from typing import Annotated

import typer

from benchmarks.commands.options import AsJson, Changes, Data, Device, Methods, Pair, Plugins, ScaleName


def profile(
    methods: Methods = None,
    pair: Pair = None,
    scale: ScaleName = None,
    changes: Changes = None,
    device: Device = "auto",
    variants: Annotated[
        str,
        typer.Option(
            help="Ways to run a step, comma-separated: eager, compile, graphs, bf16, channels-last, contiguous."
        ),
    ] = "eager",
    windows: Annotated[int, typer.Option(min=4, help="Timed windows of every row, interleaved.")] = 20,
    steps: Annotated[int, typer.Option(min=1, help="Steps in a window.")] = 5,
    trace: Annotated[
        Path | None,
        typer.Option(
            help="Folder for a Chrome or Perfetto trace of every row; on CUDA a memory snapshot too."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for JSON, Markdown and a roofline.")] = None,
    plugin: Plugins = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Show where the time of a step goes: phases, operations, hottest operators, share of the machine's own rates."""
    from benchmarks.commands.asked import Asked
    from benchmarks.engines.resources import resolve_device
    from benchmarks.profiling.output import grids, plain, write
    from benchmarks.profiling.steps import profiled
    from benchmarks.profiling.variants import parse_variants
    from benchmarks.studies.runs import runs
    from benchmarks.tables.terminal import OUT, print_json, show_grid

    asked = Asked(methods=methods, pair=pair, scale=scale, seeds="1", changes=changes, bounds=False)
    asked.sources(plugin).open()
    specs = list(runs(asked.resolved(), resolve_device(device)))
    ways = parse_variants(variants, specs[0].device)
    found = profiled(specs, data, windows=windows, steps=steps, variants=ways, traces=trace)
    if out is not None:
        write(found, out)
    if as_json:
        print_json(plain(found))
        return
    for grid in grids(found):
        show_grid(grid)
    OUT.print(", ".join(f"{name} {value}" for name, value in found.about.items()))
