"""How Sphinx builds the pages of the repository into a site: ``make docs``."""

import ast
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import typer  # noqa: E402

import bench  # noqa: E402
from benchmarks.commands.listing import listings  # noqa: E402
from benchmarks.commands.run import run  # noqa: E402

project = "sim-to-real-bench"
html_title = "A bench for domain-adaptation GANs"
copyright = "2026, the sim-to-real bench authors, MIT"

extensions = ["myst_parser"]
myst_heading_anchors = 3
include_patterns = ["*.md", "docs/*.md", "results/**.md"]
exclude_patterns = [".*", "site", "output"]
root_doc = "README"
highlight_language = "none"

html_theme = "furo"
html_additional_pages = {"index": "index.html"}  # leads to the README's page
html_copy_source = False
html_show_sphinx = False
templates_path = ["theme"]
html_static_path = ["theme/site.css"]
html_css_files = ["site.css"]

PAGES = {
    "README": {
        "Use": ["docs/your-own-data", "docs/commands", "docs/profiling"],
        "What there is": ["docs/methods", "docs/data", "docs/scores", "docs/measuring"],
        "Results": ["results/README"],
        "Inside": ["docs/house", "CONTRIBUTING", "CHANGELOG"],
    },
    "results/README": {
        "": [
            f"{path.stem.replace('--', ', ')} <{path.parent.name}/{path.stem}>"
            for path in sorted(ROOT.glob("results/*/*.md"))
        ]
    },
}
"""The navigation: under a page, captions with the pages below them."""

LEFT_OUT = {"pairs": {"data"}}  # says what this machine has


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table, every arXiv number in it a link."""
    lines = [columns, ["---"] * len(columns), *rows]
    text = "\n".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |" for line in lines)
    return re.sub(r"arXiv (\d{4}\.\d{5})", r"[arXiv \1](https://arxiv.org/abs/\1)", text)


def listed(name: str) -> str:
    """Return a list of ``bench.py list`` as a table, names and settings in code."""
    found = listings([name], None)[name]
    kept = [place for place, column in enumerate(found.columns) if column not in LEFT_OUT.get(name, ())]
    in_code = {"name", "changes", "pairs", "methods", "made of", "setting"}
    rows = [
        [_code(row[place]) if found.columns[place] in in_code else row[place] for place in kept]
        for row in found.cells
    ]
    return table([found.columns[place] for place in kept], rows)


def _code(cell: str) -> str:
    return ", ".join(f"`{word}`" if word != "–" else word for word in cell.split(", "))


def commands() -> str:
    """Return a section for each command of ``bench.py``: what it does, its arguments and options."""
    main = typer.main.get_command(bench.app)
    named = {"": main, **main.commands}  # type: ignore[attr-defined]
    return "\n\n".join(_section(name, command) for name, command in named.items())


def _section(name: str, command: Any) -> str:
    about = run.__doc__ if not name else command.help
    rows = [
        [f"`{' '.join(one.opts + one.secondary_opts)}`", getattr(one, "help", None) or ""]
        for one in command.params
        if not getattr(one, "hidden", False)
    ]
    title = f"### `python bench.py{' ' if name else ''}{name}`"
    return "\n\n".join([title, str(about), *([table(["option", "what it is"], rows)] if rows else [])])


def rooms() -> str:
    """Return the rooms that each room may import, as the test of the house says."""
    test = ast.parse((ROOT / "tests" / "test_architecture.py").read_text(encoding="utf-8"))
    (may,) = [
        ast.literal_eval(node.value)
        for node in test.body
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "MAY_IMPORT" and node.value
    ]
    rows = [[f"`{room}`", ", ".join(f"`{one}`" for one in sorted(below))] for room, below in may.items()]
    return table(["room", "may import"], rows)


def navigation(page: str) -> Iterator[str]:
    """Yield the hidden tables of contents of a page, which make the navigation."""
    for caption, pages in PAGES.get(page, {}).items():
        options = [*([f":caption: {caption}"] if caption else []), ":hidden:"]
        yield "\n".join(["```{toctree}", *options, "", *pages, "```"])


MADE: dict[str, Callable[..., str]] = {"list": listed, "commands": commands, "rooms": rooms}


def fill(app: Any, page: str, source: list[str]) -> None:
    """Put what is made from the registries in place of comments such as ``<!-- list: pairs -->``, and add navigation."""
    pattern = rf"^<!-- ({'|'.join(MADE)})(?:: (\w+))? -->$"
    text = re.sub(
        pattern, lambda found: MADE[found[1]](*filter(None, [found[2]])), source[0], flags=re.MULTILINE
    )
    source[0] = "\n\n".join([text, *navigation(page)])


def setup(app: Any) -> None:
    """Let Sphinx fill pages as it reads them."""
    app.connect("source-read", fill)
