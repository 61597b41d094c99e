"""Which files below a folder are a user's images, and how one is decoded."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, PngImagePlugin

from datasets.own.images import MIN_IMAGES, decode, picture_paths, pixels
from tests.small.data import png, put, refusal

NAMES = [f"{index:02}.png" for index in range(MIN_IMAGES)]
HIDDEN = ["._00.png", ".thumbnails/00.png", "more/.DS_Store"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / ".own"  # a hidden folder is read where the user names it
    put(folder, dict.fromkeys([*NAMES, *HIDDEN, "more/a.JPG", "more/b.jpeg"], b""))
    return folder


@pytest.mark.parametrize("strict", [True, False])
def test_images_are_found_in_the_order_of_names_and_hidden_files_are_none(folder: Path, strict: bool) -> None:
    found = [path.relative_to(folder).as_posix() for path in picture_paths(folder, strict=strict)]
    assert found == [*NAMES, "more/a.JPG", "more/b.jpeg"]
    rest = picture_paths(folder, strict=strict, besides=[folder / "more", folder])
    assert [path.name for path in rest] == NAMES


def test_other_files_are_skipped_or_refused(folder: Path) -> None:
    images = picture_paths(folder, strict=False)
    put(folder, {"a.txt": b"", "more/b.bmp": b""})
    assert picture_paths(folder, strict=False) == images
    said = refusal(lambda: picture_paths(folder, strict=True))
    assert "a.txt' (and 1 more) is among the images; allowed: PNG and JPEG images alone" in said


def test_few_images_are_taken_or_refused(folder: Path) -> None:
    assert len(picture_paths(folder / "more", strict=False)) == 2
    said = refusal(lambda: picture_paths(folder / "more", strict=True))
    assert f"more' holds 2 images; allowed: at least {MIN_IMAGES}" in said


@pytest.mark.parametrize("strict", [True, False])
def test_a_folder_that_is_not_there_is_refused(tmp_path: Path, strict: bool) -> None:
    assert "none' does not exist; allowed: a folder" in refusal(
        lambda: picture_paths(tmp_path / "none", strict=strict)
    )


@pytest.mark.parametrize("channels", [1, 3])
def test_pixels_are_those_of_the_file(tmp_path: Path, channels: int) -> None:
    expected = np.random.default_rng(0).integers(0, 256, (4, 5, channels), dtype=np.uint8)
    put(tmp_path, {"a.png": png(expected.squeeze())})
    found = pixels(decode(tmp_path / "a.png"))
    assert found.dtype == torch.uint8
    assert torch.equal(found, torch.from_numpy(expected).permute(2, 0, 1))


def test_texts_of_a_png_stay_with_the_image(tmp_path: Path) -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("label", "left")
    Image.new("L", (5, 4)).save(tmp_path / "a.png", pnginfo=text)
    assert decode(tmp_path / "a.png").info["label"] == "left"


def test_files_that_cannot_be_decoded_are_refused(tmp_path: Path) -> None:
    put(tmp_path, {"half.png": png(np.ones((9, 9), np.uint8))[:50], "b.png": b"BM", "c.png": b""})
    assert "half.png' cannot be decoded (" in refusal(lambda: decode(tmp_path / "half.png"))
    for name in ("b.png", "c.png"):
        said = refusal(lambda name=name: decode(tmp_path / name))
        assert f"{name}' cannot be decoded (it begins as neither); allowed: a PNG or JPEG picture" in said
    assert "cannot be read (No such file" in refusal(lambda: decode(tmp_path / "none.png"))
