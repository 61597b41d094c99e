"""Feature alignment: its losses against naive computations, and its step."""

from collections.abc import Iterator
from copy import deepcopy
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.running.batches import Batches
from datasets.catalogue import load_pair
from datasets.contract import Classification
from methods.contract import Batch, Problem
from methods.feature_alignment import FeatureAlignment
from methods.parts.alignment import CovarianceDistance, DomainClassifier, MeanDiscrepancy
from methods.parts.optimisers import DecayedAdam, DecayedSgd
from methods.parts.separation import Decoder, Separation, Separator, difference
from methods.recipes import RECIPES
from methods.seeding import generator
from methods.settings import change
from mistakes import UserMistake

ROWS = ["tower", "dann", "mmd", "coral", "dsn"]


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=generator(seed, "test"))


def twice(values: Tensor) -> Tensor:
    return torch.cat([values, values])


@pytest.fixture(autouse=True)
def seeded() -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


# ---- MMD

SIGMAS = [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 5, 10, 15, 20, 25, 30, 35, 100, 1e3, 1e4, 1e5, 1e6]


def kernel_mean(ones: Tensor, others: Tensor) -> float:
    """Mean over pairs, a point with itself too, of the sum of 19 kernels, pair by pair."""
    pairs = product(ones.double().numpy(), others.double().numpy())
    return float(
        np.mean([sum(np.exp(-np.sum((a - b) ** 2) / (2 * sigma)) for sigma in SIGMAS) for a, b in pairs])
    )


def naive_discrepancy(source: Tensor, target: Tensor) -> float:
    return kernel_mean(source, source) + kernel_mean(target, target) - 2 * kernel_mean(source, target)


@pytest.mark.parametrize(("scale", "counts"), [(1.0, (6, 6)), (0.001, (6, 6)), (10.0, (6, 6)), (0.1, (4, 7))])
def test_discrepancy_is_that_of_19_kernels_over_all_pairs(scale: float, counts: tuple[int, int]) -> None:
    source, target = scale * noise(counts[0], 3), scale * (noise(counts[1], 3, seed=1) + 0.5)
    loss = MeanDiscrepancy()(source.double(), target.double())
    assert loss.item() == pytest.approx(naive_discrepancy(source, target), rel=1e-5)
    assert MeanDiscrepancy()(target.double(), source.double()).item() == pytest.approx(loss.item())
    assert MeanDiscrepancy()(twice(source.double()), twice(target.double())).item() == pytest.approx(
        loss.item()
    )


def test_discrepancy_of_features_as_a_tower_has_them() -> None:
    source, target = noise(32, 100).relu(), (noise(32, 100, seed=1) + 0.1).relu()
    expected = naive_discrepancy(source, target)
    assert MeanDiscrepancy()(source, target).item() == pytest.approx(expected, rel=0.01)


def test_discrepancy_falls_down_its_gradient() -> None:
    source, target = noise(6, 3).requires_grad_(), noise(6, 3, seed=1) + 2
    loss = MeanDiscrepancy()(source, target)
    (slope,) = torch.autograd.grad(loss, source)
    assert MeanDiscrepancy()(source - 0.1 * slope / slope.norm(), target) < loss


def test_discrepancy_has_a_floor_without_slope() -> None:
    source = noise(6, 3).double().requires_grad_()
    loss = MeanDiscrepancy()(source, source.detach() + 1e-7)
    assert loss.item() == pytest.approx(1e-4)
    assert not torch.autograd.grad(loss, source)[0].any()


# ---- CORAL


def test_covariance_distance_is_that_of_numpy() -> None:
    source, target = noise(9, 5), 2 * noise(7, 5, seed=1) + 3
    gap = np.cov(source.double().numpy(), rowvar=False) - np.cov(target.double().numpy(), rowvar=False)
    loss = CovarianceDistance()(source, target)
    assert loss.item() == pytest.approx((gap**2).sum() / 100, rel=1e-5)
    assert CovarianceDistance()(target, source).item() == pytest.approx(loss.item())
    assert CovarianceDistance()(source, source + 7).item() == pytest.approx(0, abs=1e-9)


def test_covariance_distance_pulls_both_together() -> None:
    both = [noise(9, 5).requires_grad_(), (2 * noise(7, 5, seed=1)).requires_grad_()]
    slopes = torch.autograd.grad(loss := CovarianceDistance()(*both), both)
    for k in range(2):
        nearer = [
            one - 0.1 * slope * (k == j) for j, (one, slope) in enumerate(zip(both, slopes, strict=True))
        ]
        assert CovarianceDistance()(*nearer) < loss


# ---- DANN


def domain_loss(classifier: Any, source: Tensor, target: Tensor) -> Tensor:
    """Mean of −log of the right domain's probability, source 0, target 1, without a reversal."""
    logits = [
        F.relu(values @ classifier.hidden.weight.T + classifier.hidden.bias) @ classifier.output.weight.T
        + classifier.output.bias
        for values in (source, target)
    ]
    truth = torch.cat([torch.zeros(len(source)), torch.ones(len(target))])
    return F.binary_cross_entropy(torch.cat(logits).sigmoid()[:, 0], truth)


def test_domain_classifier_learns_as_usual_and_features_the_other_way() -> None:
    classifier = DomainClassifier(5, 7)
    source, target = noise(6, 5).requires_grad_(), noise(6, 5, seed=1).requires_grad_()
    loss, plain = classifier(source, target), domain_loss(classifier, source, target)
    assert torch.allclose(loss, plain)
    own = list(classifier.parameters())
    for one, other in zip(
        *(torch.autograd.grad(x, own, retain_graph=True) for x in (loss, plain)), strict=True
    ):
        assert torch.allclose(one, other, atol=1e-7)
        assert one.any()
    both = (source, target)
    for one, other in zip(*(torch.autograd.grad(x, both) for x in (loss, plain)), strict=True):
        assert torch.allclose(one, -other, atol=1e-7)
        assert one.any()
    assert torch.allclose(classifier(twice(source), twice(target)), loss)


# ---- DSN


def test_difference_is_the_mean_square_of_correlations() -> None:
    private, shared = noise(6, 4), noise(6, 4, seed=1) + 2
    one, two = (values.double().numpy() - values.double().numpy().mean(0) for values in (private, shared))
    one, two = (values / np.linalg.norm(values, axis=1, keepdims=True) for values in (one, two))
    expected = np.mean(
        [sum(one[n, i] * two[n, j] for n in range(6)) ** 2 for i, j in product(range(4), repeat=2)]
    )
    assert difference(private, shared).item() == pytest.approx(expected, rel=1e-5)
    assert difference(3 * private - 1, shared).item() == pytest.approx(expected, rel=1e-4)


def test_difference_of_orthogonal_features_is_0() -> None:
    one, other = torch.tensor([1.0, -1, 1, -1]), torch.tensor([1.0, 1, -1, -1])
    private, shared, empty = one[:, None], other[:, None], torch.zeros(4, 1)
    assert difference(torch.cat([private, empty], 1), torch.cat([empty, shared], 1)) == 0
    assert difference(torch.cat([private, empty], 1), torch.cat([empty, private], 1)).item() == pytest.approx(
        4
    )


@pytest.mark.parametrize("image", [(12, 12), (28, 28), (35, 55)])
def test_decoder_rebuilds_images_of_any_size(image: tuple[int, int]) -> None:
    assert Decoder((3, *image), 7)(noise(2, 7)).shape == (2, 3, *image)
    assert Separator(Separation(), (3, *image), 7).target_encoder(noise(2, 3, *image)).shape == (2, 7)


def naive_separation(
    separator: Any, domains: list[tuple[Tensor, Tensor]], weights: tuple[float, float]
) -> Tensor:
    total, encoders = torch.zeros(()), (separator.source_encoder, separator.target_encoder)
    for encoder, (images, shared) in zip(encoders, domains, strict=True):
        private = encoder(images)
        error = (images - separator.decoder(private + shared)).flatten(1)
        total = (
            total + weights[0] * error.var(1, correction=0).mean() + weights[1] * difference(private, shared)
        )
    return total


@pytest.mark.parametrize("weights", [(2.0, 0.0), (0.0, 3.0), (0.01, 0.05)])
def test_separation_weighs_reconstruction_and_difference_of_both_domains(
    weights: tuple[float, float],
) -> None:
    part = Separation(reconstruction=weights[0], difference=weights[1])
    separator = Separator(part, (1, 12, 12), 7)
    domains = [(noise(4, 1, 12, 12, seed=k), noise(4, 7, seed=2 + k).relu()) for k in range(2)]
    expected = naive_separation(separator, domains, weights)
    assert separator(*domains).item() == pytest.approx(expected.item(), rel=1e-4)
    doubled = [(twice(images), twice(shared)) for images, shared in domains]
    factor = 4 if weights[1] else 1  # the release sums correlations over the batch
    if 0 in weights:
        assert separator(*doubled).item() == pytest.approx(factor * expected.item(), rel=1e-4)


def test_reconstruction_may_be_off_by_a_constant() -> None:
    separator = Separator(Separation(difference=0), (1, 12, 12), 7)
    domains = [(noise(4, 1, 12, 12, seed=k), noise(4, 7, seed=2 + k).relu()) for k in range(2)]
    loss = separator(*domains)
    with torch.no_grad():
        separator.decoder.large_maps[-1].bias.add_(3)  # type: ignore[operator, union-attr]
    assert separator(*domains).item() == pytest.approx(loss.item(), rel=1e-4)


# ---- the step


def build(row: str, changes: dict[str, object] | None = None) -> tuple[FeatureAlignment, Batches]:
    config = change(RECIPES[row].at("smoke"), changes or {})
    problem = Problem(shape=(1, 12, 12), task=Classification(classes=3), batch=16, steps=12)
    method = config.build(problem, torch.device("cpu"), 0)
    assert isinstance(method, FeatureAlignment)
    return method, Batches(load_pair("shapes"), 16, 0)


def losses(networks: dict[str, Any], row: str, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
    """Task, alignment and separation loss of a batch, put together by hand."""
    tower, none = networks["tower"], torch.zeros(())
    source, target = (tower.features(images, "shared") for images in (batch.source, batch.target))
    kinds = {"tower": lambda *_: none, "mmd": MeanDiscrepancy(), "coral": CovarianceDistance()}
    alignment = kinds.get(row, networks["alignment"])(source, target)
    domains = [(batch.source, source), (batch.target, target)]
    separation = naive_separation(networks["separation"], domains, (0.01, 0.05)) if row == "dsn" else none
    return (
        F.cross_entropy(tower.output(tower.later_hidden[0](source).relu()), batch.labels),
        alignment,
        separation,
    )


@pytest.mark.parametrize("weight", [0.25, 2.0])
@pytest.mark.parametrize("row", ROWS)
def test_step_minimises_task_alignment_and_separation(row: str, weight: float) -> None:
    method, batches = build(row, {"delay": 0, "weight": weight, "optimiser": DecayedSgd(rate=0.1)})
    before, batch = deepcopy(method.networks()), next(batches)
    task, alignment, separation = losses(before, row, batch)
    starts = [p for network in before.values() for p in network.parameters()]
    slopes = torch.autograd.grad(task + weight * alignment + separation, starts)
    terms = method.step(iter([batch]))
    expected = {"task": task.item(), "alignment": alignment.item(), "separation": separation.item()}
    assert terms == pytest.approx(expected, rel=1e-4)
    ends = [p for network in method.networks().values() for p in network.parameters()]
    for start, slope, end in zip(starts, slopes, ends, strict=True):
        assert torch.allclose(end, start - 0.1 * slope, atol=1e-6)


def same(one: nn.Module, other: nn.Module) -> bool:
    return all(torch.equal(*both) for both in zip(one.parameters(), other.parameters(), strict=True))


@pytest.mark.parametrize("optimiser", [DecayedAdam(), DecayedSgd()])
@pytest.mark.parametrize("row", ROWS[1:])
def test_the_task_alone_moves_the_tower_until_the_delay_is_over(row: str, optimiser: DecayedSgd) -> None:
    changes: dict[str, object] = {"delay": 3, "optimiser": optimiser, "weight": 10.0}
    (plain, ours), (method, batches) = build("tower", changes), build(row, changes)
    before = deepcopy(method.networks())
    for step in range(4):
        assert same(plain.tower, method.tower), step
        assert same(before["alignment"], method.alignment)
        assert same(before["separation"], method.separation)
        plain.step(ours)
        assert method.step(batches)["alignment"] > 0
    assert not same(plain.tower, method.tower)


@pytest.mark.parametrize("row", ROWS)
def test_it_gives_a_frozen_task_model_and_no_adapter(row: str) -> None:
    method, batches = build(row)
    method.step(batches)
    images, predictor = next(batches).target, method.predictor()
    before = predictor(images)
    assert torch.equal(before, method.tower(images))
    assert method.adapter(iter(())) is None
    assert not any(parameter.requires_grad for parameter in predictor.parameters())
    method.step(batches)
    assert torch.equal(predictor(images), before)
    assert not torch.equal(method.tower(images), before)


@pytest.mark.parametrize("row", ROWS)
def test_absent_parts_have_no_parameters_and_cost_no_pass(row: str) -> None:
    method, batches = build(row)
    names = {name for name, network in method.networks().items() if list(network.parameters())}
    wanted = {"tower", *(["alignment"] * (row in ("dann", "dsn"))), *(["separation"] * (row == "dsn"))}
    assert names == wanted
    passes = list[int]()
    for network in method.networks().values():
        for module in (module for module in network.modules() if isinstance(module, nn.Conv2d)):
            module.register_forward_hook(lambda _, inputs, __: passes.append(len(inputs[0])))
    method.step(batches)
    assert len(passes) == 4 + (row == "dsn") * 2 * (2 + 4)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        *(
            ("weight", -1.0),
            ("weight", float("nan")),
            ("delay", -1),
            ("alignment.hidden", 0),
            ("lesson.weight", 0.0),
        ),
        *(("separation", Separation), ("alignment", "L1"), ("tower.first", 0), ("optimiser.rate", 0.0)),
        *(
            ("optimiser.decay", 0.0),
            ("optimiser.decay", 1.1),
            ("optimiser.every", 0),
            ("optimiser.beta1", 1.0),
        ),
        *(
            ("optimiser.clip", 0.0),
            ("separation.difference", -1.0),
            ("separation.reconstruction", float("inf")),
        ),
    ],
)
def test_refuses_what_makes_no_sense_in_one_line(path: str, value: object) -> None:
    changes = {"optimiser": DecayedAdam(), path: value}
    with pytest.raises(UserMistake, match=r"^[^\n]* allowed: [^\n]*$") as mistake:
        change(RECIPES["dsn"].at("smoke"), changes)
    assert path.split(".")[-1] in str(mistake.value)
