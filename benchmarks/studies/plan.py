"""Estimates the cost of planned runs from the records of similar runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.records import store
from benchmarks.records.record import OK
from benchmarks.studies.study import RunSpec

SHIPPED = Path(__file__).parents[2] / "results"


@dataclass(frozen=True, kw_only=True)
class PlannedRun:
    """A planned or recorded run; ``seconds`` is the median of similar runs, ``None`` without any."""

    id: str
    recorded: bool
    seconds: float | None

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
    lines = []
    for spec in specs:
        place = (spec.pair, spec.scale, spec.device)
        like = costs.get((*place, spec.row)) or costs.get(place)
        lines.append(
            PlannedRun(
                id=spec.id, recorded=store.exists(spec.id, results), seconds=median(like) if like else None
            )
        )
    return lines


def total(lines: Sequence[PlannedRun]) -> str:
    """Return the number of runs and their total time in a sentence."""
    todo = [line for line in lines if not line.recorded]
    known = [line.seconds for line in todo if line.seconds is not None]
    unknown = len(todo) - len(known)
    rest = f", {unknown} of unknown length" if unknown else ""
    return f"{len(lines)} runs, {len(todo)} to do: about {sum(known) / 60:.1f} minutes{rest}."
