"""The pages under docs say something of everything there is."""

import re
from pathlib import Path
from typing import Any

import pytest

from benchmarks.records.selection import RULES
from benchmarks.scores.catalogue import SCORES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "scores.md").read_text(encoding="utf-8")
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


def test_the_readme_makes_a_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    (code,) = re.findall(
        r"^```python\n(.+?)^```", Path("README.md").read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    found: dict[str, Any] = {}
    exec(code, found)
    frame = found["table"].frame.set_index("method")
    assert frame.loc["simgan", "runs"] == 6
    assert frame.loc["target-only", "target error % mean"] < frame.loc["source-only", "target error % mean"]
