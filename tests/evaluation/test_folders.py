"""Distances of two folders of images, and the scores that only they print."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.spatial.distance import cdist
from torch import Tensor

import bench
from benchmarks.evaluation.features.extractors import load_extractor
from benchmarks.evaluation.folders import folder_features
from benchmarks.scores.frechet import frechet_distance, frechet_limit
from benchmarks.scores.kernel import kernel_distance, kernel_interval
from benchmarks.scores.manifold import manifold_scores
from mistakes import UserMistake

CPU = torch.device("cpu")


def features(count: int, seed: int, shift: float = 0.0, wide: int = 6) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.randn(count, wide, generator=random) + shift


# ---- precision, recall, density, coverage


@pytest.mark.parametrize("k", [1, 5])
def test_manifold_scores_equal_the_definitions(k: int) -> None:
    made, real = features(40, 0, 0.5), features(55, 1)
    between = cdist(made.double(), real.double())
    of_real, of_made = (np.sort(cdist(one, one))[:, k] for one in (real.double(), made.double()))
    inside = [[bool(between[i, j] <= of_real[j]) for j in range(55)] for i in range(40)]
    expected = {
        "precision": np.mean([any(row) for row in inside]),
        "recall": np.mean([any(between[i, j] <= of_made[i] for i in range(40)) for j in range(55)]),
        "density": sum(map(sum, inside)) / (k * 40),
        "coverage": np.mean([any(inside[i][j] for i in range(40)) for j in range(55)]),
    }
    scores = manifold_scores(made, real, k)
    assert scores == pytest.approx(expected)
    assert 0 < scores["precision"] < 1
    assert 0 < scores["recall"] < 1


def test_manifold_scores_tell_lost_modes_from_bad_images() -> None:
    real = torch.cat([features(60, 0), features(60, 1, 30.0)])
    one_mode, bad = features(120, 2), features(120, 3, 300.0)
    assert manifold_scores(one_mode, real)["precision"] > 0.9
    assert manifold_scores(one_mode, real)["recall"] < 0.6
    assert set(manifold_scores(bad, real).values()) == {0.0}


# ---- FID without its bias, KID with an interval


def test_fid_limit_takes_out_most_of_the_bias() -> None:
    one, two = features(2000, 0, wide=24), features(2000, 1, wide=24)  # one distribution: the truth is 0
    few = frechet_distance(one[:300], two[:300])
    assert frechet_limit(one[:300], two[:300]) < few / 3
    shifted = features(600, 2, 1.0, wide=24)
    assert frechet_limit(shifted, one[:600]) == pytest.approx(24, rel=0.1)
    assert frechet_limit(one, two, seed=1) == frechet_limit(one, two, seed=1)


def test_kid_interval_is_the_bootstrap_over_images() -> None:
    one, two = features(30, 0, 0.4), features(25, 1)
    random = torch.Generator().manual_seed(7)
    draws = [torch.randint(len(x), (150, len(x)), generator=random).tolist() for x in (one, two)]
    inside = _kernel(one, one), _kernel(two, two)
    between = _kernel(one, two)
    values = []
    for drawn in zip(*draws, strict=True):
        alike = [
            np.mean([kernel[i][j] for i in places for j in places if i != j])
            for kernel, places in zip(inside, drawn, strict=True)
        ]
        values.append(sum(alike) - 2 * np.mean([between[i][j] for i in drawn[0] for j in drawn[1]]))
    expected = np.quantile(values, [0.025, 0.975])
    assert kernel_interval(one, two, seed=7, draws=150) == pytest.approx(tuple(expected))
    low, high = kernel_interval(one, two)
    assert low < kernel_distance(one, two) < high


def _kernel(one: Tensor, two: Tensor) -> list[list[float]]:
    return [[(float(a.double() @ b.double()) / 6 + 1) ** 3 for b in two] for a in one]


# ---- folders


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    random = np.random.default_rng(0)
    for name, bright in (("made", 40), ("real", 0)):
        (tmp_path / name / "deeper").mkdir(parents=True)
        for index in range(30):
            size = (20, 12) if index % 3 else (9, 31)
            pixels = random.integers(bright, 200 + bright, (*size, 3), dtype=np.uint8)
            ending = ("png", "jpg", "JPEG")[index % 3]
            Image.fromarray(pixels).save(
                tmp_path / name / ("deeper" if index % 2 else ".") / f"{index:02}.{ending}"
            )
        Image.fromarray(pixels[..., 0]).save(tmp_path / name / "grey.png")
        (tmp_path / name / "notes.txt").write_text("no image")
        (tmp_path / name / "._01.jpg").write_text("a hidden file")
    (tmp_path / "made" / "half.png").write_bytes((tmp_path / "made" / "grey.png").read_bytes()[:60])
    return tmp_path / "made", tmp_path / "real"


def test_features_of_a_folder_are_those_of_its_images(folders: tuple[Path, Path]) -> None:
    extractor = load_extractor("random", CPU)
    found = folder_features(folders[0], extractor, CPU)
    paths = sorted(p for p in folders[0].rglob("*") if p.suffix.lower() in (".png", ".jpg", ".jpeg"))
    readable = [path for path in paths if path.name not in ("half.png", "._01.jpg")]
    images = [np.array(Image.open(path).convert("RGB")) for path in readable]
    expected = torch.cat([extractor(torch.from_numpy(image).permute(2, 0, 1)[None]) for image in images])
    assert len(images) == 31
    assert torch.allclose(found.features, expected, atol=1e-5)
    assert found.broken == (str(folders[0] / "half.png"),)


def test_fid_command_prints_every_distance(
    folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["fid", *map(str, folders), "--extractor", "random", "--device", "cpu"]
    assert bench.main([*words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    one, two = (folder_features(folder, load_extractor("random", CPU), CPU).features for folder in folders)
    assert told["images"] == [31, 31]
    assert told["scores"]["fid"] == pytest.approx(frechet_distance(one, two))
    assert told["scores"]["kid"] == pytest.approx(kernel_distance(one, two))
    assert all(math.isfinite(value) for value in told["scores"].values())
    assert bench.main(words) == 0
    shown = capsys.readouterr().out
    assert "random-conv, n = 31 and 31" in shown
    assert f"cannot be read (1 of 1): {folders[0] / 'half.png'}" in shown


def test_folders_that_cannot_be_scored_are_refused(
    folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    for wrong, said in ((tmp_path / "none", "does not exist"), (tmp_path / "empty", "holds 0 readable")):
        assert bench.main(["fid", str(folders[0]), str(wrong), "--extractor", "random"]) == 2
        (line,) = capsys.readouterr().err.strip().splitlines()
        assert said in line
    with pytest.raises(UserMistake, match="unknown extractor 'randam'"):
        load_extractor("randam", CPU)
