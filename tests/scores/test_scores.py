"""The scores against closed forms, naive loops and outside implementations."""

from functools import cache

import numpy as np
import pytest
import scipy.linalg
import torch
from torch import Tensor

from benchmarks.evaluation.downstream.task_net import TaskNet, TaskTraining, predict
from benchmarks.scores.catalogue import SCORES
from benchmarks.scores.frechet import frechet_distance
from benchmarks.scores.kernel import kernel_distance
from datasets.catalogue import load_pair
from datasets.contract import DomainPair, Labelled
from datasets.tasks.classification import error

MORE, FEWER, MIXED = (300, 200, 24), (20, 30, 64), (40, 200, 64)
sizes = pytest.mark.parametrize("sizes", [MORE, FEWER, MIXED], ids=["n>d", "n<d", "n<d<m"])


def stream(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def correlated(count: int, width: int, seed: int) -> Tensor:
    """Return features, float64, whose columns are correlated and of unequal spread."""
    mix = torch.randn(width, width, generator=stream(100 + seed), dtype=torch.float64) / width**0.5
    offset = torch.rand(width, generator=stream(200 + seed), dtype=torch.float64)
    return torch.randn(count, width, generator=stream(seed), dtype=torch.float64) @ mix + offset


def two_sets(sizes: tuple[int, int, int]) -> tuple[Tensor, Tensor]:
    return correlated(sizes[0], sizes[2], 1), correlated(sizes[1], sizes[2], 2)


def with_spread(count: int, spread: Tensor, seed: int) -> Tensor:
    """Return features of mean 0 whose covariance is diag(spread²) to the last digits."""
    kept = int((spread > 0).sum())
    raw = torch.randn(count, kept, generator=stream(seed), dtype=torch.float64)
    white = torch.linalg.qr(raw - raw.mean(0)).Q * (count - 1) ** 0.5
    features = torch.zeros(count, len(spread), dtype=torch.float64)
    features[:, spread > 0] = white * spread[spread > 0]
    return features


# ---- Fréchet distance


@sizes
def test_frechet_is_the_formula_with_eigenvalues_of_the_product(sizes: tuple[int, int, int]) -> None:
    first, second = two_sets(sizes)
    one, two = np.cov(first.numpy(), rowvar=False), np.cov(second.numpy(), rowvar=False)
    root = np.sqrt(scipy.linalg.eigvals(one @ two).astype(complex)).real.sum()
    mean = float((first.mean(0) - second.mean(0)).square().sum())
    assert frechet_distance(first, second) == pytest.approx(
        mean + np.trace(one) + np.trace(two) - 2 * root, rel=1e-6
    )


@sizes
def test_frechet_agrees_with_torchmetrics(sizes: tuple[int, int, int]) -> None:
    fid = pytest.importorskip("torchmetrics.image.fid")
    first, second = two_sets(sizes)
    outside = fid._compute_fid(first.mean(0), first.T.cov(), second.mean(0), second.T.cov())
    assert frechet_distance(first, second) == pytest.approx(outside.item(), rel=1e-6)


@sizes
def test_frechet_agrees_with_torch_fidelity(sizes: tuple[int, int, int]) -> None:
    fidelity = pytest.importorskip("torch_fidelity.metric_fid")
    one, two = (fidelity.fid_features_to_statistics(part) for part in two_sets(sizes))
    outside = fidelity.fid_statistics_to_metric(one, two, verbose=False)[fidelity.KEY_METRIC_FID]
    assert frechet_distance(*two_sets(sizes)) == pytest.approx(outside, rel=1e-6)


@pytest.mark.parametrize("count", [500, 9], ids=["n>d", "n<d"])
def test_frechet_of_diagonal_gaussians(count: int) -> None:
    one = torch.tensor([1.0, 2, 0.5, 3, 0, 0.1, 0, 0, 0, 0, 0, 0], dtype=torch.float64)
    two = torch.tensor([2.0, 2, 0.1, 0, 1, 0.3, 0, 0, 0, 0, 0, 0], dtype=torch.float64)
    shift = torch.linspace(-1, 1, 12, dtype=torch.float64)
    distance = frechet_distance(with_spread(count, one, 1), with_spread(count, two, 2) + shift)
    assert distance == pytest.approx(float((one - two).square().sum() + shift.square().sum()), rel=1e-6)


@sizes
def test_frechet_of_equal_sets_is_zero_in_any_order(sizes: tuple[int, int, int]) -> None:
    features = correlated(sizes[0], sizes[2], 0)
    spread = features.var(0).sum()
    order = torch.randperm(len(features), generator=stream(0))
    assert 0 <= frechet_distance(features, features) < 1e-7 * spread
    assert 0 <= frechet_distance(features, features[order]) < 1e-7 * spread


@sizes
def test_frechet_is_symmetric(sizes: tuple[int, int, int]) -> None:
    first, second = two_sets(sizes)
    assert frechet_distance(first, second) == pytest.approx(frechet_distance(second, first), rel=1e-9)


@sizes
def test_frechet_does_not_feel_a_rotation(sizes: tuple[int, int, int]) -> None:
    first, second = two_sets(sizes)
    turn = torch.linalg.qr(correlated(sizes[2], sizes[2], 5)).Q
    turned = frechet_distance(first @ turn, second @ turn)
    assert turned == pytest.approx(frechet_distance(first, second), rel=1e-8)


@sizes
def test_frechet_grows_by_the_square_of_a_shift(sizes: tuple[int, int, int]) -> None:
    first, second = two_sets(sizes)
    first, second = first - first.mean(0), second - second.mean(0)
    shift = torch.linspace(-1, 2, sizes[2], dtype=torch.float64)
    grown = frechet_distance(first, second + shift) - frechet_distance(first, second)
    assert grown == pytest.approx(float(shift.square().sum()), rel=1e-9)


def test_frechet_takes_single_precision_features_in_double() -> None:
    first, second = (1000 + features.float() for features in two_sets(MORE))
    distance = frechet_distance(first, second)
    assert distance == frechet_distance(first.double(), second.double())
    assert distance == pytest.approx(frechet_distance(*two_sets(MORE)), rel=1e-3)


def test_frechet_of_500_images_and_2048_features() -> None:
    features = torch.randn(500, 2048, generator=stream(0))
    centred = features.double() - features.double().mean(0)
    trace = float(centred.square().sum() / 499)
    assert frechet_distance(centred, 3 * centred + 1) == pytest.approx(4 * trace + 2048, rel=1e-9)


# ---- kernel distance


def naive_kernel_distance(first: Tensor, second: Tensor) -> float:
    def kernel(a: Tensor, b: Tensor) -> float:
        return (float(a @ b) / len(a) + 1) ** 3

    n, m = len(first), len(second)
    within_first = sum(kernel(first[i], first[j]) for i in range(n) for j in range(n) if i != j)
    within_second = sum(kernel(second[i], second[j]) for i in range(m) for j in range(m) if i != j)
    between = sum(kernel(a, b) for a in first for b in second)
    return within_first / (n * (n - 1)) + within_second / (m * (m - 1)) - 2 * between / (n * m)


def test_kernel_distance_is_the_double_loop() -> None:
    first, second = correlated(17, 6, 1), correlated(23, 6, 2)
    assert kernel_distance(first, second) == pytest.approx(naive_kernel_distance(first, second), rel=1e-10)
    assert kernel_distance(first, second) == pytest.approx(kernel_distance(second, first), rel=1e-10)


def test_kernel_distance_agrees_with_torchmetrics() -> None:
    kid = pytest.importorskip("torchmetrics.image.kid")
    first, second = correlated(150, 24, 1), correlated(150, 24, 2)
    outside = kid.poly_mmd(first, second, degree=3, gamma=1 / 24, coef=1.0)
    assert kernel_distance(first, second) == pytest.approx(outside.item(), rel=1e-6)


def test_kernel_distance_agrees_with_torch_fidelity() -> None:
    fidelity = pytest.importorskip("torch_fidelity.metric_kid")
    first, second = correlated(150, 24, 1), correlated(150, 24, 2)
    outside = fidelity.kid_features_to_metric(
        first, second, kid_subsets=1, kid_subset_size=150, rng_seed=0, verbose=False
    )
    assert kernel_distance(first, second) == pytest.approx(outside[fidelity.KEY_METRIC_KID_MEAN], rel=1e-6)


def test_kernel_distance_takes_single_precision_features_in_double() -> None:
    first, second = correlated(50, 6, 1).float() * 100, correlated(50, 6, 2).float() * 100
    assert kernel_distance(first, second) == kernel_distance(first.double(), second.double())


def test_kernel_distance_is_unbiased() -> None:
    """Draws of 8 images from two known distributions over 5 points each average to the exact value."""
    points = correlated(10, 4, 3) * 2
    values = (points @ points.T / 4 + 1) ** 3
    exact = float(values[:5, :5].mean() + values[5:, 5:].mean() - 2 * values[:5, 5:].mean())
    random = stream(0)
    draws = torch.tensor(
        [
            kernel_distance(*(points[torch.randint(5, (8,), generator=random) + o] for o in (0, 5)))
            for _ in range(2000)
        ]
    )
    doubt = float(draws.std()) / 2000**0.5
    diagonals = float(values.diagonal().sum()) / 5 - float(values[:5, :5].mean() + values[5:, 5:].mean())
    assert diagonals / 8 > 8 * doubt  # a biased estimate would be told apart
    assert abs(float(draws.mean()) - exact) < 3 * doubt


def test_kernel_distance_may_be_negative_within_one_distribution() -> None:
    features = correlated(400, 8, 0)
    values = [kernel_distance(*features[start : start + 20].chunk(2)) for start in range(0, 400, 20)]
    assert min(values) < 0 < max(values)


# ---- task model


@cache
def shapes() -> DomainPair:
    return load_pair("shapes")


def fitted(seed: int = 0, steps: int = 20) -> TaskNet:
    return TaskTraining(steps=steps).fit(shapes().source, shapes().task, seed)


def same(one: TaskNet, two: TaskNet) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))


def test_same_arguments_fit_the_same_model_whatever_the_global_seed() -> None:
    torch.manual_seed(1)
    first = fitted()
    torch.manual_seed(2)
    assert same(first, fitted())
    assert not same(first, fitted(seed=1))
    assert not same(first, fitted(steps=21))


def test_fit_leaves_global_randomness_alone() -> None:
    before = torch.get_rng_state()
    fitted()
    assert torch.equal(torch.get_rng_state(), before)


def test_fit_learns_the_shapes() -> None:
    source = shapes().source
    model = TaskTraining().fit(source, shapes().task, seed=0)
    assert error(predict(model, source.images), source.labels) < 15
    assert error(predict(model, source.images), source.labels.roll(1)) > 50


def test_fit_depends_on_the_labels() -> None:
    source = shapes().source
    turned = Labelled(images=source.images, labels=(source.labels + 1) % 3)
    assert not same(fitted(), TaskTraining(steps=20).fit(turned, shapes().task, seed=0))


def test_fitted_model_is_frozen() -> None:
    model = fitted(steps=1)
    assert not model.training
    assert not any(parameter.requires_grad for parameter in model.parameters())


def test_prediction_does_not_depend_on_the_batch() -> None:
    model, images = fitted(), shapes().test.images
    outputs = predict(model, images)
    assert outputs.shape == (len(images), 3)
    assert torch.allclose(predict(model, images, batch=7), outputs, atol=1e-5)


@pytest.mark.parametrize(
    ("answers", "percent"),
    [([0, 1, 2, 0], 0.0), ([0, 1, 2, 1], 25.0), ([1, 0, 0, 0], 75.0), ([1, 2, 0, 2], 100.0)],
)
def test_error_is_the_share_of_wrong_answers(answers: list[int], percent: float) -> None:
    outputs = torch.nn.functional.one_hot(torch.tensor(answers), 3).float() - 5
    assert error(outputs, torch.tensor([0, 1, 2, 0])) == percent


def test_scores_in_the_catalogue_are_shown_with_what_the_protocol_says() -> None:
    title = SCORES["fid"].title.format(extractor="digits-v1", images=599)
    assert "digits-v1" in title
    assert "599" in title
