"""A run's adapter, applied to folders of images."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, PngImagePlugin
from safetensors import safe_open
from safetensors.torch import save

import bench
from benchmarks.running import adapters
from benchmarks.running.adapters import adapt_folder, unpack
from datasets.catalogue import load_pair
from datasets.contract import to_bytes, to_unit
from methods.seeding import generator

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    results = tmp_path_factory.mktemp("results")
    options = ["--pair", "shapes", "--scale", "smoke", "--seeds", "1", "--no-bounds", "--device", "cpu"]
    assert bench.main([*options, "--methods", "simgan,pixelda,dann", "--results", str(results)]) == 0
    return {row: next((results / "runs").glob(f"shapes--{row}--*")) for row in ("simgan", "pixelda", "dann")}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "deeper").mkdir(parents=True)
    for index, image in enumerate(load_pair("shapes").source.images[:70]):
        text = PngImagePlugin.PngInfo()
        text.add_text("label", f"shape {index}")
        place = folder / ("deeper" if index % 2 else ".") / f"{index:02}.png"
        Image.fromarray(image[0].numpy()).save(place, pnginfo=text)
    (folder / "._00.png").write_text("a hidden file, which is no image")
    return folder


@pytest.mark.parametrize("row", ["simgan", "pixelda"])
def test_images_are_adapted_as_the_adapter_does(row: str, runs: dict[str, Path], source: Path) -> None:
    out = source.parent / "deep" / "out"
    assert bench.main(["adapt", str(runs[row]), str(source), str(out), "--seed", "3", "--device", "cpu"]) == 0
    paths = sorted(path for path in source.rglob("*.png") if not path.name.startswith("."))
    names = [path.relative_to(source) for path in paths]
    assert sorted(path.relative_to(out) for path in out.rglob("*.png")) == names
    images = torch.stack([torch.from_numpy(np.array(Image.open(path)))[None] for path in paths])
    trained, random = unpack(runs[row], CPU), generator(3, "adapter")
    with torch.inference_mode():
        expected = [to_bytes(trained.adapter(to_unit(part), random)) for part in images.split(64)]
    for name, image in zip(names, torch.cat(expected), strict=True):
        with Image.open(out / name) as opened:
            assert np.array_equal(np.array(opened), image[0].numpy())
            assert opened.info["label"] == f"shape {int(name.stem)}"
    assert not torch.equal(torch.cat(expected), images)


def test_weights_are_those_of_the_trained_adapter(runs: dict[str, Path]) -> None:
    first, again = (unpack(runs["simgan"], CPU) for _ in range(2))
    assert first.shape == (1, 12, 12)
    fresh = generator(0, "test")
    image = torch.zeros(1, 1, 12, 12)
    assert torch.equal(first.adapter(image, fresh), again.adapter(image, fresh))


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    assert bench.main(["adapt", *map(str, words)]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "; allowed: " in line
    return line


def test_what_cannot_be_adapted_is_refused_and_nothing_written(
    runs: dict[str, Path], source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert "has no adapter.safetensors" in refused(capsys, runs["dann"], source, out)
    assert "does not exist" in refused(capsys, runs["simgan"], tmp_path / "none", out)
    (tmp_path / "empty").mkdir()
    assert "holds no image" in refused(capsys, runs["simgan"], tmp_path / "empty", out)
    Image.fromarray(np.zeros((12, 13), np.uint8)).save(source / "wide.png")
    assert "wide.png' is 13×12; allowed: 12×12" in refused(capsys, runs["simgan"], source, out)
    (source / "wide.png").write_bytes(b"no picture")
    assert "wide.png' cannot be decoded (it begins as neither); allowed: a PNG or JPEG" in refused(
        capsys, runs["simgan"], source, out
    )
    (source / "wide.png").unlink()
    Image.fromarray(np.zeros((12, 12), np.uint8)).save(source / "00.jpg")
    assert "would overwrite" in refused(capsys, runs["simgan"], source, out)
    (source / "00.jpg").unlink()
    assert not out.exists()
    assert not list(tmp_path.glob(".draft-*"))
    out.mkdir()
    assert "exists" in refused(capsys, runs["simgan"], source, out)


def test_adapter_that_paints_no_numbers_is_refused(
    runs: dict[str, Path], tmp_path: Path, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, broken = runs["simgan"] / adapters.FILE, tmp_path / "broken" / adapters.FILE
    with safe_open(whole, "pt") as opened:
        weights = {name: opened.get_tensor(name) * math.nan for name in opened.keys()}  # noqa: SIM118
        about = opened.metadata()
    broken.parent.mkdir()
    broken.write_bytes(save(weights, about))
    said = refused(capsys, broken.parent, source, tmp_path / "out")
    assert "the adapter paints values that are not finite; allowed: the adapter of another run" in said
    assert not (tmp_path / "out").exists()


def test_adapters_of_unknown_settings_or_files_are_refused(
    runs: dict[str, Path], tmp_path: Path, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "adapter.safetensors").write_bytes(b"nothing")
    assert "is no adapter" in refused(capsys, tmp_path / "odd", source, tmp_path / "out")
    raw = (runs["simgan"] / "adapter.safetensors").read_bytes()
    other = raw.replace(b'\\"content_strength\\": 0.153', b'\\"content_strenght\\": 0.153')
    assert other != raw
    (tmp_path / "odd" / "adapter.safetensors").write_bytes(other)
    assert "setting 'content_strength' is missing" in refused(
        capsys, tmp_path / "odd", source, tmp_path / "out"
    )


def test_an_output_that_cannot_be_written_is_refused(runs: dict[str, Path], source: Path) -> None:
    blocked = source.parent / "file"
    blocked.write_text("no folder")
    trained = unpack(runs["simgan"], CPU)
    with pytest.raises(Exception, match="cannot be written"):
        adapt_folder(trained, source, blocked / "out", 0, CPU)
