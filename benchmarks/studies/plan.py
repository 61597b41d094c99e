"""What a set of runs may cost, going by the records of like runs."""

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
    """A run to come, or one that is recorded; ``seconds`` is the median of like runs, or ``None``."""

    id: str
    recorded: bool
    seconds: float | None

    @property
    def estimate(self) -> str:
        """The estimate as it is shown."""
        return "unknown" if self.seconds is None else f"{self.seconds:.0f}"


def planned(specs: Sequence[RunSpec], results: Path) -> list[PlannedRun]:
    """Return every run with its state and estimated seconds.

    Like runs are those of the same row, else of any trained row, on the same pair, scale and kind of device, here or
    among the results that come with the project; one of several at a time counts with its share of the seconds.
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
    """Return the sum in a sentence."""
    todo = [line for line in lines if not line.recorded]
    known = [line.seconds for line in todo if line.seconds is not None]
    unknown = len(todo) - len(known)
    rest = f", {unknown} of unknown length" if unknown else ""
    return f"{len(lines)} runs, {len(todo)} to do: about {sum(known) / 60:.1f} minutes{rest}."
