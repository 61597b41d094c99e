"""The options and arguments that several commands of ``bench.py`` share: their types, names and help."""

from pathlib import Path
from typing import Annotated

import typer

Methods = Annotated[
    str | None,
    typer.Option(
        help="Rows, comma-separated: NAME or NAME[path=value;…]; `list methods`.",
        show_default="simgan,simgan-nohist",
    ),
]
Pair = Annotated[
    str | None,
    typer.Option(
        help="Pair of domains; `list pairs`, or a TOML file of your own.", show_default="fonts-digits"
    ),
]
Seeds = Annotated[
    str | None,
    typer.Option(help="N for 0 … N−1, or a list like 0,3,4 (4, for seed 4 alone).", show_default="3"),
]
ScaleName = Annotated[
    str | None, typer.Option("--scale", help="smoke, small or paper; `list scales`.", show_default="small")
]
StudyName = Annotated[
    str | None,
    typer.Option(
        "--study", help="A study in place of methods, pair, seeds and scale; `list studies`, or a TOML file."
    ),
]
Changes = Annotated[
    list[str] | None,
    typer.Option("--set", help="Change a setting of every trained row, path=value; may repeat."),
]
Bounds = Annotated[
    bool | None,
    typer.Option("--bounds/--no-bounds", help="Add source-only and target-only.", show_default="bounds"),
]
ExtractorName = Annotated[
    str | None, typer.Option("--extractor", help="Extractor of FID and KID; by default the pair's own.")
]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
EngineName = Annotated[str, typer.Option("--engine", help="Where runs are done; local is this machine.")]
Jobs = Annotated[
    int,
    typer.Option(
        help="Runs at a time, each in a process that has its share of CPU threads and sees one GPU."
    ),
]
Reproducible = Annotated[
    bool,
    typer.Option(
        "--reproducible",
        help="Hold runs to AVX2, one thread and deterministic operations: equal bits on other processors, slower.",
    ),
]
Pool = Annotated[
    bool,
    typer.Option(
        "--pool", help="Take scores of different machines together, differences within a machine; no costs."
    ),
]
Results = Annotated[Path, typer.Option(help="Folder of records.")]
Data = Annotated[Path | None, typer.Option(envvar="BENCH_DATA", help="Root of data that is not embedded.")]
Studies = Annotated[
    list[str] | None,
    typer.Argument(help="Studies by name or TOML file; by default all studies with records."),
]
Plugins = Annotated[
    list[Path] | None,
    typer.Option("--plugin", help="Python file with methods or pairs of your own; may repeat."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
