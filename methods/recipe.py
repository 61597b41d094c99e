"""A recipe: a named row of a table, mostly another recipe with a few changes. Needs no torch until it is configured."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pkgutil import resolve_name
from typing import TYPE_CHECKING

from methods.settings import change, changed

if TYPE_CHECKING:
    from methods.contract import Config


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A named method: a ``base`` and the ``changes`` to its settings, by dotted path.

    ``base`` is another recipe, a config, or the name of a config's class, "module:Class". A named class is imported when
    the row is configured, and stands for its config at the paper's values. A part among the ``changes`` may be given by
    the name of its class.
    """

    name: str
    base: "Config | Recipe | str"
    about: str
    paper: str
    changes: Mapping[str, object] = field(default_factory=dict)

    def but(self, name: str, changes: Mapping[str, object], about: str, paper: str | None = None) -> "Recipe":
        """Return a recipe with further changes, by dotted path; they are checked when the row is configured."""
        return Recipe(name=name, base=self, about=about, paper=paper or self.paper, changes=changes)

    def at(self, scale: str, pair: str = "") -> "Config":
        """Return the config at a scale: the algorithm's values for the scale and the pair, then the recipe's changes.

        Raises :class:`UserMistake` for an unknown path, and if a change to a base recipe changes nothing at scale ``paper``.
        """
        if isinstance(self.base, Recipe):
            changed(self.base.at("paper"), self.changes)
            return change(self.base.at(scale, pair), self.changes)
        config = self.kind() if isinstance(self.base, str) else self.base
        config = change(config, config.SCALES.get(scale, {}))
        config = change(config, config.PAIRS.get(pair, {}))
        return change(config, self.changes)

    @property
    def kind(self) -> "type[Config]":
        """The class of the config; it is imported if the base only names it."""
        if isinstance(self.base, Recipe):
            return self.base.kind
        named: type[Config] = resolve_name(self.base) if isinstance(self.base, str) else type(self.base)
        return named

    @property
    def all_changes(self) -> dict[str, object]:
        """All changes to the algorithm's config: this recipe's and, unless it replaces them, those of its base recipes."""
        before = self.base.all_changes if isinstance(self.base, Recipe) else {}
        kept = {path: value for path, value in before.items() if not _within(path, self.changes)}
        return {**kept, **self.changes}


def _within(path: str, changes: Mapping[str, object]) -> bool:
    """Say whether a change replaces the path itself or a part that the path lies in."""
    return any(path == other or path.startswith(f"{other}.") for other in changes)
