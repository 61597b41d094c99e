"""The record of a run, made for tables. Needs no torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

SCHEMA = 3
OK, DIVERGED, FAILED = "ok", "diverged", "failed"


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """Everything that a table needs to know of one run.

    ``status`` is ok, diverged or failed; ``reason`` explains the latter two. ``bound`` is true if the row is a bound of
    the comparison and no candidate. ``scores`` maps score names to values; a missing value is ``None``, and ``blanks``
    gives the reason. ``intervals`` holds 95 % intervals over images for the scores that have an interval. ``floor``
    holds the realism scores of one half of the real test images against the other half. ``task`` describes the pair's
    task and the titles of its scores; it is empty for a run without scores. ``protocol`` holds the extractor, the number
    of images and the data of the scores. ``step_ms`` holds quartiles over timed windows; ``images_per_step`` counts
    source images; ``seconds`` lists the phases. Each of ``snapshots`` holds a step, the headline score of the row's task
    model at that step, the criteria of selection rules, and the AUC of the critic then if the method has one.
    """

    id: str
    spec: Mapping[str, Any]
    status: str
    reason: str = ""
    bound: bool = False
    scores: Mapping[str, float | None] = field(default_factory=dict)
    blanks: Mapping[str, str] = field(default_factory=dict)
    intervals: Mapping[str, Sequence[float]] = field(default_factory=dict)
    floor: Mapping[str, float] = field(default_factory=dict)
    task: Mapping[str, Any] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    protocol: Mapping[str, str | int] = field(default_factory=dict)
    step_ms: Mapping[str, float | int] = field(default_factory=dict)
    images_per_step: float = 0.0
    seconds: Mapping[str, float] = field(default_factory=dict)
    peak_mib: float | None = None
    parameters: Mapping[str, int] = field(default_factory=dict)
    curve: tuple[Mapping[str, float], ...] = ()
    snapshots: tuple[Mapping[str, float], ...] = ()
    host: Mapping[str, str | int] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    commit: str = ""
    created: str = ""
    schema: int = SCHEMA

    @property
    def row(self) -> str:
        """The row of the table that the run belongs to."""
        return str(self.spec["row"])

    @property
    def pair(self) -> str:
        """The pair of domains."""
        return str(self.spec["pair"])

    @property
    def seed(self) -> int:
        """The seed that all randomness of the run is derived from."""
        return int(self.spec["seed"])

    @property
    def scale(self) -> str:
        """The scale of steps, batch and networks."""
        return str(self.spec["scale"])


FIELDS = tuple(part.name for part in fields(RunRecord))
