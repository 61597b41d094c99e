"""From the options of a run to a study: rows, pair, seeds and scale, or a study by name."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import Any

from benchmarks.commands.options import (
    Bounds,
    Changes,
    ExtractorName,
    Methods,
    Pair,
    Plugins,
    ScaleName,
    Seeds,
    StudyName,
)
from benchmarks.studies.plugins import Sources
from benchmarks.studies.published import find_study
from benchmarks.studies.study import Study, parse_seeds
from benchmarks.studies.study_file import pair_name, read_form
from datasets.files.toml_form import ENDING
from mistakes import UserMistake

DEFAULTS = {"methods": "simgan,simgan-nohist", "pair": "fonts-digits", "seeds": "3", "scale": "small"}
BOUNDS = ("source-only", "target-only")
"""The rows that ``--bounds`` adds, the lower bound first and the upper one last."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The options of a run in the user's words: a study by name or file, or its parts. ``None`` means not given."""

    methods: Methods = None
    pair: Pair = None
    seeds: Seeds = None
    scale: ScaleName = None
    study: StudyName = None
    changes: Changes = None
    bounds: Bounds = None
    extractor: ExtractorName = None

    def resolved(self) -> Study:
        """Return the named study, or a study made of the other options.

        Raises :class:`UserMistake` if another option is given beside a study.
        """
        if self.study is not None:
            unsaid = vars(Asked(study=self.study))
            said = [name for name, word in vars(self).items() if word != unsaid[name]]
            if said:
                raise UserMistake(
                    f"--study {self.study} comes with its own {', '.join(said)}; allowed: --study without them."
                )
            return find_study(self.study)
        return Study(
            name="comparison",
            about="the rows asked for",
            pairs=(pair_name(self.pair or DEFAULTS["pair"]),),
            rows=tuple(self._rows()),
            seeds=parse_seeds(self.seeds or DEFAULTS["seeds"]),
            scale=self.scale or DEFAULTS["scale"],
            extractor=self.extractor,
        )

    def sources(self, plugins: Plugins) -> Sources:
        """Return the sources: these plugins, the plugins in a study's file, and the pairs that are TOML files."""
        if self.study is None:
            return sources_of([self.pair or DEFAULTS["pair"]], plugins or [])
        if not self.study.endswith(ENDING):
            return sources_of([], plugins or [])
        file, form = Path(self.study), read_form(Path(self.study))
        named = [file.parent / plugin for plugin in form.plugins]
        return sources_of(form.pairs, [*(plugins or []), *named], file.parent)

    def _rows(self) -> list[str]:
        named = split_rows(DEFAULTS["methods"] if self.methods is None else self.methods)
        trained = [with_changes(row, self.changes or ()) for row in named if row not in BOUNDS]
        lower, upper = ([bound] if self.bounds is not False or bound in named else [] for bound in BOUNDS)
        return [*lower, *trained, *upper]


def asks(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command an option for every field of :class:`Asked`, in place of its parameter ``asked``."""

    @wraps(command)
    def with_options(**words: Any) -> None:
        asked = Asked(**{field.name: words.pop(field.name) for field in fields(Asked)})
        command(asked=asked, **words)

    plain = inspect.signature(command)
    options = inspect.signature(Asked).parameters.values()
    kept = [one for one in plain.parameters.values() if one.name != "asked"]
    own = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in kept]
    first = [one for one in own if one.default is one.empty]
    parameters = [*first, *options, *(one for one in own if one not in first)]
    with_options.__signature__ = plain.replace(parameters=parameters)  # type: ignore[attr-defined]
    with_options.__annotations__ = {one.name: one.annotation for one in parameters}
    return with_options


def sources_of(pairs: Sequence[str], plugins: Sequence[Path], folder: Path = Path()) -> Sources:
    """Return sources of the plugins, and of the pairs that are TOML files, whose paths are relative to ``folder``."""
    return Sources(
        plugins=tuple(plugins), pairs=tuple(folder / word for word in pairs if word.endswith(ENDING))
    )


def split_rows(text: str) -> list[str]:
    """Split NAME,NAME[path=value;path=value] at the commas outside brackets; raise :class:`UserMistake` for no row."""
    rows, depth = [""], 0
    for sign in text:
        depth += (sign == "[") - (sign == "]")
        if sign == "," and depth == 0:
            rows.append("")
        else:
            rows[-1] += sign
    rows = [row.strip() for row in rows if row.strip()]
    if not rows:
        raise UserMistake("--methods is empty; allowed: names of methods, comma-separated.")
    return rows


def with_changes(row: str, changes: Sequence[str]) -> str:
    """Return the row's name with these changes appended to its own."""
    if not changes:
        return row
    return f"{row.removesuffix(']')}{';' if row.endswith(']') else '['}{';'.join(changes)}]"
