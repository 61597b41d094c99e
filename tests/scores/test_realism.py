"""Scores on features beyond FID and KID: the sliced distance, intervals over images, what is kept on disk, LPIPS."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from scipy.stats import wasserstein_distance_nd
from torch import Tensor
from torch._subclasses.fake_tensor import DataDependentOutputException, FakeTensorMode
from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity
from torchvision.models import squeezenet1_1

from benchmarks.evaluation.features import cache
from benchmarks.evaluation.features.perceptual import load_perceptual
from benchmarks.scores.catalogue import SCORES
from benchmarks.scores.diversity import between_images, pixel_distance
from benchmarks.scores.frechet import frechet_distance, frechet_interval, frechet_limit
from benchmarks.scores.kernel import kernel_distance, kernel_interval
from benchmarks.scores.manifold import manifold_scores
from benchmarks.scores.realism import intervals, realism
from benchmarks.scores.sliced import sliced_distance
from mistakes import UserMistake

CPU = torch.device("cpu")


def features(count: int, seed: int, shift: float = 0.0, wide: int = 6) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.randn(count, wide, generator=random) + shift


# ---- MIND


def test_sliced_distance_equals_transport_along_the_same_directions() -> None:
    one, two = features(50, 0, 0.3), features(50, 1)
    random = torch.Generator().manual_seed(3)
    ways = torch.randn(6, 40, generator=random, dtype=torch.float64)
    ways /= ways.norm(dim=0)
    squares = []
    for way in ways.T:
        a, b = (np.sort((part.double() @ way).numpy()) for part in (one, two))
        squares.append(np.mean((a - b) ** 2))
    assert sliced_distance(one, two, seed=3, directions=40) == pytest.approx(3 * 6 * np.mean(squares))


def test_sliced_distance_of_one_feature_is_thrice_the_squared_transport() -> None:
    one, shifted = features(30, 0, wide=1), features(30, 0, wide=1) + 2  # every image moves by 2
    assert wasserstein_distance_nd(one.numpy(), shifted.numpy()) == pytest.approx(2, rel=1e-5)
    assert sliced_distance(one, shifted) == pytest.approx(3 * 2**2, rel=1e-6)


def test_sliced_distance_is_near_the_squared_shift_and_sees_no_order() -> None:
    one = features(400, 0, wide=20)
    assert sliced_distance(one, one.flip(0)) == 0
    # along a random direction a shift by s in every feature is s² d / d on average
    assert sliced_distance(one, one + 0.5) == pytest.approx(3 * 20 * 0.25, rel=0.1)


def test_sliced_distance_of_unequal_sets_takes_as_many_of_the_larger() -> None:
    large, small = features(300, 0), features(120, 1)
    both = sliced_distance(large, small), sliced_distance(small, large)
    assert both[0] == pytest.approx(both[1], rel=0.5)
    assert 0 < both[0] < sliced_distance(large + 1, small)


# ---- intervals over images


def test_interval_of_frechet_is_as_wide_as_new_images_make_it() -> None:
    random = torch.Generator().manual_seed(0)

    def drawn(shift: float) -> Tensor:
        return torch.randn(200, 8, generator=random) + shift

    sets = [(drawn(0.3), drawn(0)) for _ in range(120)]
    values = [frechet_distance(*both) for both in sets]
    halves = [(high - low) / 2 for low, high in (frechet_interval(*both) for both in sets[:40])]
    assert np.mean(halves) == pytest.approx(2.093 * np.std(values, ddof=1), rel=0.25)


def test_interval_of_frechet_holds_the_value() -> None:
    one, two = features(80, 0), features(80, 1)
    low, high = frechet_interval(one, two)
    assert 0 <= low <= frechet_distance(one, two) <= high
    assert frechet_interval(one, two) == (low, high)


def test_realism_is_every_score_of_that_grid_but_those_of_single_images() -> None:
    one, two = features(60, 0, 0.2), features(60, 1)
    scores = realism(one, two)
    assert set(scores) == {"fid"} | {name for name, score in SCORES.items() if score.grid == "realism"}
    assert scores["fid"] == frechet_distance(one, two)
    assert set(intervals(one, two)) == {"fid", "kid"}
    low, high = intervals(one, two)["kid"]
    assert low < kernel_distance(one, two) < high


@pytest.mark.parametrize(
    "score",
    [
        *(
            frechet_distance,
            frechet_limit,
            kernel_distance,
            kernel_interval,
            sliced_distance,
            manifold_scores,
        ),
        lambda one, two: between_images(one.reshape(-1, 1, 2, 3), pixel_distance),
    ],
)
def test_scores_stay_on_the_device_of_their_features(score: Callable[[Tensor, Tensor], object]) -> None:
    """On tensors without values, which know their device: an operation on two devices would raise another error."""
    with FakeTensorMode(allow_non_fake_inputs=True):
        one, two = (torch.empty(60, 6, device="cuda") for _ in range(2))
        with pytest.raises(DataDependentOutputException):  # only reading the result fails
            score(one, two)


def test_interval_of_frechet_of_equal_distributions_is_not_too_short() -> None:
    random = torch.Generator().manual_seed(0)
    sets = [(torch.randn(200, 8, generator=random), torch.randn(200, 8, generator=random)) for _ in range(80)]
    values = [frechet_distance(*both) for both in sets]
    halves = [high - frechet_distance(*both) for both in sets[:30] for high in frechet_interval(*both)[1:]]
    assert 0.9 < np.mean(halves) / (2.093 * np.std(values, ddof=1)) < 2


# ---- the cache


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "kept"))
    return tmp_path / "kept"


class Count:
    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> Tensor:
        self.calls += 1
        return features(5, self.calls)


def test_features_are_computed_once_for_a_key(kept: Path) -> None:
    compute = Count()
    first = cache.cached({"data": "a", "images": 5}, compute, CPU)
    assert torch.equal(cache.cached({"images": 5, "data": "a"}, compute, CPU), first)
    assert compute.calls == 1
    for other in ({"data": "b", "images": 5}, {"data": "a", "images": 6}):
        assert not torch.equal(cache.cached(other, compute, CPU), first)
    assert compute.calls == 3
    assert len(list(kept.iterdir())) == 3


def test_features_are_computed_anew_by_other_code(
    kept: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    compute = Count()
    cache.cached({"data": "a"}, compute, CPU)
    monkeypatch.setattr(cache, "code_digest", lambda folder: "other")
    cache.cached({"data": "a"}, compute, CPU)
    assert compute.calls == 2
    monkeypatch.undo()
    module = tmp_path / "code" / "resizing.py"
    module.parent.mkdir()
    digests = set()
    for text in ("bilinear", "bicubic"):
        module.write_text(text)
        cache.code_digest.cache_clear()
        digests.add(cache.code_digest(module.parent))
    cache.code_digest.cache_clear()
    assert len(digests) == 2


def test_broken_and_unwritable_caches_only_cost_time(kept: Path) -> None:
    compute = Count()
    cache.cached({"data": "a"}, compute, CPU)
    (file,) = kept.iterdir()
    file.write_bytes(b"half of it")
    cache.cached({"data": "a"}, compute, CPU)
    cache.cached({"data": "a"}, compute, CPU)
    assert compute.calls == 2  # the broken one was replaced
    assert list(kept.iterdir()) == [file]
    file.unlink()
    kept.rmdir()
    kept.write_text("a file where the folder should be")
    cache.cached({"data": "a"}, compute, CPU)
    assert compute.calls == 3


def test_cache_lies_where_the_user_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("BENCH_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.cache_folder() == tmp_path / "sim-to-real-bench"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache.cache_folder() == Path.home() / ".cache" / "sim-to-real-bench"


# ---- LPIPS


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data root with untrained SqueezeNet weights, and torchvision's cache with the same."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = squeezenet1_1()
    (tmp_path / "weights").mkdir()
    save_file(network.features.state_dict(), tmp_path / "weights/squeezenet1_1_features.safetensors")
    (tmp_path / "hub/checkpoints").mkdir(parents=True)
    torch.save(network.state_dict(), tmp_path / "hub/checkpoints/squeezenet1_1-b8a52dc0.pth")
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    return tmp_path


@pytest.mark.filterwarnings("ignore:The 'repr' attribute")
def test_lpips_equals_torchmetrics_with_the_same_backbone(weights: Path) -> None:
    random = torch.Generator().manual_seed(0)
    one, two = (torch.randint(256, (3, 3, 64, 64), generator=random, dtype=torch.uint8) for _ in range(2))
    distance = load_perceptual(CPU, weights)
    assert distance is not None
    found = distance(one, two)
    reference = LearnedPerceptualImagePatchSimilarity("squeeze", reduction="none", normalize=True)
    expected = [float(reference(one[i : i + 1] / 255, two[i : i + 1] / 255)) for i in range(3)]
    assert found.tolist() == pytest.approx(expected, rel=1e-4)
    assert distance(one, one).tolist() == [0, 0, 0]
    grey = one[:, :1, :12, :12]
    assert distance(grey, 255 - grey).min() > 0  # grey, and smaller than the network could take


def test_weights_that_are_none_are_named(weights: Path) -> None:
    (weights / "weights/squeezenet1_1_features.safetensors").write_bytes(b"a page of HTML")
    with pytest.raises(UserMistake, match=r"weights .*squeezenet1_1_features.* cannot be read"):
        load_perceptual(CPU, weights)


def test_without_weights_there_is_no_lpips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    assert load_perceptual(CPU, None) is None
    assert load_perceptual(CPU, tmp_path) is None
