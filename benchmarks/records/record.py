"""What a run leaves behind for tables. Needs no torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

SCHEMA = 3
OK, DIVERGED, FAILED = "ok", "diverged", "failed"


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """All that a table needs of one run.

    ``status`` is ok, diverged or failed, the latter two with a ``reason``. ``bound`` says that the row is a bound of the
    comparison and no candidate. ``scores`` maps score names to values, or
    to ``None`` with an entry in ``blanks`` that says why. ``protocol`` says with which extractor, how many images and
    which data the scores were taken; ``step_ms`` holds quartiles over timed windows; ``images_per_step`` counts source
    images; ``seconds`` lists the phases. ``intervals`` holds the 95 % interval over images, for scores that have one;
    ``task`` says what the pair asks and how its scores are titled, empty in a run that did not come to its scores;
    ``floor`` the realism scores of one half of the real test images against the other. Each of ``checkpoints`` is a step
    with the task's headline score of the row's model then, and the criteria by which selection rules choose.
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
    checkpoints: tuple[Mapping[str, float], ...] = ()
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


FIELDS = {part.name for part in fields(RunRecord)}
