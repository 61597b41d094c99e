"""The report in a headless browser, where there is one."""

import base64
import hashlib
import json
import shutil
import subprocess
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from benchmarks.report.differences import row_differences
from benchmarks.report.page import page
from tests.small.study import EVIL, FIDS, STUDY, all_records, put_samples

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
WATCH = """
window.errors = [];
addEventListener("error", (event) => errors.push(event.message));
addEventListener("securitypolicyviolation", (event) => errors.push(event.violatedDirective));
console.error = (...words) => errors.push(words.join(" "));
"""
DRIVE = """
const column = (table, place) => [...table.tBodies[0].rows].map((row) => row.cells[place].textContent);
const pick = (select, place) => { select.selectedIndex = place; select.dispatchEvent(new Event("change")); };
const table = document.querySelector("table"), found = {errors, inner: innerWidth};
const place = [...table.tHead.rows[0].cells].findIndex((head) => head.textContent.startsWith("FID"));
const head = table.tHead.rows[0].cells[place], sorted = () => [head.getAttribute("aria-sort"), column(table, 0)];
found.unsorted = sorted();
head.querySelector("button").click();
found.up = sorted();
head.querySelector("button").click();
found.down = sorted();
table.tHead.querySelector("button").click();
found.words = [head.getAttribute("aria-sort"), column(table, 0)];
const part = document.querySelector(".differences"), selects = part.querySelectorAll("select");
found.hidden = part.hidden;
found.first = [...selects].map((select) => select.value);
pick(selects[0], 3); pick(selects[1], 0);
found.tables = [...part.querySelectorAll("table")].map((table) => [...table.rows].map((row) => column({tBodies: [{rows: [row]}]}, 0)[0]));
found.line = [...part.querySelector("tbody tr").cells].map((cell) => cell.textContent);
found.settings = [...part.querySelectorAll("table")[1].tBodies[0].rows].map((row) => [...row.cells].map((cell) => cell.textContent));
pick(selects[1], 3);
found.same = part.querySelector(".found p")?.textContent;
const sheet = document.querySelector(".sheet a"), dialog = document.querySelector("dialog");
sheet.click();
found.opened = dialog.open && dialog.querySelector("img").src === sheet.firstElementChild.src;
dialog.querySelector("button").click();
found.closed = !dialog.open;
found.folded = ![...document.querySelectorAll("details")].some((fold) => fold.open);
location.hash = document.querySelector("tbody th a").hash;
setTimeout(() => {
  found.unfolded = document.querySelector("details").open;
  for (const fold of document.querySelectorAll("details")) fold.open = true;
  found.width = document.documentElement.scrollWidth;
  found.room = document.documentElement.clientWidth;
  parent.postMessage(JSON.stringify(found), "*");
}, 200);
"""
PHONE = """<iframe src="driven.html" width="360" height="800" style="border: 0"></iframe><pre id="outcome"></pre>
<script>addEventListener("message", (event) => { document.querySelector("pre").textContent = event.data; });</script>
"""  # a window cannot be made this narrow


def chromium(folder: Path, *options: str) -> str:
    if CHROMIUM is None:
        pytest.skip("no chromium or google-chrome on this machine")
    command = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync", f"--user-data-dir={folder / 'profile'}", *options,
        (folder / "report.html").as_uri(),
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout


def driven(text: str, scripts: Sequence[str]) -> str:
    """Return the page with one script before all others and one behind, both let in by its policy."""
    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    text = text.replace("script-src ", f"script-src {allowed} ", 1)
    text = text.replace("<title>", f"<script>{scripts[0]}</script><title>", 1)
    return text.replace("</body>", f"<script>{scripts[1]}</script></body>")


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("results")
    put_samples(folder)
    return page([(STUDY, all_records())], folder)


@pytest.fixture(scope="module")
def outcome(text: str, tmp_path_factory: pytest.TempPathFactory) -> dict:
    folder = tmp_path_factory.mktemp("browser")
    (folder / "report.html").write_text(PHONE, encoding="utf-8")
    (folder / "driven.html").write_text(driven(text, (WATCH, DRIVE)), encoding="utf-8")
    dom = chromium(folder, "--virtual-time-budget=5000", "--dump-dom")
    reader = HTMLParser()
    found: list[str] = []
    reader.handle_data = found.append  # type: ignore[method-assign]
    reader.feed(dom[dom.index('<pre id="outcome">') :].partition("</pre>")[0])
    return json.loads("".join(found))


def test_browser_reports_no_error(outcome: dict) -> None:
    assert outcome["errors"] == []


def test_browser_sorts_by_number_with_blanks_last(outcome: dict) -> None:
    assert outcome["unsorted"] == [None, [*FIDS, "missing"]]
    assert outcome["up"] == ["ascending", ["simgan", "simgan-nohist", EVIL, "source-only", "missing"]]
    assert outcome["down"] == ["descending", ["source-only", EVIL, "simgan-nohist", "simgan", "missing"]]
    head, words = outcome["words"]
    assert head is None
    assert words == [EVIL, "missing", "simgan", "simgan-nohist", "source-only"]


def test_browser_shows_the_difference_of_two_rows(outcome: dict) -> None:
    data = row_differences(list(FIDS), all_records())
    mean, seeds, where = data["differences"][3][0][0]
    assert outcome["hidden"] is False
    assert outcome["first"] == ["simgan-nohist", "simgan"]
    assert outcome["line"] == ["FID", mean, where, str(seeds), data["means"][3][0], data["means"][0][0]]
    assert outcome["settings"] == [
        ["method", "RefinerGan", "source-only"],
        ["history", "–", ""],
        ["name", EVIL, ""],
    ]
    assert outcome["same"] == "No setting differs."


def test_browser_enlarges_figures_and_unfolds_what_a_link_leads_to(outcome: dict) -> None:
    assert outcome["opened"]
    assert outcome["closed"]
    assert outcome["folded"]
    assert outcome["unfolded"]


def test_page_is_no_wider_than_a_phone(outcome: dict) -> None:
    assert outcome["inner"] == 360
    assert outcome["width"] <= outcome["room"]


@pytest.mark.parametrize(("scheme", "paper"), [(0, (0x16, 0x18, 0x1B)), (1, (0xFD, 0xFD, 0xFB))])
def test_page_is_dark_where_the_reader_wants_it(
    scheme: int, paper: tuple[int, int, int], text: str, tmp_path: Path
) -> None:
    (tmp_path / "report.html").write_text(text, encoding="utf-8")
    shot = tmp_path / "shot.png"
    chromium(tmp_path, f"--blink-settings=preferredColorScheme={scheme}", f"--screenshot={shot}")
    assert Image.open(shot).convert("RGB").getpixel((2, 2)) == paper
