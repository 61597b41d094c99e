"""The scores of tasks, as tables and texts describe them. Needs no torch."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Measure:
    """A score of a task model's outputs against labels.

    ``name`` stands in records, and in words in titles. ``about`` is a phrase that explains a value, and ``span`` a phrase
    for the range of values. ``worst`` is the worst possible value, or ``None`` if there is no worst value. ``digits`` is
    the number of decimals shown. ``wrong_answers`` marks a share of wrong answers.
    """

    name: str
    unit: str
    about: str
    span: str
    better: Literal["lower", "higher"] = "lower"
    digits: int | None = 1
    worst: float | None = None
    wrong_answers: bool = False

    @property
    def words(self) -> str:
        """The name in words."""
        return self.name.replace("_", " ")

    @property
    def title(self) -> str:
        """The name in words, and the unit."""
        return f"{self.words} {self.unit}".rstrip()


ERROR = Measure(name="error", unit="%", about="error", span="0 … 100", worst=100, wrong_answers=True)
ANGLE = Measure(
    name="angle",
    unit="°",
    about="mean angle between predicted and true orientation",
    span="0 … 180 degrees",
    worst=180,
)
