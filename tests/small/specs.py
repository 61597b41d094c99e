"""Runs that nobody does: their rows are known to :mod:`tests.small.workers` alone."""

from benchmarks.studies.study import RunSpec


def specs(*rows: str, pairs: tuple[str, ...] = ("shapes",), seeds: int = 1) -> list[RunSpec]:
    """Return a run for every pair, seed and row."""
    return [
        RunSpec(pair=pair, row=row, scale="smoke", seed=seed, extractor="random", device="cpu")
        for pair in pairs
        for seed in range(seeds)
        for row in rows
    ]
