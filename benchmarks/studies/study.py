"""A study: which rows are compared, on which pairs, over which seeds; and the runs it consists of."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from mistakes import UserMistake

OPTIONAL = ("edition", "code", "reproducible")
"""Fields of a spec that stand in its plain form only where they say something: earlier records lack them."""


@dataclass(frozen=True, kw_only=True)
class Study:
    """A comparison of rows. Differences are taken to the baseline, the first row that is no bound.

    ``extractor`` is the feature extractor of FID and KID; ``None`` means the extractor of each pair. ``outdated`` says what
    is no longer true of the records that were made of it, until it is run anew; every heading shows that.
    """

    name: str
    about: str
    pairs: tuple[str, ...]
    rows: tuple[str, ...]
    seeds: tuple[int, ...]
    scale: str = "small"
    extractor: str | None = None
    outdated: str = ""

    @property
    def heading(self) -> str:
        """The name, with "(outdated)" if some of its records are no longer true."""
        return f"{self.name} (outdated)" if self.outdated else self.name

    @property
    def warning(self) -> str:
        """A sentence on what is no longer true of the records; "" if they hold."""
        return f"Outdated until it is run anew: {self.outdated}." if self.outdated else ""

    def __post_init__(self) -> None:
        for kind, names in (("method", self.rows), ("pair", self.pairs)):
            if twice := [name for name in names if names.count(name) > 1]:
                raise UserMistake(f"{kind} {twice[0]!r} is named twice; allowed: each {kind} once.")


@dataclass(frozen=True, kw_only=True)
class RunSpec:
    """One run as plain data: everything that decides its outcome, and nothing else.

    ``settings`` holds every setting of the row at its scale, so a changed default makes another run. So does another
    ``edition`` of a user's own data, and other ``code``: see :func:`~benchmarks.studies.code.code_of`. A ``reproducible``
    run gives the same bits on other processors: see :mod:`benchmarks.running.reproducible`.
    """

    pair: str
    row: str
    scale: str
    seed: int
    extractor: str
    device: str
    settings: Mapping[str, str | int | float | bool | None] = field(default_factory=dict)
    budget: Mapping[str, str | int] = field(default_factory=dict)
    edition: str = ""
    code: Mapping[str, str] = field(default_factory=dict)
    reproducible: bool = False

    @property
    def plain(self) -> dict[str, Any]:
        """All fields as plain data, without those of ``OPTIONAL`` that say nothing."""
        return {name: value for name, value in asdict(self).items() if name not in OPTIONAL or value}

    @property
    def id(self) -> str:
        """A readable slug with a hash of all fields."""
        content = json.dumps(self.plain, sort_keys=True)
        slug = re.sub(r"[^a-z0-9.=-]+", "_", self.row.lower()).strip("_")[:60]
        digest = hashlib.sha256(content.encode()).hexdigest()[:10]
        return f"{self.pair}--{slug}--{self.scale}--s{self.seed}--{digest}"


def parse_seeds(text: str) -> tuple[int, ...]:
    """Read "3" as seeds 0, 1, 2 and "0,3,4" or "4," as a list."""
    mistake = UserMistake(
        f"seeds {text!r}; allowed: a number from 1 on, or a list of numbers from 0 on, like 0,1,2."
    )
    try:
        numbers = [int(word) for word in text.split(",") if word.strip()]
    except ValueError:
        raise mistake from None
    listed = "," in text
    if not numbers or min(numbers) < (0 if listed else 1) or len(set(numbers)) < len(numbers):
        raise mistake
    return tuple(numbers) if listed else tuple(range(numbers[0]))
