"""Whether runs side by side end sooner: one set of runs, timed with every number of jobs in turn.

python -m benchmarks.speed.jobs fonts-digits small 60
"""

import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from statistics import median

from benchmarks.engines.local import Local
from benchmarks.engines.matrix import run_matrix
from benchmarks.studies.plugins import Sources
from benchmarks.studies.runs import runs
from benchmarks.studies.study import RunSpec, Study


def compare_jobs(
    specs: Sequence[RunSpec], counts: Sequence[int] = (1, 2), rounds: int = 3
) -> Mapping[int, list[float]]:
    """Return for each number of jobs the seconds of all runs in every round; a round includes a new process and its imports."""
    seconds: dict[int, list[float]] = {count: [] for count in counts}
    for _ in range(rounds):
        for (
            count,
            found,
        ) in seconds.items():  # interleaved, so that other load on the machine meets all counts alike
            start = time.perf_counter()
            process = get_context("spawn").Process(target=_run, args=(specs, count))
            process.start()
            process.join()
            found.append(time.perf_counter() - start)
            assert process.exitcode == 0
    return seconds


def _run(specs: Sequence[RunSpec], jobs: int) -> None:
    with tempfile.TemporaryDirectory() as results:
        run_matrix(specs, Path(results), Local(jobs=jobs), Sources(), lambda _: None)


if __name__ == "__main__":
    pair, scale, steps = sys.argv[1:]
    study = Study(name="jobs", about="", pairs=(pair,), rows=("simgan",), seeds=(0, 1, 2, 3), scale=scale)
    short = [replace(spec, budget={**spec.budget, "steps": int(steps)}) for spec in runs(study, "cpu")]
    for count, found in compare_jobs(short).items():
        print(f"{count} jobs: median {median(found):.1f} s of {', '.join(f'{one:.1f}' for one in found)}")
