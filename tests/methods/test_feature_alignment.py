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
from methods.parts.separation import Decoder, Separation, Separator, ShiftNorm, difference
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


def test_networks_have_the_layers_of_the_release() -> None:
    separator = Separator(Separation(), (3, 32, 32), 100)
    assert {name: tuple(value.shape) for name, value in separator.decoder.named_parameters()} == {
        "project.0.weight": (300, 100),
        "project.1.shift": (300,),
        "small_maps.0.weight": (16, 3, 3, 3),
        "small_maps.1.shift": (16,),
        "small_maps.3.weight": (16, 16, 3, 3),
        "small_maps.4.shift": (16,),
        "large_maps.0.weight": (16, 16, 3, 3),
        "large_maps.1.shift": (16,),
        "large_maps.3.weight": (3, 16, 3, 3),
        "large_maps.4.shift": (3,),
    }
    assert [tuple(value.shape) for value in separator.source_encoder.parameters()] == [
        *((32, 3, 5, 5), (32,), (64, 32, 5, 5), (64,), (100, 64 * 8 * 8), (100,))
    ]


def test_every_layer_is_normalised_in_its_own_batch() -> None:
    norm, values = ShiftNorm(3), 5 * noise(4, 3, 2, 2) + 7
    nn.init.constant_(norm.shift, 2)
    mean, variance = values.mean((0, 2, 3), keepdim=True), values.var((0, 2, 3), correction=0, keepdim=True)
    assert torch.allclose(norm(values), (values - mean) / (variance + 1e-3).sqrt() + 2, atol=1e-5)
    rebuilt = Decoder((3, 12, 12), 7)(noise(8, 7))
    assert torch.allclose(rebuilt.mean((0, 2, 3)), torch.zeros(3), atol=1e-5)
    assert torch.allclose(rebuilt.std((0, 2, 3)), torch.ones(3), atol=0.02)


def naive_separation(separator: Any, domains: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Reconstruction and difference loss, one image and one domain after another."""
    reconstruction, apart = torch.zeros(()), torch.zeros(())
    encoders = (separator.source_encoder, separator.target_encoder)
    for encoder, (images, shared) in zip(encoders, domains, strict=True):
        private = encoder(images)
        error = (images - separator.decoder(private + shared)).flatten(1)
        reconstruction = reconstruction + error.var(1, correction=0).mean()
        apart = apart + difference(private, shared)
    return reconstruction, apart


def domains_of(separator: Any) -> list[tuple[Tensor, Tensor]]:
    return [(noise(4, 1, 12, 12, seed=k), noise(4, 7, seed=2 + k).relu()) for k in range(2)]


def test_separation_has_reconstruction_and_difference_of_both_domains() -> None:
    separator = Separator(Separation(reconstruction=2, difference=3), (1, 12, 12), 7)
    domains = domains_of(separator)
    names = ("reconstruction", "difference")
    naive = naive_separation(separator, domains)
    expected = {name: loss.item() for name, loss in zip(names, naive, strict=True)}
    found = {name: loss.item() for name, loss in separator(*domains).items()}
    assert found == pytest.approx(expected, rel=1e-4)
    doubled = separator(*((twice(images), twice(shared)) for images, shared in domains))
    assert doubled["reconstruction"].item() == pytest.approx(expected["reconstruction"], rel=1e-4)
    # the release sums correlations over the batch
    assert doubled["difference"].item() == pytest.approx(4 * expected["difference"], rel=1e-4)
    assert separator.weights == {"reconstruction": 2, "difference": 3}


def test_reconstruction_may_be_off_by_a_constant() -> None:
    separator = Separator(Separation(), (1, 12, 12), 7)
    domains = domains_of(separator)
    loss = separator(*domains)["reconstruction"].item()
    with torch.no_grad():
        separator.decoder.large_maps[-1].shift.add_(3)  # type: ignore[operator, union-attr]
    assert separator(*domains)["reconstruction"].item() == pytest.approx(loss, rel=1e-4)


@pytest.mark.parametrize("delay", [0, 12])
def test_every_loss_pulls_on_the_shared_layers(delay: int) -> None:
    """Before, reconstruction and difference had 0.02 and 0.03 per cent of the task's gradient, and `dsn` was `dann`."""
    config = change(RECIPES["dsn"].at("small"), {"delay": delay})
    pair = load_pair("digits-photos")
    problem = Problem(shape=pair.shape, task=pair.task, batch=32, steps=20)
    method, batches = config.build(problem, torch.device("cpu"), 0), Batches(pair, 32, 0)
    assert isinstance(method, FeatureAlignment)
    for _ in range(delay):
        method.step(batches)
    shared = [
        p
        for part in (method.tower.first, method.tower.shared, method.tower.hidden)
        for p in part.parameters()
    ]
    losses = method.losses(next(batches))
    pulls = {
        name: method.weights[name]
        * torch.cat([g.flatten() for g in torch.autograd.grad(loss, shared, retain_graph=True)]).norm().item()
        for name, loss in losses.items()
    }
    shares = {name: pull / pulls["task"] for name, pull in pulls.items()}
    print(f"step {delay}: shares of the task's gradient on the shared layers", shares)
    assert set(shares) == {"task", "alignment", "reconstruction", "difference"}
    assert min(shares.values()) > 0.01, shares


# ---- the step


def build(row: str, changes: dict[str, object] | None = None) -> tuple[FeatureAlignment, Batches]:
    config = change(RECIPES[row].at("smoke"), changes or {})
    problem = Problem(shape=(1, 12, 12), task=Classification(classes=3), batch=16, steps=12)
    method = config.build(problem, torch.device("cpu"), 0)
    assert isinstance(method, FeatureAlignment)
    return method, Batches(load_pair("shapes"), 16, 0)


def losses_of(networks: dict[str, Any], row: str, batch: Batch) -> dict[str, Tensor]:
    """All losses of a batch, put together by hand."""
    tower, none = networks["tower"], torch.zeros(())
    source, target = (tower.features(images, "shared") for images in (batch.source, batch.target))
    kinds = {"tower": lambda *_: none, "mmd": MeanDiscrepancy(), "coral": CovarianceDistance()}
    alignment = kinds.get(row, networks["alignment"])(source, target)
    domains = [(batch.source, source), (batch.target, target)]
    task = F.cross_entropy(tower.output(tower.later_hidden[0](source).relu()), batch.labels)
    losses = {"task": task, "alignment": alignment}
    if row == "dsn":
        names = ("reconstruction", "difference")
        losses |= zip(names, naive_separation(networks["separation"], domains), strict=True)
    return losses


@pytest.mark.parametrize("weight", [0.25, 2.0])
@pytest.mark.parametrize("row", ROWS)
def test_step_minimises_task_alignment_and_separation(row: str, weight: float) -> None:
    changes = {"delay": 0, "weight": weight, "optimiser": DecayedSgd(rate=0.1), "weight_decay": 0.5}
    method, batches = build(row, changes)
    before, batch = deepcopy(method.networks()), next(batches)
    losses = losses_of(before, row, batch)
    starts = {f"{part} {n}": p for part, network in before.items() for n, p in network.named_parameters()}
    weights = {"task": 1.0, "alignment": weight, "reconstruction": 0.5, "difference": 10.0}
    total = sum((weights[name] * loss for name, loss in losses.items()), torch.zeros(()))
    slopes = torch.autograd.grad(total, list(starts.values()))
    assert method.step(iter([batch])) == pytest.approx(
        {name: loss.item() for name, loss in losses.items()}, rel=1e-4
    )
    ends = [p for network in method.networks().values() for p in network.parameters()]
    for (name, start), slope, end in zip(starts.items(), slopes, ends, strict=True):
        decayed = name.endswith("weight") and not name.startswith("alignment")
        assert torch.allclose(end, start - 0.1 * (slope + 0.5 * start * decayed), atol=1e-5), name


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


def test_first_steps_of_delayed_networks_are_no_longer_than_the_rate() -> None:
    """Adam after 30 gradients of zero takes first steps of 2.7 times its rate."""
    method, batches = build("dsn", {"delay": 30, "optimiser": DecayedAdam(rate=1e-3)})
    for _ in range(30):
        method.step(batches)
    before = deepcopy(method.networks())
    assert method.separation.source_encoder[0].weight.grad is None  # type: ignore[union-attr, index]
    method.step(batches)
    for name in ("alignment", "separation"):
        both = zip(before[name].parameters(), method.networks()[name].parameters(), strict=True)
        steps = [(end - start).abs().max().item() for start, end in both]
        assert 0.9e-3 < max(steps) < 1.001e-3


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
            ("weight_decay", -1e-6),
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
