"""What can be asked for, as lists. Needs no torch."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.scores.catalogue import EXTRACTORS, SCORES
from benchmarks.studies.published import STUDIES
from benchmarks.studies.scales import SCALES
from benchmarks.tables.cells import Grid
from datasets.catalogue import PAIRS
from methods.recipes import RECIPES
from mistakes import unknown


def listings(wanted: Sequence[str], data: Path | None) -> Mapping[str, Grid]:
    """Return the lists asked for, or all of them; raises :class:`~mistakes.UserMistake` for an unknown one."""
    lists = (
        Grid(
            heading="methods",
            columns=("name", "what it is", "changes", "paper"),
            cells=tuple((r.name, r.about, _changes(r.all_changes), r.paper) for r in RECIPES.values()),
        ),
        Grid(
            heading="pairs",
            columns=("name", "what it is", "licence", "data"),
            cells=tuple(
                (
                    name,
                    entry.about,
                    entry.licence,
                    "missing: " + ", ".join(gone) if (gone := entry.missing(data)) else "here",
                )
                for name, entry in PAIRS.items()
            ),
        ),
        Grid(
            heading="scores",
            columns=("name", "what it is"),
            cells=tuple((name, score.about) for name, score in SCORES.items()),
        ),
        Grid(heading="extractors", columns=("name", "what it is"), cells=tuple(EXTRACTORS.items())),
        Grid(
            heading="studies",
            columns=("name", "what it asks", "pairs", "methods", "seeds", "scale"),
            cells=tuple(
                (s.name, s.about, ", ".join(s.pairs), ", ".join(s.rows), str(len(s.seeds)), s.scale)
                for s in STUDIES.values()
            ),
        ),
        Grid(
            heading="scales",
            columns=("name", "what it is", "steps"),
            cells=tuple((name, scale.about, str(scale.steps)) for name, scale in SCALES.items()),
        ),
    )
    named = {one.heading: one for one in lists}
    for name in wanted:
        if name not in named:
            raise unknown("list", name, named)
    return {name: named[name] for name in wanted or named}


def _changes(changes: Mapping[str, object]) -> str:
    return ", ".join(f"{path}={'none' if value is None else value}" for path, value in changes.items()) or "–"
