import base64
import hashlib
import io
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import stats

import bench
from benchmarks import formats, plots, records
from benchmarks.records import RunRecord
from benchmarks.report.differences import differences
from benchmarks.report.page import page, write
from benchmarks.report.pictures import figures
from benchmarks.study import Study
from benchmarks.tables import tables_of
from mistakes import UserMistake

ROOT = Path(__file__).parent.parent
EVIL = '</script><script>alert("1")</script><!-- & \' "'
FIDS = {"source-only": 100.5, "simgan": 9.5, "simgan-nohist": 10.5, EVIL: 20.0}
STUDY = Study(
    name="try", about="a <try> & more", pairs=("shapes",), rows=(*FIDS, "missing"), seeds=(0, 1, 2), scale="smoke"
)  # fmt: skip
VOID = {"meta", "link", "img"}
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def _record(row: str, seed: int) -> RunRecord:
    bound = row == "source-only"
    random = np.random.default_rng([seed, len(row)])
    spec = {
        "pair": "shapes",
        "row": row,
        "seed": seed,
        "scale": "smoke",
        "extractor": "random",
        "device": "cpu",
        "settings": {"method": row} if bound else {"method": "RefinerGan", "history": None, "name": row},
        "budget": {"steps": 12, "task_steps": 20},
    }
    return RunRecord(
        id=f"shapes--{list(FIDS).index(row)}--s{seed}",
        spec=spec,
        status="ok",
        scores={"fid": FIDS[row] + random.normal(), "error": 50 + random.normal(), "own_error": None},
        blanks={"own_error": "no model <of its own>"},
        protocol={"extractor": "random-conv", "images": 96, "data": "abc"},
        step_ms={} if bound else {"median": 10.0, "q1": 9.0, "q3": 12.0, "windows": 4},
        parameters={} if bound else {"refiner": 3},
        host={"device": "a CPU", "threads": 2},
        versions={"torch": "2.15.0"},
        commit="0123abc",
        created="2026-01-02T03:04:05+00:00",
    )


def _failed(record: RunRecord) -> RunRecord:
    return replace(
        record, status="failed", reason=f"Error: {EVIL}", flags=("<b>flag",), scores={}, protocol={}
    )


def _records() -> list[RunRecord]:
    found = [_record(row, seed) for row in FIDS for seed in STUDY.seeds]
    return [_failed(record) if record.id == "shapes--2--s1" else record for record in found]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a sample grid of one run."""
    folder = tmp_path_factory.mktemp("results")
    pixels = np.random.default_rng(0).integers(0, 256, (3 * 20, 16 * 20, 3), dtype=np.uint8)
    (folder / "runs" / "shapes--1--s0").mkdir(parents=True)
    Image.fromarray(pixels).save(folder / "runs" / "shapes--1--s0" / "samples.png")
    return folder


@pytest.fixture(scope="module")
def text(results: Path) -> str:
    return page([(STUDY, _records())], results)


class Reader(HTMLParser):
    """Reads a page: its tags by name, its tables' cells, what it shows; refuses wrong nesting."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.tables: list[list[list[str]]] = []
        self.shown = ""
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        assert len(attrs) == len(self.tags[-1][1]), "an attribute stands twice"
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("th", "td"):
            self.tables[-1][-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if {"script", "style"} & set(self.open):
            return
        self.shown += data
        if {"th", "td"} & set(self.open):
            self.tables[-1][-1][-1] += data

    def values(self, name: str) -> list[str]:
        """Return every value of an attribute."""
        return [attributes[name] for _, attributes in self.tags if name in attributes]


def _data(text: str) -> dict[str, list]:
    found = re.findall(r'<script type="application/json">(.*?)</script>', text, re.DOTALL)
    return json.loads(found[0])


def test_page_is_well_formed_with_headings_in_order(text: str) -> None:
    reader = Reader(text)
    levels = [int(tag[1]) for tag, _ in reader.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(levels, levels[1:], strict=False))
    assert ("html", {"lang": "en"}) in reader.tags
    assert [tag for tag, _ in reader.tags].count("caption") == len(reader.tables)
    assert all(attributes["alt"] for tag, attributes in reader.tags if tag == "img")


def test_ids_are_unique_and_every_link_leads_somewhere(text: str) -> None:
    reader = Reader(text)
    ids = reader.values("id")
    assert len(ids) == len(set(ids))
    inside = [href for href in reader.values("href") if href.startswith("#")]
    assert {href[1:] for href in inside} <= set(ids)
    assert "#study-1-1-row-0" in inside, "a row leads to its runs"


def test_page_loads_nothing(text: str) -> None:
    reader = Reader(text)
    assert all(source.startswith("data:") for source in reader.values("src"))
    assert all(href.startswith(("#", "data:")) for href in reader.values("href"))
    assert "@import" not in text
    assert "url(" not in text
    assert not set(dict(reader.tags)) & {"iframe", "object", "embed", "base", "form", "video"}


def test_policy_allows_this_style_and_this_script_only(text: str) -> None:
    (policy,) = (
        attributes["content"] for _, attributes in Reader(text).tags if "content-security-policy" in
        attributes.get("http-equiv", "").lower()
    )  # fmt: skip
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for name, kind in (("style", "style"), ("script", "script")):
        (body,) = re.findall(rf"<{name}>(.*?)</{name}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy


def test_text_of_records_shows_as_it_is(text: str) -> None:
    reader = Reader(text)
    scripts = [attributes for tag, attributes in reader.tags if tag == "script"]
    assert scripts == [{"type": "application/json"}, {}]
    assert EVIL in [row[0] for row in reader.tables[0]]
    assert f"failed: Error: {EVIL}" in reader.shown
    assert "no model <of its own>" in reader.shown
    assert EVIL in _data(text)["rows"]


def test_every_grid_stands_in_the_page(text: str) -> None:
    (table,) = tables_of(STUDY, _records())
    shown = Reader(text).tables
    for grid in table.grids:
        assert [list(grid.columns), *map(list, grid.cells)] in shown


def test_every_run_stands_with_its_scores_and_origin(text: str) -> None:
    (runs,) = (table for table in Reader(text).tables if table[0][0] == "run")
    for record, cells in zip(_records(), runs[1:], strict=True):
        line = dict(zip(runs[0], cells, strict=True))
        assert line["run"] == record.id
        assert (line["status"], line["reason"]) == (record.status, record.reason)
        assert line["FID"] == (f"{record.scores['fid']:.6g}" if record.status == "ok" else "")
        assert (line["commit"], line["created"], line["torch"]) == (record.commit, record.created, "2.15.0")


def test_settings_of_every_row_stand_in_the_page(text: str) -> None:
    (lines,) = (table for table in Reader(text).tables if table[0][0] == "setting")
    found = {line[0]: dict(zip(lines[0][1:], line[1:], strict=True)) for line in lines[1:]}
    assert found["name"] == {row: "" if row == "source-only" else row for row in FIDS}
    assert found["history"]["simgan"] == "–"
    assert found["budget.steps"]["source-only"] == "12"


def test_same_records_in_any_order_give_the_same_bytes(text: str, results: Path) -> None:
    assert page([(STUDY, _records()[::-1])], results) == text


def test_differences_are_those_of_an_outside_computation() -> None:
    rows, found = list(FIDS), _records()
    data = differences(rows, found)
    ok = {
        (record.spec["row"], record.spec["seed"]): record.scores for record in found if record.status == "ok"
    }
    assert data["scores"] == ["FID", "error"]
    for a, one in enumerate(rows):
        for b, other in enumerate(rows):
            seeds = [seed for seed in STUDY.seeds if (one, seed) in ok and (other, seed) in ok]
            for place, name in enumerate(("fid", "error")):
                gaps = [ok[one, seed][name] - ok[other, seed][name] for seed in seeds]
                mean, count, where = data["differences"][a][b][place]
                assert count == len(seeds)
                if a == b:
                    assert (mean, where) == ("+0.0 ± 0.0", "includes 0")
                    continue
                low, high = stats.ttest_1samp(gaps, 0).confidence_interval()
                assert mean == f"{np.mean(gaps):+z.1f} ± {(high - low) / 2:.1f}"
                assert where == ("below 0" if high < 0 else "above 0" if low > 0 else "includes 0")


def test_rows_without_a_common_seed_have_no_difference() -> None:
    found = [_record("simgan", 0), _record("simgan-nohist", 1)]
    data = differences(["simgan", "simgan-nohist"], found)
    assert data["differences"][0][1] == [None, None]


def test_one_seed_has_no_interval(tmp_path: Path) -> None:
    found = [_record(row, 0) for row in ("simgan", "simgan-nohist")]
    data = _data(page([(STUDY, found)], tmp_path))
    (fid, count, where), _ = data["differences"][0][1]
    assert (count, where) == (1, "none: one seed")
    assert "±" not in fid


def test_one_row_has_nothing_to_differ_from(tmp_path: Path) -> None:
    assert "application/json" not in page([(STUDY, [_record("simgan", 0)])], tmp_path)


def test_runs_that_all_failed_make_a_page_without_figures(tmp_path: Path) -> None:
    reader = Reader(page([(STUDY, [_failed(record) for record in _records()])], tmp_path))
    assert "12 runs: 0 ok, 12 failed" in reader.shown
    assert "img" not in dict(reader.tags)


def test_missing_pictures_leave_the_chart(text: str, tmp_path: Path) -> None:
    kinds = [attributes["class"] for tag, attributes in Reader(text).tags if tag == "figure"]
    assert kinds == ["chart", "sheet"]
    without = Reader(page([(STUDY, _records())], tmp_path))
    assert [attributes["class"] for tag, attributes in without.tags if tag == "figure"] == ["chart"]


def test_sheets_keep_every_pixel(results: Path) -> None:
    found = _records()
    sheet = plots.sample_sheet(STUDY, found, results)
    assert sheet is not None
    (html,) = (made for made in figures(STUDY, found, results, "x") if 'class="sheet"' in made)
    content = base64.b64decode(re.findall(r"base64,([^\"]+)", html)[0])
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(content)).convert("RGB")), np.asarray(sheet))


def test_html_format_holds_the_table_and_no_script() -> None:
    (table,) = tables_of(STUDY, _records())
    reader = Reader(formats.html(table))
    assert reader.tables == [[list(grid.columns), *map(list, grid.cells)] for grid in table.grids]
    assert "script" not in dict(reader.tags)
    assert all(note in reader.shown for note in table.notes)


def test_command_writes_one_small_file_and_needs_no_torch(tmp_path: Path) -> None:
    for path in (ROOT / "results" / "runs").glob("usps-mnist--*"):
        shutil.copytree(path, tmp_path / "runs" / path.name)
    code = (
        "import sys, bench\n"
        f"assert bench.main(['report', 'usps', '--results', {str(tmp_path)!r}]) == 0\n"
        "sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(tmp_path / "report.html")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html", "runs"]
    content = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert len(content) < 10e6
    reader = Reader(content)
    assert "12 runs: 12 ok" in reader.shown
    assert {record.id for record in records.read_all(tmp_path)} <= {
        row[0] for table in reader.tables for row in table
    }


def test_place_that_cannot_be_written_is_named_and_stays_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records.write(_record("simgan", 0), {}, tmp_path / "results")
    (tmp_path / "file").write_text("mine")
    place = tmp_path / "file" / "report.html"
    assert bench.main(["report", "--results", str(tmp_path / "results"), "--out", str(place)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert str(place) in line
    assert "cannot be written" in line
    assert (tmp_path / "file").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "results"]


def test_write_replaces_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "new" / "report.html"
    assert write("one", path).read_text() == "one"
    assert write("two", path).read_text() == "two"
    assert list(path.parent.iterdir()) == [path]
    with pytest.raises(UserMistake, match="allowed: a file"):
        write("three", tmp_path / "new")
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


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


def _chromium(folder: Path, *options: str) -> str:
    if CHROMIUM is None:
        pytest.skip("no chromium or google-chrome on this machine")
    command = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync", f"--user-data-dir={folder / 'profile'}", *options,
        (folder / "report.html").as_uri(),
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout


def _driven(text: str, scripts: Sequence[str]) -> str:
    """Return the page with one script before all others and one behind, both let in by its policy."""
    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    text = text.replace("script-src ", f"script-src {allowed} ", 1)
    text = text.replace("<title>", f"<script>{scripts[0]}</script><title>", 1)
    return text.replace("</body>", f"<script>{scripts[1]}</script></body>")


@pytest.fixture(scope="module")
def outcome(text: str, tmp_path_factory: pytest.TempPathFactory) -> dict:
    folder = tmp_path_factory.mktemp("browser")
    (folder / "report.html").write_text(PHONE, encoding="utf-8")
    (folder / "driven.html").write_text(_driven(text, (WATCH, DRIVE)), encoding="utf-8")
    page = _chromium(folder, "--virtual-time-budget=5000", "--dump-dom")
    reader = HTMLParser()
    found: list[str] = []
    reader.handle_data = found.append  # type: ignore[method-assign]
    reader.feed(page[page.index('<pre id="outcome">') :].partition("</pre>")[0])
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
    data = differences(list(FIDS), _records())
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
    _chromium(tmp_path, f"--blink-settings=preferredColorScheme={scheme}", f"--screenshot={shot}")
    assert Image.open(shot).convert("RGB").getpixel((2, 2)) == paper
