"""Runs the specs that have no record yet, and writes each record as soon as it is there."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from benchmarks.engines.local import Tell, in_turn, side_by_side
from benchmarks.records import store
from benchmarks.studies.plugins import Sources
from benchmarks.studies.study import RunSpec


def pending(specs: Sequence[RunSpec], results: Path) -> list[RunSpec]:
    """Return the specs that have no record under ``results``."""
    return [spec for spec in specs if not store.exists(spec.id, results)]


def run_matrix(
    specs: Sequence[RunSpec], results: Path, data: Path | None, sources: Sources, tell: Tell, jobs: int = 1
) -> None:
    """Run every pending spec, ``jobs`` at a time; ``tell`` is called as a run begins, after its windows and at its end.

    Raises :class:`~mistakes.UserMistake` before the first run if results cannot be written, or the files of a pair or
    the weights of an extractor are missing.
    """
    import torch  # imported here: there may be nothing to run

    from benchmarks.evaluation.features.extractors import load_extractor
    from datasets.catalogue import check_there

    store.check_writable(results)
    todo = pending(specs, results)
    for pair in {spec.pair for spec in todo}:
        check_there(pair, data)
    for extractor in {spec.extractor for spec in todo}:
        load_extractor(extractor, torch.device("cpu"), data)  # a GPU is left to whoever runs
    finished = side_by_side(todo, data, sources, tell, jobs) if jobs > 1 else in_turn(todo, data, tell)
    with closing(finished):
        for record, files in finished:
            store.write(record, files, results)
