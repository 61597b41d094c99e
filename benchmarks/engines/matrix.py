"""Runs the specs that have no record yet, and writes each record when its run ends."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from benchmarks.engines.contract import Engine, Tell
from benchmarks.records import store
from benchmarks.studies.plugins import Sources
from benchmarks.studies.study import RunSpec


def pending(specs: Sequence[RunSpec], results: Path) -> list[RunSpec]:
    """Return the specs that have no record under ``results``."""
    return [spec for spec in specs if not store.exists(spec.id, results)]


def run_matrix(specs: Sequence[RunSpec], results: Path, engine: Engine, sources: Sources, tell: Tell) -> None:
    """Let the engine do every pending spec and write the records; ``tell`` receives the messages of the engine.

    Raises :class:`~mistakes.UserMistake` before the first run if results cannot be written, or if the files of a pair or
    the weights of an extractor are missing.
    """
    # Imported here: extractors load torch.
    from benchmarks.evaluation.features.extractors import check_extractor_there
    from datasets.catalogue import check_there

    store.check_writable(results)
    todo = pending(specs, results)
    for pair in {spec.pair for spec in todo}:
        check_there(pair, engine.data)
    for extractor in {spec.extractor for spec in todo}:
        check_extractor_there(extractor, engine.data)
    with closing(engine.place(todo, sources, tell)) as found:
        for result in found:
            store.write(result.record, result.files, results)
