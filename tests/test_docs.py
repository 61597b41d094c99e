"""The pages under docs say something of everything there is."""

import re
from pathlib import Path

import pytest

from benchmarks.scores.catalogue import SCORES
from benchmarks.selection import RULES

PAGE = (Path(__file__).parent.parent / "docs" / "scores.md").read_text(encoding="utf-8")
SECTIONS = {
    name: text
    for title, text in re.findall(r"^### (.+)\n((?:(?!^#).*\n?)*)", PAGE, re.MULTILINE)
    for name in re.findall(r"`(\w+)`", title)
}


@pytest.mark.parametrize("name", SCORES)
def test_every_score_has_a_section_that_says_what_it_is_its_range_and_when_it_lies(name: str) -> None:
    for word in ("*What.*", "*Range*", "*Lies*"):
        assert word in SECTIONS[name]


def test_no_section_is_of_a_score_that_does_not_exist() -> None:
    assert set(SECTIONS) == set(SCORES)


def test_every_rule_of_choice_is_explained() -> None:
    assert re.findall(r"^\| `([\w-]+)` \|", PAGE, re.MULTILINE) == list(RULES)
