"""The page of a report: well formed, safe against what records say, and with the numbers of the records."""

import base64
import hashlib
import io
import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import stats

import bench
from benchmarks.figures.catalogue import FIGURES
from benchmarks.figures.sheets import sample_sheet
from benchmarks.records import store
from benchmarks.report.differences import row_differences
from benchmarks.report.page import page
from benchmarks.report.pictures import figures
from benchmarks.tables import formats
from benchmarks.tables.table import tables_of
from tests.small.records import snapshot
from tests.small.study import EVIL, FIDS, STUDY, all_records, failed, put_samples, run_of

ROOT = Path(__file__).parents[2]
VOID = {"meta", "link", "img"}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    put_samples(folder)
    return folder


@pytest.fixture(scope="module")
def text(results: Path) -> str:
    return page([(STUDY, all_records())], results)


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


def embedded(text: str) -> dict[str, list]:
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
    assert EVIL in embedded(text)["rows"]


def test_every_grid_stands_in_the_page(text: str) -> None:
    (table,) = tables_of(STUDY, all_records())
    shown = Reader(text).tables
    for grid in table.grids:
        assert [list(grid.columns), *map(list, grid.cells)] in shown


def test_an_outdated_study_says_so(results: Path) -> None:
    old = page([(replace(STUDY, outdated="the moon was in the way"), all_records())], results)
    shown = Reader(old).shown
    assert f"{STUDY.name} (outdated)" in shown
    assert "Outdated until it is run anew: the moon was in the way." in shown


def test_every_run_stands_with_its_scores_and_origin(text: str) -> None:
    (runs,) = (table for table in Reader(text).tables if table[0][0] == "run")
    for record, cells in zip(all_records(), runs[1:], strict=True):
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
    assert page([(STUDY, all_records()[::-1])], results) == text


def test_differences_are_those_of_an_outside_computation() -> None:
    rows, found = list(FIDS), all_records()
    data = row_differences(rows, found)
    ok = {(record.row, record.seed): record.scores for record in found if record.status == "ok"}
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
    found = [run_of("simgan", 0), run_of("simgan-nohist", 1)]
    data = row_differences(["simgan", "simgan-nohist"], found)
    assert data["differences"][0][1] == [None, None]


def test_one_seed_has_no_interval(tmp_path: Path) -> None:
    found = [run_of(row, 0) for row in ("simgan", "simgan-nohist")]
    data = embedded(page([(STUDY, found)], tmp_path))
    (fid, count, where), _ = data["differences"][0][1]
    assert (count, where) == (1, "none: one seed")
    assert "±" not in fid


def test_one_row_has_nothing_to_differ_from(tmp_path: Path) -> None:
    assert "application/json" not in page([(STUDY, [run_of("simgan", 0)])], tmp_path)


def test_runs_that_all_failed_make_a_page_without_figures(tmp_path: Path) -> None:
    reader = Reader(page([(STUDY, [failed(record) for record in all_records()])], tmp_path))
    assert "12 runs: 0 ok, 12 failed" in reader.shown
    assert "img" not in dict(reader.tags)


def test_missing_pictures_leave_the_charts(text: str, tmp_path: Path) -> None:
    kinds = [attributes["class"] for tag, attributes in Reader(text).tags if tag == "figure"]
    assert set(kinds) == {"chart", "sheet"}
    without = Reader(page([(STUDY, all_records())], tmp_path))
    left = [attributes["class"] for tag, attributes in without.tags if tag == "figure"]
    assert left == [kind for kind in kinds if kind == "chart"]


def test_every_figure_has_its_caption(text: str) -> None:
    shown = Reader(text)
    captions = {
        attributes["id"].removeprefix("study-1-1-"): image["alt"]
        for (tag, attributes), (_, image) in zip(
            [one for one in shown.tags if one[0] == "figure"],
            [one for one in shown.tags if one[0] == "img"],
            strict=True,
        )
    }
    assert captions == {name: FIGURES[name].caption for name in captions}
    assert all(caption in shown.shown for caption in captions.values())


def test_sheets_keep_every_pixel(results: Path) -> None:
    found = all_records()
    sheet = sample_sheet(STUDY, found, results)
    assert sheet is not None
    (html,) = (made for made in figures(STUDY, found, results, "x") if 'class="sheet"' in made)
    content = base64.b64decode(re.findall(r"base64,([^\"]+)", html)[0])
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(content)).convert("RGB")), np.asarray(sheet))


def test_html_format_holds_the_table_and_no_script() -> None:
    (table,) = tables_of(STUDY, all_records())
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
    assert {record.id for record in store.read_all(tmp_path)} <= {
        row[0] for table in reader.tables for row in table
    }


def test_place_that_cannot_be_written_is_named_and_stays_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store.write(run_of("simgan", 0), {}, tmp_path / "results")
    (tmp_path / "file").write_text("mine")
    place = tmp_path / "file" / "report.html"
    assert bench.main(["report", "--results", str(tmp_path / "results"), "--out", str(place)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert str(place) in line
    assert "cannot be written" in line
    assert (tmp_path / "file").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "results"]


def test_two_machines_each_have_their_rules_of_choice(tmp_path: Path) -> None:
    steps = tuple(snapshot(step, error=30.0) for step in (1, 2))
    here = [replace(one, snapshots=steps) for one in all_records()]
    there = [replace(one, id=f"{one.id}-b", host={"device": "another", "threads": 1}) for one in here]
    assert page([(STUDY, [*here, *there])], tmp_path).count("Under every rule of choice") == 2
