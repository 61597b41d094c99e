"""Runs the specs that have no record yet, one after the other, and writes each record as soon as it is there."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from benchmarks import records
from benchmarks.study import RunSpec


@dataclass(frozen=True, kw_only=True)
class Event:
    """What the matrix is at: run ``index`` of ``total``, step ``step`` of ``steps``, the latest loss terms."""

    spec: RunSpec
    index: int
    total: int
    step: int = 0
    steps: int = 1
    terms: Mapping[str, float] | None = None


def pending(specs: Sequence[RunSpec], results: Path) -> list[RunSpec]:
    """Return the specs that have no record under ``results``."""
    return [spec for spec in specs if not records.exists(spec.id, results)]


def run_matrix(
    specs: Sequence[RunSpec], results: Path, data: Path | None, tell: Callable[[Event], None]
) -> None:
    """Run every pending spec; ``tell`` is called when a run begins and after each of its windows.

    Raises :class:`~mistakes.UserMistake` before the first run if results cannot be written, or the files of a pair or
    the weights of an extractor are missing.
    """
    import torch  # imported here: there may be nothing to run

    from benchmarks.harness import run
    from benchmarks.memory import keep_freed_memory
    from benchmarks.scores.extractors import load_extractor
    from datasets.catalogue import check_there

    keep_freed_memory()
    records.check_writable(results)
    todo = pending(specs, results)
    for pair in {spec.pair for spec in todo}:
        check_there(pair, data)
    for extractor, device in {(spec.extractor, spec.device) for spec in todo}:
        load_extractor(extractor, torch.device(device), data)
    for index, spec in enumerate(todo):
        begun = Event(spec=spec, index=index, total=len(todo))
        tell(begun)
        record, files = run(spec, data, partial(_tell_step, tell, begun))
        records.write(record, files, results)


def _tell_step(
    tell: Callable[[Event], None], begun: Event, step: int, steps: int, terms: Mapping[str, float]
) -> None:
    tell(replace(begun, step=step, steps=steps, terms=terms))
