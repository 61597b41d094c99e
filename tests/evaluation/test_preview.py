"""What ``preview`` counts and paints, for pairs of the catalogue and for a user's own."""

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import bench
from benchmarks.evaluation.preview import counts, lines, rows
from benchmarks.evaluation.samples import COLUMNS
from datasets.catalogue import load_pair
from tests.small.folders import CLASSES, COUNT, HEIGHT, WIDTH, folder_pair, labels, pixels

pytestmark = pytest.mark.usefixtures("names_as_before")


def test_every_split_is_counted_by_class() -> None:
    found = counts(load_pair("shapes"))
    assert list(found) == ["source", "target", "test"]
    for count in found.values():
        assert (count.images, count.classes) == (96, {"0": 32, "1": 32, "2": 32})


def test_absent_classes_count_as_none_and_few_labelled_images_are_a_split() -> None:
    pair = load_pair("shapes")
    some = pair.oracle.pick(pair.oracle.labels < 2)
    found = counts(replace(pair, labelled=some))
    assert list(found) == ["source", "target", "test", "labelled"]
    assert found["labelled"].classes == {"0": 32, "1": 32, "2": 0}
    assert lines(found)[-1] == ("2", "32", "32", "32", "0")


def test_a_target_without_labels_is_counted_whole() -> None:
    pair = load_pair("shapes")
    found = counts(replace(pair, oracle=None, unlabelled=pair.target[:50]))
    assert (found["target"].images, found["target"].classes) == (50, {})
    assert lines(found) == [
        ("all", "96", "50", "96"),
        *((str(label), "32", "", "32") for label in range(3)),
    ]


def test_rows_are_of_every_split_and_masks_stand_below_the_source() -> None:
    pair = load_pair("shapes")
    found = rows(pair)
    assert list(found) == ["source", "masks", "target", "test"]
    assert torch.equal(found["masks"] > 0, found["source"] > 0)  # shapes are white on black
    assert found["masks"].unique().tolist() == [0, 255]
    assert {len(images) for images in found.values()} == {COLUMNS}
    assert list(rows(replace(pair, source=replace(pair.source, masks=None)))) == ["source", "target", "test"]


def test_an_own_pair_is_shown_as_its_files_have_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = folder_pair(tmp_path, target={"images": "photos"}), tmp_path / "new" / "p.png"
    assert bench.main(["preview", str(path), "--out", str(out), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    each = dict(zip(CLASSES, np.bincount(labels()).tolist(), strict=True))
    assert said["splits"] == {
        "source": {"images": COUNT, "classes": each},
        "target": {"images": COUNT, "classes": {}},
        "test": {"images": COUNT, "classes": each},
    }
    assert said["shape"] == [3, HEIGHT, WIDTH]
    assert said["rows"] == ["source", "target", "test"]
    assert [file.name for file in out.parent.iterdir()] == ["p.png"]
    grid = np.asarray(Image.open(io.BytesIO(out.read_bytes())))
    factor = 64 // HEIGHT
    assert grid.shape == (factor * (3 * (HEIGHT + 1) + 1), factor * (COLUMNS * (WIDTH + 1) + 1), 3)
    first = grid[factor : factor * (HEIGHT + 1) : factor, factor : factor * (WIDTH + 1) : factor]
    assert np.array_equal(first, pixels("rendered")[0])


def test_a_pair_of_the_catalogue_is_shown_as_a_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for _ in range(2):  # a preview may be painted over
        assert bench.main(["preview", "shapes"]) == 0
    said = capsys.readouterr().out
    assert "class  source  target  test" in said
    assert "1×12×12, data a8ea6ed7e3ac" in said
    assert "preview.png, from above: source, masks, target, test" in said
    assert [file.name for file in tmp_path.iterdir()] == ["preview.png"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["shape"], "unknown pair 'shape'; allowed: "),
        (["none.toml"], "'none.toml' cannot be read"),
        (["shapes", "--out", "."], "file '.' cannot be written"),
        (["shapes", "--out", "/dev/null/p.png"], "file '/dev/null/p.png' cannot be written"),
        (["shapes", "--plugin", "none.py"], "none.py' does not exist"),
    ],
)
def test_what_cannot_be_shown_is_one_line(
    words: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert bench.main(["preview", *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
    assert "; allowed: " in line
    assert list(tmp_path.iterdir()) == []
