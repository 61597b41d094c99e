"""Estimates the cost of planned runs from the records of similar runs."""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.records import store
from benchmarks.records.record import OK
from benchmarks.studies.study import RunSpec

SHIPPED = Path(__file__).parents[2] / "results"
SAME_RUN = ("pair", "row", "scale", "seed", "extractor", "device", "reproducible")
OTHER_CODE = "their records are of other code; these are kept"


@dataclass(frozen=True, kw_only=True)
class PlannedRun:
    """A planned or recorded run; ``seconds`` is the median of similar runs, ``None`` without any.

    ``stale`` holds the ids of recorded runs that differ from a run to come in their code.
    """

    id: str
    recorded: bool
    seconds: float | None
    stale: tuple[str, ...] = ()

    @property
    def state(self) -> str:
        """What is to be done, as it is shown."""
        again = "to run again: its record is of other code" if self.stale else "to run"
        return "recorded" if self.recorded else again

    @property
    def estimate(self) -> str:
        """The estimate as it is shown."""
        return "unknown" if self.seconds is None else f"{self.seconds:.0f}"


def planned(specs: Sequence[RunSpec], results: Path) -> list[PlannedRun]:
    """Return every run with its state and estimated seconds.

    Similar runs have the same pair, scale and kind of device, and the same row; if that row has no record, any trained row
    will do. Records are those of ``results`` and of the project's own results. A run that shared the machine with others
    counts with its share of the seconds.
    """
    known = [
        record
        for folder in {results, SHIPPED}
        if (folder / "runs").exists()
        for record in store.read_all(folder, curves=False)
    ]
    costs: dict[tuple[str, ...], list[float]] = {}
    for record in known:
        if record.status == OK:
            done = record.spec
            like_this = (done["pair"], done["scale"], done["device"])
            seconds = sum(record.seconds.values()) / int(record.host.get("jobs", 1))
            costs.setdefault((*like_this, done["row"]), []).append(seconds)
            if record.step_ms:
                costs.setdefault(like_this, []).append(seconds)
    lines, old = [], stale(specs, results)
    for spec in specs:
        place = (spec.pair, spec.scale, spec.device)
        like = costs.get((*place, spec.row)) or costs.get(place)
        lines.append(
            PlannedRun(
                id=spec.id,
                recorded=store.exists(spec.id, results),
                seconds=median(like) if like else None,
                stale=old.get(spec.id, ()),
            )
        )
    return lines


def stale(specs: Sequence[RunSpec], results: Path) -> dict[str, tuple[str, ...]]:
    """Return by the ids of specs that have no record the ids of recorded runs of other code that stood for the same run.

    The same run has the same pair, row, scale, seed, extractor and device; other code often has other settings too.
    """
    folder = results / "runs"
    recorded: dict[str, list[str]] = {}
    for name in sorted(os.listdir(folder)) if folder.is_dir() else ():
        recorded.setdefault(name.rpartition("--")[0], []).append(name)
    found = {}
    for spec in specs:
        names = recorded.get(spec.id.rpartition("--")[0], ())
        if names and spec.id not in names and (ids := tuple(_of_other_code(spec, names, folder))):
            found[spec.id] = ids
    return found


def _of_other_code(spec: RunSpec, names: Sequence[str], folder: Path) -> Iterator[str]:
    for name in names:
        with suppress(store.MissingRecord):
            theirs = store.read(folder / name, curve=False).spec
            same = all(theirs.get(part) == spec.plain.get(part) for part in SAME_RUN)
            if same and theirs.get("code") != spec.plain.get("code"):
                yield name


def total(lines: Sequence[PlannedRun]) -> str:
    """Return the number of runs and their total time in a sentence."""
    todo = [line for line in lines if not line.recorded]
    known = [line.seconds for line in todo if line.seconds is not None]
    unknown = len(todo) - len(known)
    rest = f", {unknown} of unknown length" if unknown else ""
    old = sum(bool(line.stale) for line in todo)
    again = f"; {old} of them again, since {OTHER_CODE}" if old else ""
    return f"{len(lines)} runs, {len(todo)} to do: about {sum(known) / 60:.1f} minutes{rest}{again}."
