"""Records before (A) and after (B) → the values that can be compared, by row, score and seed. Needs no torch.

Two runs are a pair if their whole specification but the code is equal, the seed included; of several codes on one side
the newest counts.
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

from benchmarks.records.record import OK, RunRecord
from benchmarks.tables.comparable import newest
from benchmarks.tables.grids import seeds_said
from benchmarks.tables.summary import known_scores

RUNS, STEP = "runs", "step_ms"
WORSE = {"lower": 1, "higher": -1}

RunsBySeed = Mapping[int, RunRecord]
Pairs = Sequence[tuple[RunRecord, RunRecord]]


class Verdict(StrEnum):
    """The verdict on one score of one row, worst first."""

    LOST = "runs lost"
    WORSE = "worse"
    SLOWER = "slower"
    GAINED = "runs gained"
    BETTER = "better"
    FASTER = "faster"
    NOISE = "within noise"
    ONE_SEED = "one seed, not judged"
    NO_SEED = "no seed in common"
    OTHER_SETTINGS = "other settings"
    OTHER_DATA = "other data"
    OTHER_MACHINE = "other machine"
    ONLY_A = "only in A"
    ONLY_B = "only in B"
    SAME = "same"


class ComparedRow(NamedTuple):
    """The part of a run's specification that is compared: all but settings, budget and seed."""

    row: str
    pair: str
    scale: str
    extractor: str
    device: str


@dataclass(frozen=True, kw_only=True)
class Cell:
    """The values of one score of one row by the seeds of both sides; ``fixed`` is a verdict that needs no interval.

    ``worse`` is the sign of B − A that means worse.
    """

    row: ComparedRow
    score: str = ""
    title: str = ""
    worse: int = 0
    before: tuple[float, ...] = ()
    after: tuple[float, ...] = ()
    fixed: Verdict | None = None

    @property
    def judged(self) -> bool:
        """Say whether an interval decides the verdict."""
        return self.fixed is None and self.before != self.after and len(self.before) > 1

    @property
    def seeds(self) -> int:
        """Return the number of seeds with values."""
        return max(len(self.before), len(self.after))

    @property
    def gaps(self) -> list[float]:
        """Return B − A by seed, for step times ln(B / A); none where the verdict is fixed."""
        pairs = [] if self.fixed else zip(self.before, self.after, strict=True)
        return [math.log(b / a) if self.score == STEP else b - a for a, b in pairs]


def row_of(record: RunRecord) -> ComparedRow:
    """Return the row that a record belongs to."""
    return ComparedRow(*(record.spec[name] for name in ComparedRow._fields))


def cells(before: Iterable[RunRecord], after: Iterable[RunRecord]) -> Iterator[Cell]:
    """Yield the cells of every row that either side has."""
    one, two = _by_settings(before), _by_settings(after)
    for key in one.keys() & two.keys():
        yield from _matched(one[key], two[key])
    first, second = ({_row(runs) for runs in side.values()} for side in (one, two))
    alone = dict.fromkeys(first - second, Verdict.ONLY_A) | dict.fromkeys(second - first, Verdict.ONLY_B)
    for row in {_row((one | two)[key]) for key in one.keys() ^ two.keys()}:
        yield Cell(row=row, fixed=alone.get(row, Verdict.OTHER_SETTINGS))


def _row(runs: RunsBySeed) -> ComparedRow:
    return row_of(next(iter(runs.values())))


def _by_settings(records: Iterable[RunRecord]) -> dict[str, RunsBySeed]:
    """Return groups of runs of one code that differ in their seed alone; keys are their settings as text."""
    found: dict[str, dict[int, RunRecord]] = {}
    for record in newest([*records], _settings):
        found.setdefault(_settings(record), {})[record.seed] = record
    return {**found}


def _settings(record: RunRecord) -> str:
    """Return the whole specification but seed and code, as text."""
    plain = {name: value for name, value in record.spec.items() if name not in ("seed", "code")}
    return json.dumps(plain, sort_keys=True)


def _matched(one: RunsBySeed, two: RunsBySeed) -> Iterator[Cell]:
    """Yield the cells of a row that both sides have with the same settings."""
    row, pairs = _row(one), [(one[seed], two[seed]) for seed in sorted(one.keys() & two.keys())]
    done = [(a, b) for a, b in pairs if a.status == b.status == OK]
    if not pairs:
        yield Cell(row=row, fixed=Verdict.NO_SEED)
        return
    for alone, verdict in (
        (one.keys() - two.keys(), Verdict.ONLY_A),
        (two.keys() - one.keys(), Verdict.ONLY_B),
    ):
        if alone:
            yield Cell(row=row, title=f"seeds {seeds_said(sorted(alone))}", fixed=verdict)
    if any(record.protocol != done[0][0].protocol for pair in done for record in pair):
        yield Cell(row=row, fixed=Verdict.OTHER_DATA)
    else:
        yield _ended(row, pairs)
        for name, score in known_scores(a for a, _ in done).scores.items():
            if score.better in WORSE:
                cell = Cell(row=row, score=name, title=score.short, worse=WORSE[score.better])
                yield from _filled(cell, [(a.scores.get(name), b.scores.get(name)) for a, b in done])
        other = any(a.host != b.host for a, b in done)
        times = [(a.step_ms.get("median"), b.step_ms.get("median")) for a, b in done]
        fixed = Verdict.OTHER_MACHINE if other else None
        yield from _filled(Cell(row=row, score=STEP, title="ms / step", worse=1, fixed=fixed), times)


def _ended(row: ComparedRow, pairs: Pairs) -> Cell:
    """Return the cell that holds 1 for every run that ended well, 0 for all other runs.

    A seed that is lost counts, whatever other seeds are gained. The title names the seeds of either kind.
    """
    lost, gained = (
        [mine[0].seed for mine in pairs if [one.status == OK for one in mine] == ends]
        for ends in ([True, False], [False, True])
    )
    said = [
        f"{word} seeds {seeds_said(seeds)}" for word, seeds in (("lost", lost), ("gained", gained)) if seeds
    ]
    before, after = (
        tuple(float(record.status == OK) for record in side) for side in zip(*pairs, strict=True)
    )
    return Cell(
        row=row,
        score=RUNS,
        title=", ".join(["share of runs done", *said]),
        worse=-1,
        before=before,
        after=after,
        fixed=Verdict.LOST if lost else Verdict.GAINED if gained else Verdict.SAME,
    )


def _filled(cell: Cell, values: Sequence[tuple[float | None, float | None]]) -> Iterator[Cell]:
    """Yield the cell with the values of a score, if either side has the score."""
    if shared := [(a, b) for a, b in values if a is not None and b is not None]:
        before, after = zip(*shared, strict=True)
        yield replace(cell, before=before, after=after)
        return
    one, two = (tuple(value for pair in values if (value := pair[side]) is not None) for side in (0, 1))
    if one or two:
        alone = Verdict.NO_SEED if one and two else Verdict.ONLY_A if one else Verdict.ONLY_B
        yield replace(cell, before=one, after=two, fixed=alone)
