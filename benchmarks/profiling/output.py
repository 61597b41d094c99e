"""Profiles → tables, plain data, a Markdown page and a roofline; see :mod:`benchmarks.profiling.steps`."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import seaborn as sns
from matplotlib.figure import Figure

from benchmarks.figures.catalogue import rendered
from benchmarks.profiling.machine import Machine
from benchmarks.profiling.steps import Omitted, Profile, Profiles
from benchmarks.records.files import write_atomic
from benchmarks.tables.cells import Grid
from benchmarks.tables.formats import markdown_grid

GIGA = 1e9


def grids(found: Profiles) -> list[Grid]:
    """Return the tables of steps, variants, phases and hottest operators."""
    several = found.omitted or any(one.variant != "eager" for one in found.rows)
    variants = [_variants(found.rows, found.omitted)] if several else []
    return [_steps(found.rows, found.machine), *variants, _phases(found.rows), _operators(found.rows)]


def _steps(found: Sequence[Profile], machine: Machine) -> Grid:
    columns: dict[str, Callable[[Profile], str]] = {
        "method": lambda one: one.name,
        "ms / step [p10, p90]": lambda one: "{1:.1f} [{0:.1f}, {2:.1f}]".format(*one.step_ms),
        "drift": lambda one: f"{one.drift:+.1%}",
        "A/A": lambda one: f"{one.noise:.1%}",
        "images / s": lambda one: f"{1000 * one.work.images / one.step_ms[1]:.0f}",
        "GFLOP": lambda one: f"{one.work.flops / GIGA:.2f}",
        "GFLOP/s": lambda one: f"{one.rate / GIGA:.1f}",
        "of matrix product": lambda one: f"{one.rate / machine.gemm:.1%}",
        "of convolution": lambda one: f"{one.rate / machine.convolution:.1%}",
        "GB": lambda one: f"{one.work.bytes / GIGA:.2f}",
        "FLOP / byte": lambda one: f"{one.work.flops / one.work.bytes:.1f}",
        "peak MiB": lambda one: "" if one.peak_mib is None else f"{one.peak_mib:.0f}",
        "kernels": lambda one: f"{one.device.kernels:.0f}" if one.device else "",
        "device busy": lambda one: f"{one.device.busy:.0%}" if one.device else "",
        "gap µs": lambda one: f"{one.device.gap_us:.1f}" if one.device else "",
    }
    rates = f"{machine.gemm / GIGA:.0f} and {machine.convolution / GIGA:.0f} GFLOP/s, copy {machine.copy / GIGA:.1f} GB/s"
    grid = Grid(
        heading=f"Steps; measured here: matrix product and convolution {rates}",
        columns=tuple(columns),
        cells=tuple(tuple(cell(one) for cell in columns.values()) for one in found),
    )
    return grid.without_blank_columns()


def _variants(found: Sequence[Profile], omitted: Sequence[Omitted]) -> Grid:
    heads = ("method", "run", "× eager", "differs by", "allowed", "first steps s", "")
    cells = []
    for one in found:
        slower = one.variant != "eager" and one.gain < 1 - one.noise
        numbers = (f"{one.gain:.2f}", f"{one.difference:.1g}", f"{one.tolerance:g}", f"{one.first_s:.1f}")
        cells.append((one.row, one.variant, *numbers, "slower here: no gain" if slower else ""))
    cells += [(one.row, one.variant, *4 * ("",), f"not shown: {one.reason}") for one in omitted]
    return Grid(heading="Ways to run a step", columns=heads, cells=tuple(cells))


def _phases(found: Sequence[Profile]) -> Grid:
    cells = []
    for one in found:
        whole = sum(one.phase_ms.values())
        for name, time in sorted(one.phase_ms.items(), key=lambda item: -item[1]):
            work = one.work.phase_flops.get(name, 0.0) / GIGA
            peak = one.phase_mib.get(name)
            numbers = (f"{time:.2f}", f"{time / whole:.1%}", f"{work:.3f}")
            rate = f"{work / time * 1000:.1f}" if time else ""
            cells.append((one.name, name, *numbers, rate, "" if peak is None else f"{peak:.0f}"))
    heads = ("method", "phase", "ms", "share", "GFLOP", "GFLOP/s", "peak MiB")
    grid = Grid(heading="Phases of a watched step", columns=heads, cells=tuple(cells))
    return grid.without_blank_columns()


def _operators(found: Sequence[Profile]) -> Grid:
    cells = [(one.name, name, f"{share:.1%}") for one in found for name, share in one.hottest]
    return Grid(heading="Hottest operators", columns=("method", "operator", "share"), cells=tuple(cells))


def plain(found: Profiles) -> dict[str, Any]:
    """Return all profiles as plain data."""
    rows = [{**asdict(one), "flops": one.work.flops, "flops_per_second": one.rate} for one in found.rows]
    omitted = [asdict(one) for one in found.omitted]
    return {**found.about, "machine": asdict(found.machine), "rows": rows, "omitted": omitted}


def roofline(found: Profiles) -> Figure:
    """Return a chart of every row's rate over its operations per byte, under the machine's rates on its best kernels."""
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    intensity = np.logspace(-1, 3, 200)
    machine, rows = found.machine, found.rows
    for rate, name, style in (
        (machine.gemm, "matrix product", "-"),
        (machine.convolution, "3 × 3 convolution with gradients", "--"),
    ):
        axes.plot(
            intensity, np.minimum(rate, machine.copy * intensity) / GIGA, style, color="0.3", label=name
        )
    points = {
        "FLOP / byte": [one.work.flops / one.work.bytes for one in rows],
        "GFLOP / s": [one.rate / GIGA for one in rows],
        "method": [one.name for one in rows],
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


def write(found: Profiles, folder: Path) -> list[Path]:
    """Write ``profile.json``, ``profile.md`` and ``roofline.png`` / ``.svg`` into a folder; return their paths."""
    text = ", ".join(f"{name} {value}" for name, value in found.about.items())
    parts = [
        f"# Profile\n\n{text}",
        *(f"## {one.heading}\n\n{markdown_grid(one)}" for one in grids(found)),
    ]
    files = {
        "profile.json": json.dumps(plain(found), indent=1).encode() + b"\n",
        "profile.md": ("\n\n".join(parts) + "\n").encode(),
        **{f"roofline.{ending}": data for ending, data in rendered(roofline(found)).items()},
    }
    return [write_atomic(folder / name, content) for name, content in files.items()]
