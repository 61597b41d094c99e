"""The pages say something of everything there is, and what they show works."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

import bench
from benchmarks.records.selection import RULES
from benchmarks.scores.catalogue import SCORES

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "results" / "README.md",
    *(ROOT / "docs").glob("*.md"),
]
COMMANDS = sorted(
    {
        line
        for path in PAGES
        for line in re.findall(
            r"^(?:\$ )?python (?:-m bench|bench\.py) (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE
        )
    }
)
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


def example(page: str, name: str) -> str:
    """Return the code below the comment ``name`` of a page."""
    text = (ROOT / page).read_text(encoding="utf-8")
    (code,) = re.findall(
        rf"^<!-- {re.escape(name)} -->\n```python\n(.+?)^```", text, re.DOTALL | re.MULTILINE
    )
    return str(code)


def test_the_page_on_measuring_makes_a_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    found: dict[str, Any] = {}
    exec(example("docs/measuring.md", "example: frame"), found)  # our own text
    frame = found["table"].frame.set_index("method")
    assert frame.loc["simgan", "runs"] == 6
    assert frame.loc["target-only", "target error % mean"] < frame.loc["source-only", "target error % mean"]


def test_the_method_of_the_readme_runs(tmp_path: Path) -> None:
    plugin = tmp_path / "brightness.py"
    plugin.write_text(example("README.md", "file: brightness.py"), encoding="utf-8")
    rows = ["--methods", "brightness,brightness[rate=0.5]", "--plugin", str(plugin)]
    size = ["--scale", "smoke", "--pair", "shapes", "--seeds", "1", "--device", "cpu", "--no-bounds"]
    command = [sys.executable, str(ROOT / "bench.py"), *rows, *size, "--results", str(tmp_path)]
    plain = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "BENCH_DATA": str(tmp_path),
    }  # without LPIPS, which takes long
    done = subprocess.run(command, env=plain, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert re.search(r"method +rate ", done.stdout)


@pytest.mark.usefixtures("names_as_before")
def test_the_variant_of_the_readme_is_a_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plugin = tmp_path / "variant.py"
    plugin.write_text(example("README.md", "file: variant.py"), encoding="utf-8")
    words = ["--methods", "simgan-short-history", "--plugin", str(plugin), "--seeds", "1", "--device", "cpu"]
    assert bench.main(["plan", *words]) == 0
    assert "simgan-short-history--small--s0" in capsys.readouterr().out


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_on_a_page_is_one(line: str) -> None:
    name, *words = shlex.split(line, comments=True)
    whole = typer.main.get_command(bench.app)
    named = whole.commands  # type: ignore[attr-defined]
    if name == "COMMAND":
        return
    command = named.get(name, whole)
    context = command.make_context(name, words if name in named else [name, *words])
    assert context.command is command


def test_every_file_that_a_page_names_exists() -> None:
    texts = [path.read_text(encoding="utf-8") for path in PAGES]
    houses = r"`((?:methods|datasets|benchmarks|tests|docs)/[\w/.-]+)`"
    own = {name for text in texts for name in re.findall(r"<!-- file: (\S+) -->", text)}
    named = {name for text in texts for name in re.findall(houses, text)} - own
    assert not [name for name in named if not (ROOT / name).exists()]


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_bytes()) <= 8192


def test_the_page_on_the_house_names_every_room() -> None:
    page = (ROOT / "docs" / "house.md").read_text(encoding="utf-8")
    houses = [ROOT / house for house in ("methods", "datasets", "benchmarks")]
    rooms = [
        path.parent for house in houses for path in (house / "__init__.py", *house.glob("*/__init__.py"))
    ]
    assert not [room.name for room in rooms if not re.search(rf"^ *{room.name}/ ", page, re.MULTILINE)]
