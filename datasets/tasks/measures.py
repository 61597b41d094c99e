"""How the scores that tasks bring are told to people. Needs no torch."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Measure:
    """A score of a task model's outputs against labels: ``name`` in records, and in words where titles are made of it.

    ``about`` is a phrase that says what a value is, ``span`` the values that it may have, ``worst`` the worst of these
    where there is one; ``digits`` counts the decimals shown. ``wrong_answers`` marks a share of answers that are wrong.
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
        """The words and the unit."""
        return f"{self.words} {self.unit}".rstrip()


ERROR = Measure(name="error", unit="%", about="error", span="0 … 100", worst=100, wrong_answers=True)
ANGLE = Measure(
    name="angle",
    unit="°",
    about="mean angle between predicted and true orientation",
    span="0 … 180 degrees",
    worst=180,
)
