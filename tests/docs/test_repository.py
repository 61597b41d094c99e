"""What git keeps: no file that a command makes again, unless a page shows it."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def tracked() -> list[str]:
    command = ["git", "ls-files", "--cached", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode or not listed.stdout:
        pytest.skip("this is no checkout by git")
    return [name for name in listed.stdout.splitlines() if (ROOT / name).exists()]


def test_no_svg_and_no_table_as_html(tracked: list[str]) -> None:
    assert not [name for name in tracked if re.search(r"\.svg$|^results/.*\.html$", name)]


def test_figures_are_those_that_pages_show(tracked: list[str]) -> None:
    shown = {
        str((path.parent / picture).resolve().relative_to(ROOT))
        for path in (ROOT / "README.md", ROOT / "results" / "README.md")
        for picture in re.findall(r"!\[[^]]*\]\((.+?)\)", path.read_text(encoding="utf-8"))
    }
    assert {name for name in tracked if re.search(r"^results/(?!runs/).*\.png$", name)} == shown


def test_pictures_beside_records_are_of_one_seed(tracked: list[str]) -> None:
    places = [re.fullmatch(r"results/runs/(.+)--s\d+--\w+/(\w+\.png)", name) for name in tracked]
    pictures = [place.groups() for place in places if place]
    assert len(pictures) == len(set(pictures)) > 0


def test_published_results_are_small(tracked: list[str]) -> None:
    assert sum((ROOT / name).stat().st_size for name in tracked if name.startswith("results/")) < 6e6


def test_the_citation_names_the_version_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    said = re.findall(r"^(title|version|license): (.+)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE)
    assert dict(said) == {"title": project["name"], **{key: project[key] for key in ("version", "license")}}
