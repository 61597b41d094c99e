"""Measures the contents of ``results/speed``: profiles, promises of speed, the gain of each optimisation, runs side by side.

    python -m benchmarks.speed results/speed

Takes about a quarter of an hour on two cores; nothing else should run on the machine.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from statistics import median
from typing import Any

import seaborn as sns
import torch
from matplotlib.figure import Figure

from benchmarks.engines.resources import resolve_device
from benchmarks.figures.catalogue import rendered
from benchmarks.profiling.output import write
from benchmarks.profiling.steps import profiled
from benchmarks.records.files import write_atomic
from benchmarks.running.provenance import describe
from benchmarks.speed.goals import Goal, goals
from benchmarks.speed.jobs import compare_jobs
from benchmarks.speed.optimisations import Gain, gains
from benchmarks.studies.runs import runs
from benchmarks.studies.study import Study
from benchmarks.tables.cells import Grid
from benchmarks.tables.formats import markdown_grid
from benchmarks.tables.terminal import OUT, show_grid

ROWS = ("simgan", "simgan-nohist", "simgan-ggdr", "pixelda")
VARIANTS = {"cpu": ("eager", "compile", "bf16", "contiguous"), "cuda": ("eager", "compile", "graphs", "bf16")}
SHORT = "simgan[refiner_pretraining=20;critic_pretraining=0]"
JOBS = {"fonts-digits": 60, "digits-photos": 30}  # steps of each of four runs


def main(folder: Path) -> None:
    """Measure everything and write it into a folder, each part as soon as it is measured."""
    device = torch.device(resolve_device("auto"))
    about = describe(device)
    made: list[Grid] = []
    plain: dict[str, Any] = dict(about)

    def add(name: str, grid: Grid, values: object) -> None:
        made.append(grid)
        plain[name] = values
        show_grid(grid)
        host = ", ".join(f"{name} {value}" for name, value in about["host"].items())
        page = [f"# Speed\n\n{host}, torch {torch.__version__}, {about['created']}"]
        page += [f"## {one.heading}\n\n{markdown_grid(one)}" for one in made]
        write_atomic(folder / "speed.json", json.dumps(plain, indent=1, ensure_ascii=False).encode() + b"\n")
        write_atomic(folder / "speed.md", ("\n\n".join(page) + "\n").encode())

    kept = goals(device)
    add("goals", _goals(kept), [asdict(one) for one in kept])
    gained = list(gains())
    add("optimisations", _gains(gained), [asdict(one) for one in gained])
    for ending, data in rendered(bars(gained)).items():
        write_atomic(folder / f"optimisations.{ending}", data)
    if device.type == "cpu":
        jobs = _jobs()
        add("jobs", _jobs_grid(jobs), jobs)
    study = Study(name="speed", about="", pairs=("fonts-digits",), rows=ROWS, seeds=(0,))
    write(
        profiled(list(runs(study, device.type)), None, windows=20, steps=5, variants=VARIANTS[device.type]),
        folder,
    )
    OUT.print(f"written to {folder}")


def _goals(kept: Sequence[Goal]) -> Grid:
    cells = tuple((one.name, one.limit, one.found, one.verdict) for one in kept)
    return Grid(heading="Promises", columns=("what", "promised", "measured", ""), cells=cells)


def _gains(gained: Sequence[Gain]) -> Grid:
    cells = tuple(
        (one.name, one.where, f"{one.before_ms:.1f}", f"{one.after_ms:.1f}", f"{one.times:.2f}", one.numbers)
        for one in gained
    )
    columns = ("optimisation", "where", "plain way ms", "ms", "× as fast", "results")
    return Grid(heading="Optimisations, each against the plain way in turns", columns=columns, cells=cells)


def _jobs() -> dict[str, Mapping[int, list[float]]]:
    found = {}
    for pair, steps in JOBS.items():
        study = Study(name="jobs", about="", pairs=(pair,), rows=(SHORT,), seeds=(0, 1, 2, 3))
        budget = {"steps": steps, "task_steps": 60}
        found[pair] = compare_jobs(
            [replace(one, budget={**one.budget, **budget}) for one in runs(study, "cpu")]
        )
    return found


def _jobs_grid(jobs: Mapping[str, Mapping[int, list[float]]]) -> Grid:
    cells = tuple(
        (f"{pair}, SimGAN at small, {JOBS[pair]} steps", str(count), f"{median(times):.1f}",
         f"{min(times):.1f} … {max(times):.1f}")
        for pair, counts in jobs.items() for count, times in counts.items()
    )  # fmt: skip
    return Grid(heading="Four runs, side by side", columns=("runs", "jobs", "s", "least … most"), cells=cells)


def bars(gained: Sequence[Gain]) -> Figure:
    """Return a chart of how many times as fast every optimisation makes its work."""
    figure = Figure(figsize=(7, 0.5 * len(gained) + 1), layout="constrained")
    axes = figure.subplots()
    points = {"what": [f"{one.name}\n{one.where}" for one in gained], "gain": [one.times for one in gained]}
    sns.scatterplot(points, x="gain", y="what", color="0.2", s=60, ax=axes)
    axes.axvline(1, color="0.2", linewidth=1)
    axes.set(xscale="log", xlabel="× as fast as the plain way", ylabel="")
    axes.grid(color="0.9")
    axes.set_axisbelow(True)
    return figure


if __name__ == "__main__":
    main(Path(sys.argv[1]))
