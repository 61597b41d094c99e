"""A results folder → studies with their records, from which every table, figure and report is made."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.records import store
from benchmarks.records.record import RunRecord
from benchmarks.records.selection import CRITERIA, completed
from benchmarks.studies.published import STUDIES, find_study
from benchmarks.studies.study import Study
from benchmarks.tables.comparable import records_of
from benchmarks.tables.table import studies_in
from mistakes import UserMistake


def recorded_runs(ids: Iterable[str], results: Path) -> list[RunRecord]:
    """Return the records of these runs; raises :class:`UserMistake` if a record is missing or broken."""
    return [_with_criteria(store.find(run_id, results), results) for run_id in ids]


def recorded_studies(
    names: Sequence[str], results: Path, curves: bool = True
) -> list[tuple[Study, list[RunRecord]]]:
    """Return the named studies that have records, with these records; ``curves`` says whether to read loss curves too.

    Without names, return the published studies that are complete: every row has records on every pair. If no study is
    complete, return one study for each recorded pair and scale.
    Raises :class:`UserMistake` for an unknown name, and if no record belongs to the studies.
    """
    everything = [_with_criteria(record, results) for record in store.read_all(results, curves)]
    studies = [find_study(name) for name in names] or _whole(everything)
    found = [(study, mine) for study in studies if (mine := records_of(study, everything))]
    if not found and not names:
        found = [(study, records_of(study, everything)) for study in studies_in(everything)]
    if not found:
        raise UserMistake(
            f"folder {str(results)!r} has no record of {', '.join(names) or 'any run'}; "
            "allowed: a folder that `bench.py --results` wrote to."
        )
    return found


def _whole(everything: list[RunRecord]) -> list[Study]:
    """Return the published studies whose rows all have records on every pair."""
    there = {(record.pair, record.row, record.scale) for record in everything}
    return [
        study
        for study in STUDIES.values()
        if there.issuperset((pair, row, study.scale) for pair in study.pairs for row in study.rows)
    ]


def _with_criteria(record: RunRecord, results: Path) -> RunRecord:
    """Return a record whose snapshots have every criterion that its stored predictions allow."""
    if not record.task.get("probabilities") or all(
        CRITERIA.keys() <= snapshot.keys() for snapshot in record.snapshots
    ):
        return record
    predictions = results / "runs" / record.id / store.PREDICTIONS
    return replace(record, snapshots=completed(record.snapshots, predictions))
