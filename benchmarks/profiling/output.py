"""Profiles → tables, plain data, a Markdown page and a roofline; see :mod:`benchmarks.profiling.steps`."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import seaborn as sns
from matplotlib.figure import Figure

from benchmarks.figures.catalogue import rendered
from benchmarks.formats import markdown_grid
from benchmarks.grids import Grid
from benchmarks.profiling.machine import Machine
from benchmarks.profiling.steps import Profile
from benchmarks.writing import put

GIGA = 1e9


def grids(found: Sequence[Profile], machine: Machine) -> list[Grid]:
    """Return steps, phases and hottest operators as tables."""
    return [_steps(found, machine), _phases(found), _operators(found)]


def _steps(found: Sequence[Profile], machine: Machine) -> Grid:
    cells = []
    for one in found:
        low, middle, high = one.step_ms
        cells.append(
            (
                one.row,
                f"{middle:.1f} [{low:.1f}, {high:.1f}]",
                f"{one.drift:+.1%}",
                f"{one.noise:.1%}",
                f"{1000 * one.images / middle:.0f}",
                f"{one.flops / GIGA:.2f}",
                f"{one.rate / GIGA:.1f}",
                f"{one.rate / machine.gemm:.1%}",
                f"{one.rate / machine.convolution:.1%}",
                f"{one.bytes / GIGA:.2f}",
                f"{one.flops / one.bytes:.1f}",
                "" if one.peak_mib is None else f"{one.peak_mib:.0f}",
                "" if one.kernels is None else f"{one.kernels:.0f}",
                "" if one.busy is None else f"{one.busy:.0%}",
            )
        )
    rates = f"{machine.gemm / GIGA:.0f} and {machine.convolution / GIGA:.0f} GFLOP/s, copy {machine.copy / GIGA:.1f} GB/s"
    heads = (
        "method",
        "ms / step [p10, p90]",
        "drift",
        "A/A",
        "images / s",
        "GFLOP",
        "GFLOP/s",
        "of matrix product",
    )
    more = ("of convolution", "GB", "FLOP / byte", "peak MiB", "kernels", "device busy")
    grid = Grid(
        heading=f"Steps; measured here: matrix product and convolution {rates}",
        columns=(*heads, *more),
        cells=tuple(cells),
    )
    return grid.without_blank_columns()


def _phases(found: Sequence[Profile]) -> Grid:
    cells = []
    for one in found:
        whole = sum(one.phase_ms.values())
        for name, time in sorted(one.phase_ms.items(), key=lambda item: -item[1]):
            work = one.phase_flops.get(name, 0.0)
            cells.append(
                (
                    one.row,
                    name,
                    f"{time:.2f}",
                    f"{time / whole:.1%}",
                    f"{work / GIGA:.3f}",
                    f"{work / GIGA / time * 1000:.1f}" if time else "",
                )
            )
    heads = ("method", "phase", "ms", "share", "GFLOP", "GFLOP/s")
    return Grid(heading="Phases of a watched step", columns=heads, cells=tuple(cells))


def _operators(found: Sequence[Profile]) -> Grid:
    cells = [(one.row, name, f"{share:.1%}") for one in found for name, share in one.hottest]
    return Grid(heading="Hottest operators", columns=("method", "operator", "share"), cells=tuple(cells))


def plain(found: Sequence[Profile], machine: Machine, about: dict[str, Any]) -> dict[str, Any]:
    """Return everything as plain data."""
    rows = [{**asdict(one), "flops": one.flops, "flops_per_second": one.rate} for one in found]
    return {**about, "machine": asdict(machine), "rows": rows}


def roofline(found: Sequence[Profile], machine: Machine) -> Figure:
    """Return the rate of every row over its operations a byte, below what the machine reached on its best kernels."""
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    intensity = np.logspace(-1, 3, 200)
    for rate, name, style in (
        (machine.gemm, "matrix product", "-"),
        (machine.convolution, "3 × 3 convolution with gradients", "--"),
    ):
        axes.plot(
            intensity, np.minimum(rate, machine.copy * intensity) / GIGA, style, color="0.3", label=name
        )
    points = {
        "FLOP / byte": [one.flops / one.bytes for one in found],
        "GFLOP / s": [one.rate / GIGA for one in found],
        "method": [one.row for one in found],
    }
    sns.scatterplot(
        points,
        x="FLOP / byte",
        y="GFLOP / s",
        hue="method",
        style="method",
        palette="colorblind",
        s=80,
        ax=axes,
    )
    axes.set(xscale="log", yscale="log")
    axes.grid(color="0.9")
    axes.set_axisbelow(True)
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    return figure


def write(found: Sequence[Profile], machine: Machine, about: dict[str, Any], folder: Path) -> list[Path]:
    """Write ``profile.json``, ``profile.md`` and ``roofline.png`` / ``.svg`` into a folder; return their paths."""
    text = ", ".join(f"{name} {value}" for name, value in about.items())
    parts = [
        f"# Profile\n\n{text}",
        *(f"## {one.heading}\n\n{markdown_grid(one)}" for one in grids(found, machine)),
    ]
    files = {
        "profile.json": json.dumps(plain(found, machine, about), indent=1).encode() + b"\n",
        "profile.md": ("\n\n".join(parts) + "\n").encode(),
        **{f"roofline.{ending}": data for ending, data in rendered(roofline(found, machine)).items()},
    }
    return [put(folder / name, content) for name, content in files.items()]
