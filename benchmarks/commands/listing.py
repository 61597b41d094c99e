"""Lists of methods, pairs, scores, extractors, studies and scales. Needs no torch."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks.scores.catalogue import EXTRACTORS, SCORES
from benchmarks.studies.published import STUDIES
from benchmarks.studies.scales import SCALES
from benchmarks.tables.cells import Grid
from datasets.catalogue import PAIRS, Entry
from methods.recipes import RECIPES
from mistakes import unknown


def listings(wanted: Sequence[str], data: Path | None) -> Mapping[str, Grid]:
    """Return the wanted lists by name, or all lists; raises :class:`~mistakes.UserMistake` for an unknown name."""
    for name in wanted:
        if name not in LISTS:
            raise unknown("list", name, LISTS)
    return {name: LISTS[name](data) for name in wanted or LISTS}


def _methods(data: Path | None) -> Grid:
    lines = [(one.name, one.about, _changes(one.all_changes), one.paper) for one in RECIPES.values()]
    return Grid(heading="methods", columns=("name", "what it is", "changes", "paper"), cells=tuple(lines))


def _changes(changes: Mapping[str, object]) -> str:
    return ", ".join(f"{path}={'none' if value is None else value}" for path, value in changes.items()) or "–"


def _pairs(data: Path | None) -> Grid:
    lines = [(name, one.about, one.licence, _whereabouts(one, data)) for name, one in PAIRS.items()]
    return Grid(heading="pairs", columns=("name", "what it is", "licence", "data"), cells=tuple(lines))


def _whereabouts(pair: Entry, data: Path | None) -> str:
    missing = pair.missing(data)
    return f"missing: {', '.join(missing)}" if missing else "here"


def _scores(data: Path | None) -> Grid:
    lines = [(name, score.about) for name, score in SCORES.items()]
    return Grid(heading="scores", columns=("name", "what it is"), cells=tuple(lines))


def _extractors(data: Path | None) -> Grid:
    return Grid(heading="extractors", columns=("name", "what it is"), cells=tuple(EXTRACTORS.items()))


def _studies(data: Path | None) -> Grid:
    heads = ("name", "what it asks", "pairs", "methods", "seeds", "scale")
    lines = [
        (one.name, one.about, ", ".join(one.pairs), ", ".join(one.rows), str(len(one.seeds)), one.scale)
        for one in STUDIES.values()
    ]
    return Grid(heading="studies", columns=heads, cells=tuple(lines))


def _scales(data: Path | None) -> Grid:
    lines = [(name, scale.about, str(scale.steps)) for name, scale in SCALES.items()]
    return Grid(heading="scales", columns=("name", "what it is", "steps"), cells=tuple(lines))


LISTS: Mapping[str, Callable[[Path | None], Grid]] = {
    "methods": _methods,
    "pairs": _pairs,
    "scores": _scores,
    "extractors": _extractors,
    "studies": _studies,
    "scales": _scales,
}
"""Functions by list name that make the list for a data root."""
