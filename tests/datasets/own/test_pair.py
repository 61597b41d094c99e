"""Pairs of a user's own folders: how they are read, everything that is refused, and how they run."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import bench
from benchmarks.records import store
from benchmarks.records.record import RunRecord
from benchmarks.studies.plugins import Sources
from benchmarks.studies.runs import runs
from benchmarks.studies.study import Study
from benchmarks.studies.study_file import pair_name
from datasets.catalogue import PAIRS, load_pair
from datasets.contract import Classification, ClassificationAndPose, DomainPair
from datasets.own.images import MIN_IMAGES
from tests.small.data import png, put, refusal
from tests.small.folders import CLASSES, COUNT, HEIGHT, WIDTH, folder_pair, form, labels, pixels, write_toml

pytestmark = pytest.mark.usefixtures("names_as_before")
TARGET = {"images": "photos"}
MASKED = {"images": "rendered", "labels": "rendered.csv", "masks": "masks"}


def added(path: Path) -> str:
    """Add the pair of a TOML file to the catalogue and return its name."""
    Sources(pairs=(path,)).open()
    return pair_name(str(path))


def pair_of(root: Path, **changes: Any) -> DomainPair:
    return load_pair(added(folder_pair(root, **changes)))


# ---- how it is read


def test_images_and_labels_are_those_of_the_files(tmp_path: Path) -> None:
    pair = pair_of(tmp_path)
    assert pair.task.titles == ("left", "right")
    assert pair.shape == (3, HEIGHT, WIDTH)
    assert pair.identity == "eyes.toml, images as they are"
    for folder, examples in zip(("rendered", "photos", "test"), pair.splits.values(), strict=True):
        assert torch.equal(examples.images.permute(0, 2, 3, 1), torch.from_numpy(pixels(folder)))
        assert examples.labels.tolist() == labels()
        assert examples.masks is None


def test_a_target_without_labels_has_the_same_images(tmp_path: Path) -> None:
    pair = pair_of(tmp_path, target=TARGET)
    assert pair.oracle is None
    assert torch.equal(pair.target.permute(0, 2, 3, 1), torch.from_numpy(pixels("photos")))


def test_masks_are_the_white_of_the_pngs_of_the_same_stem(tmp_path: Path) -> None:
    pair = pair_of(tmp_path, source=MASKED)
    assert torch.equal(pair.source.masks[:, 0], torch.from_numpy(pixels("rendered")[..., 0] > 127))


def test_grey_is_the_luminance(tmp_path: Path) -> None:
    pair = pair_of(tmp_path, colour="grey")
    expected = pixels("test") @ [0.299, 0.587, 0.114]
    assert pair.shape == (1, HEIGHT, WIDTH)
    assert np.abs(pair.test.images[:, 0].numpy() - expected).max() <= 0.5 + 1e-2


@pytest.mark.parametrize(("height", "width"), [(8, 8), (HEIGHT, 24), (30, 40)])
def test_resizing_is_bilinear_and_antialiased(tmp_path: Path, height: int, width: int) -> None:
    pair = pair_of(tmp_path, size=[height, width], resize="bilinear", source=MASKED)
    whole = torch.from_numpy(pixels("rendered")).permute(0, 3, 1, 2)
    expected = F.interpolate(whole.float(), (height, width), mode="bilinear", antialias=True)
    assert (pair.source.images - expected).abs().max() < 1.5  # Pillow rounds after each of two passes
    sure = (expected[:, :1] - 127.5).abs() > 1.5
    assert torch.equal(pair.source.masks[sure], (expected[:, :1] > 127.5)[sure])
    assert pair.identity == "eyes.toml, images resized bilinearly"


def test_poses_follow_the_class(tmp_path: Path) -> None:
    path = folder_pair(tmp_path, task="classification+pose")
    for folder in ("rendered", "photos", "test"):
        lines = [f"0.6,{index:02}.png,0,-0.8,0,{CLASSES[label]}" for index, label in enumerate(labels())]
        put(tmp_path, {f"{folder}.csv": "\n".join(["w,file,x,y,z,label", *lines]).encode()})
    pair = load_pair(added(path))
    assert pair.task == ClassificationAndPose(classes=2, called=("left", "right"))
    expected = [[label, 0.6, 0, -0.8, 0] for label in labels()]
    assert torch.equal(pair.test.labels, torch.tensor(expected))


def test_a_listing_may_come_from_a_spreadsheet_in_any_order_and_lie_among_the_images(tmp_path: Path) -> None:
    path = folder_pair(tmp_path, test={"images": "test", "labels": "test/all.csv"})
    lines = [f"n, {CLASSES[label]} ,./{index:02}.png" for index, label in enumerate(labels())]
    text = "\r\n".join(["note,label,file", *reversed(lines), ""])
    put(tmp_path, {"test/all.csv": text.encode("utf-8-sig"), "test/.hidden": b""})
    assert load_pair(added(path)).test.labels.tolist() == labels()


def test_masks_may_lie_among_the_images_in_a_folder_of_their_own(tmp_path: Path) -> None:
    path = folder_pair(tmp_path, source={**MASKED, "masks": "rendered/masks"})
    (tmp_path / "masks").rename(tmp_path / "rendered" / "masks")
    assert len(load_pair(added(path)).source) == COUNT


def test_jpegs_in_subfolders_and_opaque_channels_are_read(tmp_path: Path) -> None:
    path = folder_pair(tmp_path, target=TARGET)
    flat = np.full((HEIGHT, WIDTH, 3), 80, np.uint8)
    opaque = np.dstack([flat, np.full((HEIGHT, WIDTH), 255, np.uint8)])
    put(tmp_path, {"photos/more/a.JPG": png(flat, "JPEG"), "photos/more/b.png": png(opaque)})
    pair = load_pair(added(path))
    assert len(pair.target) == COUNT + 2
    assert torch.equal(pair.target[-2:], torch.full((2, 3, HEIGHT, WIDTH), 80, dtype=torch.uint8))


# ---- what is refused

FORMS: dict[str, tuple[dict[str, Any], str]] = {
    "unknown key": ({"sise": [10, 12]}, "'sise'; allowed: name, about, task, … Did you mean 'size'?"),
    "unknown key of a table": (
        {"test": {"images": "test", "labels": "test.csv", "mask": "m"}},
        "'test.mask'; allowed: test.images, test.labels",
    ),
    "missing key": ({"about": None}, "has no 'about'; allowed: text"),
    "missing key of a table": ({"source": TARGET}, "has no 'source.labels'; allowed: text"),
    "missing table": ({"source": None}, "has no 'source'; allowed: a table"),
    "no table": ({"target": "photos"}, "has target = 'photos'; allowed: a table"),
    "empty text": ({"about": ""}, "has about = ''; allowed: text"),
    "no text": ({"name": 3}, "has name = 3; allowed: text"),
    "no optional text": ({"source": {**MASKED, "masks": 1}}, "source.masks = 1; allowed: text"),
    "no list": ({"classes": "left"}, "has classes = 'left'; allowed: a list of text"),
    "a list of numbers": ({"classes": ["left", 2]}, "allowed: a list of text"),
    "an empty list": ({"classes": []}, "has classes = []; allowed: a list of text"),
    "one side": ({"size": [10]}, "has size = [10]; allowed: a list of 2 × a whole number"),
    "half a pixel": ({"size": [10, 12.5]}, "allowed: a list of 2 × a whole number"),
    "no number": ({"size": [10, True]}, "allowed: a list of 2 × a whole number"),
    "unknown colour": ({"colour": "gray"}, "unknown colour of … 'gray'; allowed: rgb, grey. Did you mean 'grey'?"),
    "unknown task": ({"task": "classify"}, "Did you mean 'classification'?"),
    "no word": ({"resize": 1}, "has resize = 1; allowed: 'none', 'bilinear'"),
    "one class": ({"classes": ["left"]}, "two or more, each once"),
    "a class twice": ({"classes": ["left", "left"]}, "two or more, each once"),
    "too small": ({"size": [7, 12]}, "of 8 … 4096 pixels"),
    "no name for a file": ({"name": "my/eyes"}, "has the name 'my/eyes'; allowed: letters, digits"),
    "a name that is taken": ({"name": "shapes"}, "'shapes', which another pair has; allowed: another name"),
    "missing folder": ({"target": {"images": "fotos"}}, "fotos' does not exist; allowed: a folder"),
    "missing listing": ({"test": {"images": "test", "labels": "no.csv"}}, "no.csv' cannot be read"),
    "other size": ({"size": [10, 13]}, "is 10 high and 12 wide; allowed: 10 high and 13 wide, or any"),
    "a hidden name": ({"name": ".eyes"}, "has the name '.eyes'; allowed: letters"),
    "a huge size": ({"size": [8, 100_000_000]}, "height and width of 8 … 4096 pixels"),
    "no pose": ({"task": "classification+pose"}, "begins with 'file,label'; allowed: the columns file,label,w,x"),
}  # fmt: skip


@pytest.mark.parametrize("case", FORMS)
def test_forms_that_are_refused(case: str, tmp_path: Path) -> None:
    changes, said = FORMS[case]
    path = folder_pair(tmp_path, **changes)
    before = dict(PAIRS)
    message = refusal(lambda: added(path))
    assert parts(said, message)
    assert path.parent.name in message
    assert before == PAIRS


def parts(said: str, message: str) -> bool:
    """Say whether all that stands between the dots of ``said`` is in the message."""
    return all(part in message for part in said.split(" … "))


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"name = ", "is no TOML (Invalid value"),
        (b"name = 'a'\nname = 'b'", "is no TOML (Cannot overwrite"),
        (b"name = '\xff'", "is no TOML ("),
        (b"", "has no 'name'"),
    ],
)
def test_files_that_are_no_form_are_refused(raw: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "eyes.toml").write_bytes(raw)
    assert said in refusal(lambda: added(tmp_path / "eyes.toml"))
    assert "cannot be read (No such file" in refusal(lambda: added(tmp_path / "none.toml"))


def listing(*lines: str) -> dict[str, bytes]:
    rest = [f"{index:02}.png,left" for index in range(len(lines), COUNT)]
    return {"rendered.csv": "\n".join(["file,label", *lines, *rest]).encode()}


def image(height: int = HEIGHT, width: int = WIDTH, channels: tuple[int, ...] = (3,)) -> np.ndarray:
    return np.random.default_rng(9).integers(0, 200, (height, width, *channels), dtype=np.uint8)


POSES = ["file,label,w,x,y,z", *(f"{index:02}.png,left,1,0,0,0" for index in range(COUNT))]

FILES: dict[str, tuple[dict[str, bytes], str]] = {
    "no such file": (listing("0.png,left"), "rendered.csv' names '0.png' in line 2, which is not there"),
    "a file outside": (listing("../test/00.png,left"), "names '../test/00.png' in line 2, which is not"),
    "a file twice": (listing("00.png,left", "00.png,left"), "'00.png' in line 2 and in line 3; allowed: each"),
    "in other words": (listing("00.png,left", "./00.png,left"), "'./00.png' in line 2 and in line 3"),
    "unknown label": (listing("00.png,lefft"), "label in line 2 of … 'lefft'; allowed: left, right. Did"),
    "no label": (listing("00.png,"), "has no label in line 2; allowed: all of the columns file,label"),
    "half a line": (listing("00.png"), "has no label in line 2"),
    "no file": (listing(",left"), "has no file in line 2"),
    "no listing": ({"rendered.csv": b""}, "begins with ''; allowed: the columns file,label"),
    "other columns": ({"rendered.csv": b"file;label\n00.png;left"}, "begins with 'file;label'; allowed"),
    "a column twice": ({"rendered.csv": b"file,label,label\n00.png,left,right"}, "each once"),
    "too many cells": (listing("00.png,left,7,8"), "rendered.csv' has more cells in line 2 than columns"),
    "no text": ({"rendered.csv": b"file,label\n\xff"}, "rendered.csv' cannot be read ("),
    "an open quote": (listing('"00.png,left'), "rendered.csv' cannot be read (unexpected end"),
    "an image without label": ({"rendered/x.png": png(image())}, "x.png' has no label in "),
    "images without label": ({"rendered/x.png": b"", "rendered/y/x.png": b""}, "x.png' (and 1 more) has no"),
    "a file of another kind": ({"photos/x.bmp": b""}, "x.bmp' is among the images; allowed: PNG and JPEG"),
    "a broken image": ({"rendered/00.png": png(image())[:90]}, "00.png' cannot be decoded ("),
    "no image": ({"photos/00.png": b"text"}, "00.png' cannot be decoded ("),
    "another picture": ({"photos/00.png": png(image(), "BMP")}, "00.png' cannot be decoded ("),
    "another size": ({"test/03.png": png(image(12, 10))}, "03.png' is 12 high and 10 wide; allowed: 10 high"),
    "a transparent image": ({"test/03.png": png(image(channels=(4,)))}, "has transparent parts"),
    "sixteen bits": ({"test/03.png": png(image(channels=()).astype(np.uint16))}, "pixels of kind I;16"),
    "a broken mask": ({"masks/07.png": b""}, "07.png' cannot be decoded ("),
    "a mask of another size": ({"masks/07.png": png(image(12, 10))}, "07.png' is 12 high … as its image"),
    "a leak of labels": (
        {"rendered/04.png": png(image()), "test/03.png": png(image())},
        "03.png' is the source's … 04.png' too; allowed",
    ),
    "a leak": ({"test/03.png": png(pixels("photos")[8])}, "03.png' is the target's … 08.png' too; allowed"),
}  # fmt: skip


@pytest.mark.parametrize("case", FILES)
def test_data_that_are_refused(case: str, tmp_path: Path) -> None:
    files, said = FILES[case]
    path = folder_pair(tmp_path, source=MASKED)
    added(path)
    put(tmp_path, files)
    assert parts(said, refusal(lambda: added(path)))


def test_a_mask_may_not_be_missing(tmp_path: Path) -> None:
    path = folder_pair(tmp_path, source=MASKED)
    (tmp_path / "masks" / "04.png").unlink()
    assert "masks/04.png' cannot be read (No such file" in refusal(lambda: added(path))


@pytest.mark.parametrize("folder", ["rendered", "photos", "test"])
def test_too_few_images_are_refused(folder: str, tmp_path: Path) -> None:
    path = folder_pair(tmp_path)
    (tmp_path / folder / f"{COUNT - 1:02}.png").unlink()
    assert COUNT == MIN_IMAGES
    said = f"{folder}' holds {MIN_IMAGES - 1} images; allowed: at least {MIN_IMAGES}"
    assert said in refusal(lambda: added(path))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("00.png,left,1,0,0,none", "test.csv' has w,x,y,z = 1,0,0,none in line 2; allowed: numbers"),
        ("00.png,left,1,1,0,0", ", test: labels hold a quaternion of norm 1.414"),
        ("00.png,left,1,0,0", "test.csv' has no z in line 2"),
    ],
)
def test_poses_that_are_refused(line: str, said: str, tmp_path: Path) -> None:
    path = folder_pair(tmp_path, task="classification+pose", target=TARGET)
    put(tmp_path, {f"{name}.csv": "\n".join(POSES).encode() for name in ("rendered", "test")})
    added(path)
    put(tmp_path, {"test.csv": "\n".join([POSES[0], line, *POSES[2:]]).encode()})
    assert said in refusal(lambda: added(path))


# ---- the catalogue


def test_the_entry_says_what_the_form_says(tmp_path: Path) -> None:
    name = added(folder_pair(tmp_path, licence="mine"))
    assert name == f"eyes-{tmp_path.name}"
    entry = PAIRS[name]
    assert (entry.about, entry.licence, entry.extractor) == ("rendered eyes → photographs", "mine", "random")
    assert entry.missing(None) == []
    assert entry.edition == load_pair(name).fingerprint


def test_a_name_belongs_to_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder_pair(tmp_path)
    name = added(path)
    monkeypatch.chdir(tmp_path)
    assert added(Path("eyes.toml")) == name
    other = write_toml(tmp_path / "other.toml", form(tmp_path))
    assert f"has the name {name!r}, which another pair has" in refusal(lambda: added(other))


def ids(name: str) -> list[str]:
    study = Study(name="s", about="a", pairs=(name,), rows=("simgan",), seeds=(0,), scale="smoke")
    return [spec.id for spec in runs(study, "cpu")]


def test_other_data_under_the_same_name_are_other_runs(tmp_path: Path) -> None:
    path = folder_pair(tmp_path)
    name = added(path)
    first = ids(name)
    write_toml(path, form(tmp_path, about="in other words"))
    added(path)
    assert ids(name) == first
    put(tmp_path, {"photos/05.png": png(image())})
    added(path)
    assert ids(name) != first


def test_published_runs_keep_their_ids_and_embedded_pairs_their_fingerprints() -> None:
    """The published records were written before a run's data could have an edition."""
    from benchmarks.studies.study import RunSpec

    found = store.read_all(Path(__file__).parents[3] / "results")
    assert found
    assert all(RunSpec(**record.spec).id == record.id for record in found if not record.spec.get("edition"))
    known = {"fonts-digits": "aa23fbcba4cc", "digits-photos": "8b0cef9362e3", "shapes": "a8ea6ed7e3ac"}
    assert {name: load_pair(name).fingerprint for name in known} == known


# ---- a target without labels


def test_the_target_is_given_once(tmp_path: Path) -> None:
    pair = load_pair("shapes")
    assert "has neither of oracle and unlabelled; allowed" in refusal(lambda: replace(pair, oracle=None))
    assert "has both of oracle and unlabelled" in refusal(lambda: replace(pair, unlabelled=pair.target))


def test_an_unlabelled_target_is_held_to_the_contract() -> None:
    pair = load_pair("shapes")
    blind = replace(pair, oracle=None, unlabelled=pair.target)
    assert torch.equal(blind.target, pair.target)
    assert list(blind.splits) == ["source", "test"]
    said = refusal(lambda: replace(blind, unlabelled=pair.target[..., 1:]))
    assert said.startswith("pair 'shapes', unlabelled: images have shape (1, 12, 11)")
    assert "'shapes', unlabelled: images are torch" in refusal(
        lambda: replace(blind, unlabelled=pair.target.float())
    )


def test_an_unlabelled_target_enters_the_fingerprint_and_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = load_pair("shapes")
    blind = replace(pair, oracle=None, unlabelled=pair.target)
    other = replace(blind, unlabelled=pair.target.flip(0))
    assert len({pair.fingerprint, blind.fingerprint, other.fingerprint}) == 3
    monkeypatch.setattr(Classification, "check", lambda *_: None)  # which looks at values
    moved = blind.to(torch.device("meta"))
    assert moved.target.device.type == moved.test.images.device.type == "meta"


def test_the_names_of_a_tasks_scores_are_those_that_it_is_given() -> None:
    for task, shape in ((load_pair("shapes").task, (4,)), (ClassificationAndPose(classes=3), (4, 5))):
        truth = torch.zeros(shape, dtype=torch.int64 if len(shape) == 1 else torch.float32)
        found = task.scores(torch.ones(4, task.outputs), truth)
        assert tuple(found) == tuple(measure.name for measure in task.measures)


# ---- from end to end


def run(path: Path, *words: str) -> dict[str, RunRecord]:
    results = path.parent / "results"
    options = ["--scale", "smoke", "--seeds", "1", "--device", "cpu", "--results", str(results)]
    assert bench.main(["--pair", str(path), *words, *options]) == 0
    return {record.row: record for record in store.read_all(results)}


def test_a_pair_with_masks_and_target_labels_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder_pair(tmp_path, source=MASKED, colour="grey")
    found = run(path, "--methods", "simgan-pmse")
    assert set(found) == {"source-only", "simgan-pmse", "target-only"}
    assert all(0 <= record.scores["error"] <= 100 for record in found.values())
    assert {record.spec["edition"] for record in found.values()} == {found["target-only"].protocol["data"]}
    assert f"eyes-{tmp_path.name}" in capsys.readouterr().out


def test_without_target_labels_the_upper_bound_is_blank_with_a_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = run(folder_pair(tmp_path, target=TARGET), "--methods", "simgan")
    bound = found["target-only"]
    assert bound.scores["error"] is None
    assert bound.blanks["error"] == "the target's training images have no labels"
    assert bound.scores["fid"] >= 0
    assert 0 <= found["simgan"].scores["error"] <= 100
    assert "target-only: no error: the target's training images have no labels" in capsys.readouterr().out


def test_poses_without_target_labels_have_no_angle_either(tmp_path: Path) -> None:
    path = folder_pair(tmp_path, task="classification+pose", target=TARGET)
    put(tmp_path, {f"{name}.csv": "\n".join(POSES).encode() for name in ("rendered", "test")})
    (bound,) = run(path, "--methods", "target-only", "--no-bounds").values()
    assert bound.scores["error"] is bound.scores["angle"] is None
    assert bound.blanks["angle"] == bound.blanks["error"]


@pytest.mark.parametrize("command", [[], ["plan"]])
def test_mistakes_come_before_anything_is_written(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder_pair(tmp_path, extractor="inceptio")
    words = [*command, "--pair", str(path), "--results", str(tmp_path / "results")]
    assert bench.main(words) == 2
    assert "Did you mean 'inception'?" in capsys.readouterr().err
    (tmp_path / "test.csv").unlink()
    assert bench.main(words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "test.csv' cannot be read" in line
    assert not (tmp_path / "results").exists()
