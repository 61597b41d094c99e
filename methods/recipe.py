"""What a recipe is: a named row of a table, most often "another one, but …". Needs no torch until it is configured."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pkgutil import resolve_name
from typing import TYPE_CHECKING

from methods.settings import change, changed

if TYPE_CHECKING:
    from methods.contract import Config


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A named method: a config at its paper's values or another recipe, and what this row changes in it.

    ``base`` may also be the name of a config's class, "module:Class", which is imported when the row is configured, and a
    part among the ``changes`` the name of its class.
    """

    name: str
    base: "Config | Recipe | str"
    about: str
    paper: str
    changes: Mapping[str, object] = field(default_factory=dict)

    def but(self, name: str, changes: Mapping[str, object], about: str, paper: str | None = None) -> "Recipe":
        """Return this recipe with other settings, by dotted path; they are looked at when the row is configured."""
        return Recipe(name=name, base=self, about=about, paper=paper or self.paper, changes=changes)

    def at(self, scale: str) -> "Config":
        """Return the config at a scale: the algorithm's values for it first, then what the recipe changes.

        Raises :class:`UserMistake` for an unknown path, and for a change that changes nothing in the paper's values.
        """
        if isinstance(self.base, Recipe):
            changed(self.base.at("paper"), self.changes)
            return change(self.base.at(scale), self.changes)
        config = self.kind() if isinstance(self.base, str) else self.base
        return change(change(config, config.SCALES.get(scale, {})), self.changes)

    @property
    def kind(self) -> "type[Config]":
        """The class of the config, imported where it is only named."""
        if isinstance(self.base, Recipe):
            return self.base.kind
        named: type[Config] = resolve_name(self.base) if isinstance(self.base, str) else type(self.base)
        return named

    @property
    def all_changes(self) -> dict[str, object]:
        """What sets the row apart from its algorithm's config, the changes of the recipes it is made from among them."""
        before = self.base.all_changes if isinstance(self.base, Recipe) else {}
        kept = {path: value for path, value in before.items() if not _within(path, self.changes)}
        return {**kept, **self.changes}


def _within(path: str, changes: Mapping[str, object]) -> bool:
    """Say whether one of the changes replaces a path or the part it belongs to."""
    return any(path == other or path.startswith(f"{other}.") for other in changes)
