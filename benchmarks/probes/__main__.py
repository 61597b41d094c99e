"""Measures probes and writes their results: ``NAME.csv``, a line a case and seed, and ``NAME.md``, means over seeds.

    python -m benchmarks.probes results/probes
    python -m benchmarks.probes output/probes --only critic-rate --seeds 0,1

A seed that the CSV file holds already is not measured again; without the file all are.
"""

import csv
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import torch
import typer

from benchmarks.probes.catalogue import PROBES, find_probe
from benchmarks.probes.probe import Probe, Row, grid
from benchmarks.records.files import write_atomic
from benchmarks.running.memory import keep_freed_memory
from benchmarks.running.provenance import describe
from benchmarks.studies.study import parse_seeds
from benchmarks.tables.formats import markdown_grid
from benchmarks.tables.terminal import OUT, show_grid
from mistakes import UserMistake


def main(
    folder: Annotated[Path, typer.Argument(help="the folder of the results")],
    only: Annotated[str, typer.Option(help="names of probes, separated by commas; all if empty")] = "",
    seeds: Annotated[str, typer.Option(help="a number of seeds, or a list like 0,1,2")] = "3",
    quick: Annotated[
        bool, typer.Option(help="seconds in place of minutes; the numbers mean nothing")
    ] = False,
) -> None:
    """Measure every probe for every seed that is not measured yet."""
    keep_freed_memory()
    try:
        probes = [find_probe(name) for name in (only.split(",") if only else PROBES)]
        for probe in probes:
            for seed in parse_seeds(seeds):
                _measure(probe, seed, quick, folder)
    except UserMistake as mistake:
        OUT.print(f"error: {mistake}", markup=False)
        sys.exit(2)


def _measure(probe: Probe, seed: int, quick: bool, folder: Path) -> None:
    """Measure one seed unless it is there, and write both files anew."""
    place = folder / f"{probe.name}.csv"
    rows: list[Row] = (
        list(csv.DictReader(place.read_text(encoding="utf-8").splitlines())) if place.exists() else []
    )
    if str(seed) in {row["seed"] for row in rows}:
        return
    rows += [
        {"seed": str(seed), **{k: _plain(v) for k, v in row.items()}} for row in probe.measure(seed, quick)
    ]
    write_atomic(place, _lines(probe, rows).encode())
    shown = grid(probe, rows)
    about = describe(torch.device("cpu"))
    made = f"{about['host']['device']}, torch {torch.__version__}, {about['created'][:10]}"
    page = f"# {probe.name}\n\n{shown.heading}\n\n{markdown_grid(shown)}\n\n{made}\n"
    write_atomic(folder / f"{probe.name}.md", page.encode())
    show_grid(shown)


def _plain(value: str | int | float) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _lines(probe: Probe, rows: Sequence[Row]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, ["seed", *probe.cases, *probe.values], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


if __name__ == "__main__":
    typer.run(main)
