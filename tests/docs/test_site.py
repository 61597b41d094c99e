"""The site: it builds without a warning, its tables hold every registry, and every page can be reached."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from benchmarks.commands.listing import LISTS, listings

ROOT = Path(__file__).parents[2]
LISTED = {
    "methods": "docs/methods",
    "scales": "docs/methods",
    "studies": "docs/methods",
    "pairs": "docs/data",
    "extractors": "docs/measuring",
    "scores": "docs/scores",
    "settings": "docs/methods",
}
NEEDED = ("sphinx", "myst_parser", "furo")
installed = pytest.mark.skipif(
    not all(map(importlib.util.find_spec, NEEDED)), reason="the extra docs is not installed: make docs"
)


def build(source: Path, out: Path) -> subprocess.CompletedProcess[str]:
    """Build the pages below ``source`` with the options that ``make docs`` uses."""
    (options,) = re.findall(r"-m sphinx (.+) -c docs \. site$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    command = [
        sys.executable,
        "-m",
        "sphinx",
        *options.split(),
        "-c",
        str(ROOT / "docs"),
        str(source),
        str(out),
    ]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site")
    built = build(ROOT, out)
    assert built.returncode == 0, built.stderr
    return out


@pytest.fixture(scope="module")
def conf() -> ModuleType:
    spec = importlib.util.spec_from_file_location("conf", ROOT / "docs" / "conf.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def filled(conf: ModuleType, page: str) -> str:
    source = [(ROOT / f"{page}.md").read_text(encoding="utf-8")]
    conf.fill(None, page, source)
    return source[0]


@pytest.mark.parametrize("name", LISTS)
def test_every_list_stands_whole_on_its_page(conf: ModuleType, name: str) -> None:
    page = filled(conf, LISTED[name])
    first = re.findall(r"^\| `(.+?)` \|", page, re.MULTILINE)
    assert {cells[0] for cells in listings([name], None)[name].cells} <= set(first)


def test_every_command_has_a_section_with_its_options(conf: ModuleType) -> None:
    import bench

    page = filled(conf, "docs/commands")
    names = [command.name or command.callback.__name__ for command in bench.app.registered_commands]
    assert re.findall(r"^### `python bench.py (.+)`$", page, re.MULTILINE) == names
    assert "`--results`" in page


def test_every_room_stands_among_the_arrows(conf: ModuleType) -> None:
    page = filled(conf, "docs/house")
    assert re.search(r"^\| `figures` \| `tables` \|$", page, re.MULTILINE)


def test_a_comment_that_asks_for_an_unknown_list_is_no_silence(conf: ModuleType) -> None:
    source = ["<!-- list: unknown -->"]
    with pytest.raises(Exception, match="unknown"):
        conf.fill(None, "docs/data", source)


@installed
def test_every_page_can_be_reached_from_the_front_page(site: Path) -> None:
    front = (site / "README.html").read_text(encoding="utf-8")
    navigation = set(re.findall(r'href="([^"#]+\.html)"', front))
    pages = {str(path.relative_to(site)) for path in site.rglob("*.html")}
    assert pages - navigation <= {"README.html", "index.html", "genindex.html"}
    assert {f"docs/{path.stem}.html" for path in (ROOT / "docs").glob("*.md")} <= pages
    assert "README.html" in (site / "index.html").read_text(encoding="utf-8")


@installed
def test_the_search_knows_the_words_of_tables(site: Path) -> None:
    assert "bitstream" in (site / "searchindex.js").read_text(encoding="utf-8")


@installed
def test_a_page_loads_nothing_from_elsewhere(site: Path) -> None:
    loaded = re.compile(r'<(?:script|img|link)[^>]+(?:src|href)="(?:https?:)?//')
    assert not [path.name for path in site.rglob("*.html") if loaded.search(path.read_text(encoding="utf-8"))]


@installed
def test_a_dead_link_fails(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# A page\n\n[gone](gone.md)\n", encoding="utf-8")
    built = build(tmp_path, tmp_path / "site")
    assert built.returncode != 0
    assert "gone.md" in built.stderr
