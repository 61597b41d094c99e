"""The walk-through of docs/your-own-data.md, done as it is written, in an empty folder."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import bench

pytestmark = pytest.mark.usefixtures("names_as_before")
DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "your-own-data.md").read_text(encoding="utf-8")
FILES = re.findall(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```", TEXT, re.DOTALL)
COMMANDS = [
    (command, printed)
    for block in re.findall(r"```console\n(.*?)```", TEXT, re.DOTALL)
    for command, printed in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE)
    if not command.startswith(". ")  # the environment is there
]


def expanded(words: list[str]) -> list[str]:
    """Return the words with every pattern replaced by the paths that it stands for, as a shell does."""
    return [
        name for word in words for name in (sorted(map(str, Path().glob(word))) if "*" in word else [word])
    ]


def plain(text: str) -> list[str]:
    """Return the lines of an output without their layout, and ids without their hash, which every change of code alters."""
    named = re.sub(r"(--s\d+)--[0-9a-f]{10}\b", r"\1", text)
    return [" ".join(line.split()) for line in named.splitlines() if line.strip(" ─")]


def agree(command: str, printed: list[str], said: list[str]) -> bool:
    """Say whether the page has what was said: all of it, or where machines differ the first words of its lines."""
    if command in ("preview", "adapt"):
        return printed == said
    return {line.split()[0] for line in printed} <= set(" ".join(said).split())


def first_cells(text: str) -> list[str]:
    """Return the first cell of every row of the first table in a Markdown text."""
    table = re.search(r"(^\|.*\n)+", text, re.MULTILINE)
    assert table
    return [line.split(" | ")[0] for line in table[0].splitlines()]


def test_every_step_works_as_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in FILES:
        Path(name).write_text(text, encoding="utf-8")
    done = []
    for line, printed in COMMANDS:
        program, first, *words = shlex.split(line)
        if first == "make_images.py":
            exec(compile(Path(first).read_text(), first, "exec"), {})  # our own text
            continue
        assert (program, first, words[0]) == ("python", "-m", "bench")
        assert bench.main(expanded(words[1:])) == 0, line
        assert agree(words[1], plain(printed), plain(capsys.readouterr().out)), line
        done.append(words[1])
    assert done == ["preview", "plan", "--pair", "adapt", "plan", "--study", "tables"]
    with Image.open("preview.png") as mine, Image.open(DOCS / "preview.png") as shown:
        assert np.array_equal(mine, shown)
    made = Path("output/tables/own-content--my-digits.md").read_text(encoding="utf-8")
    assert first_cells(made.partition("## Scores")[2]) == first_cells(TEXT.partition("## 7.")[2])
