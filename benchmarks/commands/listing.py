"""Lists of methods, pairs, scores, extractors, studies, scales and settings. The list of settings alone needs torch."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks.scores.catalogue import EXTRACTORS, SCORES
from benchmarks.studies.published import STUDIES
from benchmarks.studies.runs import budget_of
from benchmarks.studies.scales import SCALES
from benchmarks.tables.cells import Grid
from datasets.catalogue import PAIRS, Entry
from methods.recipe import Recipe
from methods.recipes import RECIPES, configure
from mistakes import unknown

NO_SETTING = "–"
NOWHERE = (NO_SETTING,) * len(SCALES)
ByPath = Mapping[str, tuple[str, ...]]
"""The values of settings at all scales, by dotted path."""


def listings(wanted: Sequence[str], data: Path | None) -> Mapping[str, Grid]:
    """Return the wanted lists by name, or all lists but the long one of settings.

    Raises :class:`~mistakes.UserMistake` for an unknown name.
    """
    for name in wanted:
        if name not in LISTS:
            raise unknown("list", name, LISTS)
    return {name: LISTS[name](data) for name in wanted or [name for name in LISTS if name != "settings"]}


def _methods(data: Path | None) -> Grid:
    lines = [(one.name, one.about, _changes(one.all_changes), one.paper) for one in RECIPES.values()]
    return Grid(heading="methods", columns=("name", "what it is", "changes", "paper"), cells=tuple(lines))


def _changes(changes: Mapping[str, object]) -> str:
    return ", ".join(f"{path}={_written(value)}" for path, value in changes.items()) or "–"


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


def _settings(data: Path | None) -> Grid:
    """Return a line for each setting of each method, with its value at each scale.

    A method that is made of another one lists only what differs from that one. What a method sets for a pair is listed
    unless the other method sets the same.
    """
    lines: list[tuple[str, ...]] = []
    for name, one in RECIPES.items():
        base = one.base.name if isinstance(one.base, Recipe) else ""
        mine, theirs = _by_path(name), _by_path(base) if base else {}
        lines += _lines(name, base or NO_SETTING, _changed(mine, theirs))
        for pair in one.kind.PAIRS:
            changes = _changed(_by_path(name, pair), mine)
            if not base or changes != _changed(_by_path(base, pair), theirs):
                lines += _lines(f"{name} on {pair}", name, changes)
    for pair, entry in PAIRS.items():
        numbers = dict.fromkeys(number for of_scale in entry.budgets.values() for number in of_scale)
        at = [
            {number: entry.budgets.get(scale, {}).get(number, NO_SETTING) for number in numbers}
            for scale in SCALES
        ]
        lines += _lines(
            f"pair {pair}", NO_SETTING, {f"budget.{one}": tuple(str(of[one]) for of in at) for one in numbers}
        )
    return Grid(
        heading="settings; a method made of another one lists what differs from that one, a pair what it replaces in the scale",
        columns=("name", "made of", "setting", *SCALES),
        cells=tuple(lines),
    )


def _lines(name: str, base: str, values: ByPath) -> list[tuple[str, ...]]:
    return [(name, base, path, *at) for path, at in values.items()]


def _changed(mine: ByPath, theirs: ByPath) -> ByPath:
    """Return the values that differ from ``theirs``, settings that only they have included."""
    return {
        path: mine.get(path, NOWHERE)
        for path in dict.fromkeys([*mine, *theirs])
        if mine.get(path, NOWHERE) != theirs.get(path)
    }


def _by_path(name: str, pair: str = "") -> ByPath:
    """Return every setting and number of the budget of a method, perhaps on a pair that it has settings for."""
    at = []
    for scale in SCALES:
        config = configure(name, scale, pair)
        budget = {f"budget.{number}": value for number, value in budget_of(config, scale).items()}
        at.append({path: _written(value) for path, value in {**config.settings, **budget}.items()})
    paths = dict.fromkeys(path for settings in at for path in settings)
    return {path: tuple(settings.get(path, NO_SETTING) for settings in at) for path in paths}


def _written(value: object) -> str:
    return "none" if value is None else str(value)


LISTS: Mapping[str, Callable[[Path | None], Grid]] = {
    "methods": _methods,
    "pairs": _pairs,
    "scores": _scores,
    "extractors": _extractors,
    "studies": _studies,
    "scales": _scales,
    "settings": _settings,
}
"""Functions by list name that make the list for a data root."""
