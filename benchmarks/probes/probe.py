"""The form of a probe, and its results as a table."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.statistics.estimates import Estimate, estimate
from benchmarks.tables.cells import Grid

Cell = str | int | float
Row = Mapping[str, Cell]


@dataclass(frozen=True, kw_only=True)
class Probe:
    """A question about an ingredient and its measurement.

    ``cases`` and ``values`` map columns to their titles, units included: a case is what a row was measured under (step,
    variant, size), a value is what was found. ``measure(seed, quick)`` yields one row a case, all columns filled; the same
    seed gives the same rows. With ``quick`` it takes seconds and its numbers mean nothing. ``digits`` counts decimals.
    """

    name: str
    question: str
    cases: Mapping[str, str]
    values: Mapping[str, str]
    measure: Callable[[int, bool], Iterator[Row]]
    digits: int = 3


def grid(probe: Probe, rows: Sequence[Row]) -> Grid:
    """Return one line a case: the mean of every value over seeds, ± the half-width of its 95 % interval."""
    lines: dict[tuple[Cell, ...], list[Row]] = {}
    for row in rows:
        lines.setdefault(tuple(row[name] for name in probe.cases), []).append(row)
    cells = tuple(
        (
            *map(str, case),
            *(_written(estimate([float(row[name]) for row in found]), probe) for name in probe.values),
        )
        for case, found in lines.items()
    )
    seeds = ", ".join(str(seed) for seed in dict.fromkeys(row["seed"] for row in rows))
    heading = f"{probe.question} (seeds {seeds})"
    return Grid(heading=heading, columns=(*probe.cases.values(), *probe.values.values()), cells=cells)


def _written(value: Estimate | None, probe: Probe) -> str:
    return "" if value is None else value.written(probe.digits)
