"""Losses and history against naive computations; networks stand in test_refiner_gan.py."""

from collections.abc import Callable
from copy import deepcopy
from itertools import product

import numpy as np
import pytest
import torch
from torch import Tensor

from methods.parts import content
from methods.parts.adversary import fooling_loss, passing_loss, real_or_adapted_loss, real_or_refined_loss
from methods.parts.content import L1, FeatureL1, Hinged, PairwiseError, SquaredError
from methods.parts.history import History, HistoryBuffer, NoHistory
from methods.seeding import generator

CONTENTS = [
    *(L1(), *(FeatureL1(features=name) for name in content.FEATURES), PairwiseError()),  # type: ignore[arg-type]
    *(SquaredError(), Hinged(hinge=0.001), Hinged(hinge=0.001, error="absolute")),
]
both_verdicts = pytest.mark.parametrize("places", [(3, 4), (1, 1)], ids=["patches", "image"])
every_content = pytest.mark.parametrize(
    "part", CONTENTS, ids=lambda part: getattr(part, "features", type(part).__name__)
)


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=generator(seed, "test"))


# ---- adversary


def cross_entropy(logits: Tensor, truth: int) -> float:
    """Mean over verdicts of −log softmax(verdict)[truth], one verdict at a time."""
    maps = logits.double().numpy()
    verdicts = [image[:, i, j] for image in maps for i, j in product(*map(range, maps.shape[2:]))]
    return float(np.mean([-np.log(np.exp(v[truth]) / np.exp(v).sum()) for v in verdicts]))


@both_verdicts
def test_adversarial_losses_are_mean_cross_entropies_of_verdicts(places: tuple[int, int]) -> None:
    refined, real = noise(5, 2, *places), noise(4, 2, *places, seed=1)
    expected = cross_entropy(refined, 1) + cross_entropy(real, 0)
    assert real_or_refined_loss(refined, real).item() == pytest.approx(expected, rel=1e-5)
    assert fooling_loss(refined).item() == pytest.approx(cross_entropy(refined, 0), rel=1e-5)


def certain(real: float) -> Tensor:
    return torch.tensor([float(real), -float(real)])[None, :, None, None].expand(3, 2, 4, 5)


def test_class_0_is_real_and_class_1_refined() -> None:
    real, refined = certain(30), certain(-30)
    assert real_or_refined_loss(refined, real).item() == pytest.approx(0, abs=1e-6)
    assert real_or_refined_loss(real, refined).item() == pytest.approx(120)
    assert fooling_loss(refined).item() == pytest.approx(60)
    assert fooling_loss(real).item() == pytest.approx(0, abs=1e-6)


def test_every_patch_pulls_alike_when_all_patches_agree() -> None:
    logits = certain(1).clone().requires_grad_()
    (slope,) = torch.autograd.grad(fooling_loss(logits), logits)
    pull = torch.sigmoid(torch.tensor(-2.0)) / (3 * 4 * 5)
    assert torch.allclose(slope[:, 0], -pull)
    assert torch.allclose(slope[:, 1], pull)


def test_losses_of_one_logit_are_means_of_logarithms() -> None:
    adapted, real = noise(5, 1, 3, 4), noise(4, 1, 3, 4, seed=1)
    judged, true = torch.sigmoid(adapted.double()), torch.sigmoid(real.double())
    expected = -true.log().mean() - (1 - judged).log().mean()
    assert real_or_adapted_loss(adapted, real).item() == pytest.approx(expected.item(), rel=1e-5)
    assert passing_loss(adapted).item() == pytest.approx(-judged.log().mean().item(), rel=1e-5)


def test_one_logit_is_that_of_being_real() -> None:
    yes, no = torch.full((3, 1, 2, 2), 60.0), torch.full((3, 1, 2, 2), -60.0)
    assert real_or_adapted_loss(no, yes).item() == pytest.approx(0, abs=1e-6)
    assert real_or_adapted_loss(yes, no).item() == pytest.approx(120)
    assert passing_loss(no).item() == pytest.approx(60)
    assert passing_loss(yes).item() == pytest.approx(0, abs=1e-6)


# ---- loss scale


def twice(images: Tensor) -> Tensor:
    return torch.cat([images, images])


def tiled(images: Tensor) -> Tensor:
    return images.repeat(1, 1, 2, 3)


@pytest.mark.parametrize("enlarge", [twice, tiled])
def test_adversarial_losses_do_not_grow(enlarge: Callable[[Tensor], Tensor]) -> None:
    refined, real = noise(4, 2, 3, 4), noise(4, 2, 3, 4, seed=1)
    larger = real_or_refined_loss(enlarge(refined), enlarge(real))
    assert torch.allclose(larger, real_or_refined_loss(refined, real))
    assert torch.allclose(fooling_loss(enlarge(refined)), fooling_loss(refined))


@pytest.mark.parametrize("enlarge", [twice, tiled])
def test_losses_of_one_logit_do_not_grow(enlarge: Callable[[Tensor], Tensor]) -> None:
    adapted, real = noise(4, 1, 2, 2), noise(4, 1, 2, 2, seed=1)
    larger = real_or_adapted_loss(enlarge(adapted), enlarge(real))
    assert torch.allclose(larger, real_or_adapted_loss(adapted, real))
    assert torch.allclose(passing_loss(enlarge(adapted)), passing_loss(adapted))


POINTWISE = [part for part in CONTENTS if getattr(part, "features", "") in ("", "colour-mean")]


@pytest.mark.parametrize(
    ("part", "enlarge"), [*((part, twice) for part in CONTENTS), *((part, tiled) for part in POINTWISE)]
)
def test_content_losses_do_not_grow(part: L1, enlarge: Callable[[Tensor], Tensor]) -> None:
    images = noise(4, 1, 6, 6), noise(4, 1, 6, 6, seed=1), (noise(4, 1, 6, 6, seed=2) > 0).float()
    assert torch.allclose(part.loss(*map(enlarge, images)), part.loss(*images), rtol=1e-4)


# ---- content


@every_content
def test_content_vanishes_on_equal_images_and_pulls_back_others(part: L1) -> None:
    source, masks = noise(2, 3, 6, 5), torch.ones(2, 1, 6, 5)
    assert part.loss(source, source.clone(), masks) == 0
    refined = (source + 0.1 * noise(2, 3, 6, 5, seed=1)).requires_grad_()
    (slope,) = torch.autograd.grad(loss := part.loss(source, refined, masks), refined)
    assert part.loss(source, refined - 0.01 * slope / slope.norm(), masks) < loss


def test_l1_is_the_mean_absolute_difference() -> None:
    source, refined = noise(2, 3, 4, 5), noise(2, 3, 4, 5, seed=1)
    expected = np.abs(refined.numpy() - source.numpy()).mean()
    assert L1().loss(source, refined, torch.zeros(2, 1, 4, 5)).item() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("part", "power", "hinge"),
    [
        *((SquaredError(), 2, 0.0), (Hinged(), 2, 0.4), (Hinged(hinge=1.0), 2, 1.0)),
        *((Hinged(error="absolute"), 1, 0.4), (Hinged(error="absolute", hinge=0.0), 1, 0.0)),
    ],
)
def test_errors_count_above_the_hinge_alone(part: L1, power: int, hinge: float) -> None:
    source, refined = noise(2, 3, 4, 5), noise(2, 3, 4, 5, seed=1)
    pixels = zip(source.double().flatten().tolist(), refined.double().flatten().tolist(), strict=True)
    expected = np.mean([max(0, abs(a - b) ** power - hinge) for a, b in pixels])
    assert part.loss(source, refined, torch.zeros(2, 1, 4, 5)).item() == pytest.approx(expected, rel=1e-5)


def test_derivatives_are_differences_to_the_right_and_lower_neighbour() -> None:
    images = noise(2, 3, 4, 5)
    expected = torch.empty(2, 6, 3, 4)
    for n, c, i, j in product(range(2), range(3), range(3), range(4)):
        expected[n, c, i, j] = images[n, c, i, j + 1] - images[n, c, i, j]
        expected[n, 3 + c, i, j] = images[n, c, i + 1, j] - images[n, c, i, j]
    assert torch.equal(content.derivatives(images), expected)
    loss = FeatureL1(features="derivatives").loss(images, torch.zeros_like(images), torch.ones(2, 1, 4, 5))
    assert torch.allclose(loss, expected.abs().mean())


def test_derivatives_let_brightness_shift() -> None:
    source, masks = noise(2, 1, 4, 5), torch.ones(2, 1, 4, 5)
    assert FeatureL1().loss(source, source + 0.25, masks).item() == pytest.approx(0, abs=1e-6)
    assert L1().loss(source, source + 0.25, masks).item() == pytest.approx(0.25)


def test_colour_mean_sees_grey_value_alone() -> None:
    red, green = (torch.zeros(1, 3, 2, 2).index_fill(1, torch.tensor(c), 0.9) for c in (0, 1))
    part, masks = FeatureL1(features="colour-mean"), torch.ones(1, 1, 2, 2)
    assert part.loss(red, green, masks) == 0
    assert part.loss(red, torch.zeros_like(red), masks).item() == pytest.approx(0.3)


def test_random_network_is_always_the_same_and_never_learns() -> None:
    images, features = noise(2, 3, 7, 6), list[Tensor]()
    for seed in (1, 2):
        content._network.cache_clear()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            features.append(content.random_network(images))
    assert torch.equal(*features)
    assert features[0].shape == (2, 32, 4, 3)
    assert not features[0].requires_grad


# ---- pairwise error


def row(*values: float) -> Tensor:
    return torch.tensor(values)[None, None, None]


@pytest.mark.parametrize(
    ("difference", "mask", "loss"),
    [((1, -1), (1, 1), 1), ((1, 1), (1, 1), 0), ((1, 1), (1, 0), 0.25), ((1, 5), (1, 0), 0.25)],
)
def test_pairwise_error_of_two_pixels(
    difference: tuple[float, float], mask: tuple[float, float], loss: float
) -> None:
    source = row(0.3, 0.4)
    error = PairwiseError().loss(source, source + row(*difference), row(*mask))
    assert error.item() == pytest.approx(loss, abs=1e-6)


def test_pairwise_error_is_the_mean_over_all_pairs() -> None:
    source, refined = noise(3, 2, 3, 4), noise(3, 2, 3, 4, seed=1)
    masks = (noise(3, 1, 3, 4, seed=2) > 0).float()
    differences = ((source - refined) * masks).double().flatten(1).numpy()
    k = differences.shape[1]
    expected = np.mean([sum((p - q) ** 2 for p, q in product(d, d)) / (2 * k**2) for d in differences])
    assert PairwiseError().loss(source, refined, masks).item() == pytest.approx(expected, rel=1e-5)


def test_pairwise_error_ignores_a_common_shift_only_without_mask() -> None:
    source, refined = noise(2, 1, 4, 5), noise(2, 1, 4, 5, seed=1)
    masks = torch.ones(2, 1, 4, 5)
    error = PairwiseError().loss(source, refined, masks)
    assert torch.allclose(PairwiseError().loss(source, refined + 3, masks), error, rtol=1e-4)
    masks[:, :, :2] = 0
    error = PairwiseError().loss(source, refined, masks)
    assert PairwiseError().loss(source, refined + 3, masks) > 2 * error


# ---- history


def numbered(start: int, count: int) -> Tensor:
    return torch.arange(start, start + count).float()[:, None, None, None]


def buffer(batch: int = 4, batches: int = 3, seed: int = 0) -> HistoryBuffer:
    return HistoryBuffer(History(batches=batches), batch, (1, 1, 1), generator(seed, "history"))


def filled(batch: int = 4, fills: int = 3) -> HistoryBuffer:
    history = buffer(batch)
    for k in range(fills):
        history.fill(numbered(100 + k * batch, batch))
    return history


@pytest.mark.parametrize(
    ("fills", "stored"),
    [
        (1, [0, 1, 0, 1, 0, 1]),
        (2, [0, 1, 2, 3, 0, 1]),
        (3, [0, 1, 2, 3, 4, 5]),
        (5, [6, 7, 8, 9, 4, 5]),
    ],
)
def test_filling_goes_round_over_the_oldest(fills: int, stored: list[int]) -> None:
    assert filled(2, fills).images.flatten().tolist() == [100 + value for value in stored]


@pytest.mark.parametrize("batch", [2, 4, 5, 7])
def test_each_join_replaces_half_a_batch_by_fresh_images(batch: int) -> None:
    history = filled(batch)
    for k in range(20):
        fresh, before = numbered(1000 * (k + 1), history.fresh), history.images.clone()
        history.join(fresh)
        new = history.images[history.images != before]
        assert len(history.images) == 3 * batch
        assert len(new) == batch // 2 == len(new.unique())
        assert torch.isin(new, fresh).all()


@pytest.mark.parametrize("batch", [2, 4, 5, 7])
def test_joined_batch_is_the_fresh_half_then_an_old_half(batch: int) -> None:
    history = filled(batch)
    for k in range(20):
        fresh, before = numbered(1000 * (k + 1), batch - batch // 2), history.images.clone()
        joined = history.join(fresh)
        old = joined[len(fresh) :]
        assert torch.equal(joined[: len(fresh)], fresh)
        assert len(old) == batch // 2 == len(old.unique())
        assert torch.isin(old, before).all()


@pytest.mark.parametrize("batch", [2, 4, 5, 7])
def test_an_empty_history_starts_with_the_fresh_images(batch: int) -> None:
    history, fresh = buffer(batch), numbered(100, batch - batch // 2)
    joined = history.join(fresh)
    assert torch.equal(joined[: len(fresh)], fresh)
    assert len(joined) == batch
    assert torch.isin(torch.cat([joined, history.images]), fresh).all()
    assert torch.isin(history.join(numbered(200, len(fresh)))[len(fresh) :], fresh).all()
    assert (history.images >= 200).sum() == batch // 2


def test_draws_and_replacements_reach_every_place() -> None:
    history, drawn, replaced = filled(), set[float](), set[int]()
    for _ in range(60):
        history.images.copy_(numbered(0, 12))
        drawn |= set(history.join(numbered(100, 2))[2:].flatten().tolist())
        replaced |= set((history.images >= 100).flatten().nonzero().flatten().tolist())
    assert drawn == replaced == set(range(12))


def test_stored_images_are_detached_copies() -> None:
    history, refined = buffer(), numbered(0, 4).requires_grad_()
    history.fill(refined)
    history.join(numbered(50, 2).requires_grad_())
    assert not history.images.requires_grad
    refined.detach().fill_(-1)
    assert (history.images >= 0).all()


def test_a_restored_history_draws_and_fills_on_alike() -> None:
    history, restored = filled(fills=2), buffer(seed=1)
    history.join(numbered(500, 2))
    restored.load_state_dict(history.state_dict())
    for fresh in (numbered(600, 2), numbered(700, 2)):
        assert torch.equal(restored.join(fresh), history.join(fresh))
    for one in (history, restored):
        one.fill(numbered(800, 4))
    assert torch.equal(restored.images, history.images)


def test_a_taken_state_does_not_follow_the_history() -> None:
    history = filled()
    state = history.state_dict()
    taken = deepcopy(state)
    history.join(numbered(500, 2))
    history.fill(numbered(600, 4))
    assert all(torch.equal(state[name], taken[name]) for name in taken)


def test_without_history_all_images_are_the_fresh_ones() -> None:
    fresh = numbered(0, 5)
    assert NoHistory(5).fresh == 5
    assert torch.equal(NoHistory(5).join(fresh), fresh)
