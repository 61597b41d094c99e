"""What can be asked for, as lists. Needs no torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.scores.catalogue import EXTRACTORS, SCORES
from benchmarks.studies.published import STUDIES
from benchmarks.studies.scales import SCALES
from datasets.catalogue import PAIRS
from methods.recipes import RECIPES
from mistakes import unknown


@dataclass(frozen=True, kw_only=True)
class Listing:
    """One list: column heads and rows."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def listings(wanted: Sequence[str], data: Path | None) -> Mapping[str, Listing]:
    """Return the lists asked for, or all of them; raises :class:`~mistakes.UserMistake` for an unknown one."""
    lists = {
        "methods": Listing(
            columns=("name", "what it is", "changes", "paper"),
            rows=tuple((r.name, r.about, _changes(r.all_changes), r.paper) for r in RECIPES.values()),
        ),
        "pairs": Listing(
            columns=("name", "what it is", "licence", "data"),
            rows=tuple(
                (
                    name,
                    entry.about,
                    entry.licence,
                    "missing: " + ", ".join(gone) if (gone := entry.missing(data)) else "here",
                )
                for name, entry in PAIRS.items()
            ),
        ),
        "scores": Listing(
            columns=("name", "what it is"), rows=tuple((name, score.about) for name, score in SCORES.items())
        ),
        "extractors": Listing(columns=("name", "what it is"), rows=tuple(EXTRACTORS.items())),
        "studies": Listing(
            columns=("name", "what it asks", "pairs", "methods", "seeds", "scale"),
            rows=tuple(
                (s.name, s.about, ", ".join(s.pairs), ", ".join(s.rows), str(len(s.seeds)), s.scale)
                for s in STUDIES.values()
            ),
        ),
        "scales": Listing(
            columns=("name", "what it is", "steps"),
            rows=tuple((name, scale.about, str(scale.steps)) for name, scale in SCALES.items()),
        ),
    }
    for name in wanted:
        if name not in lists:
            raise unknown("list", name, lists)
    return {name: lists[name] for name in wanted or lists}


def _changes(changes: Mapping[str, object]) -> str:
    return ", ".join(f"{path}={'none' if value is None else value}" for path, value in changes.items()) or "–"
