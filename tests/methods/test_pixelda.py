"""PixelDA's two half steps against naive computations, and what it gives; networks stand in a file beside."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.running.batches import Batches
from datasets.catalogue import load_pair
from datasets.contract import Classification, ClassificationAndPose, to_unit
from methods.contract import Batch, Problem, frozen
from methods.networks.pixelda import Generator
from methods.networks.tower import TaskTower
from methods.parts.content import L1, Content, PairwiseError
from methods.parts.guidance import GGDR
from methods.parts.history import History
from methods.parts.lessons import Lesson
from methods.parts.optimisers import Sgd
from methods.pixelda import PixelDA
from methods.recipes import RECIPES
from methods.seeding import generator
from methods.settings import change

CRITIC, ADVERSARIAL, TASK = 0.135603587834, 0.0113173311334, 0.0100959947002  # the release's weights
HISTORY = {"history": History(batches=2)}


# ---- the two halves of a step


def build(
    row: str = "pixelda", scale: str = "smoke", seed: int = 0, batch: int = 16, **changes: Any
) -> PixelDA:
    """The method of a row; changes have "__" for the dots of their paths."""
    task = changes.pop("task", Classification(classes=3))
    shape = (1, 12, 12) if scale == "smoke" else (3, 32, 32)
    problem = Problem(shape=shape, task=task, batch=batch, steps=12)
    config = change(RECIPES[row].at(scale), {path.replace("__", "."): v for path, v in changes.items()})
    method = config.build(problem, torch.device("cpu"), seed)
    assert isinstance(method, PixelDA)
    return method


def stream(seed: int = 0, batch: int = 16) -> Batches:
    return Batches(load_pair("shapes"), batch, seed)


def pair(row: str = "pixelda", **changes: Any) -> tuple[PixelDA, PixelDA, Batch]:
    """A method after one step, another one in the same state, and the next batch; both descend plainly."""
    changes = {"optimiser": Sgd(rate=0.1), **changes}
    method, other, batches = build(row, **changes), build(row, seed=1, **changes), stream()
    method.step(batches)
    other.load_state_dict(deepcopy(method.state_dict()))
    return method, other, next(batches)


def adapt(method: PixelDA, batch: Batch) -> tuple[list[Tensor], Tensor]:
    features = method.generator.trunk(batch.source, method.draws.random)
    return features, method.generator.decode(features[-1])


def moved(method: PixelDA, half: Callable[[], object]) -> set[str]:
    """Names of the networks, with running statistics, and buffers that half a step changes."""
    before = deepcopy(method.state_dict())
    half()
    return {
        name
        for name, part in method.state_dict().items()
        for key, value in part.items()
        if isinstance(value, Tensor) and not torch.equal(value, before[name][key])
    }


def test_each_half_changes_its_own_networks_bit_by_bit_alone() -> None:
    method, _, batch = pair(guidance=GGDR(), **HISTORY)
    features, adapted = adapt(method, batch)
    assert moved(method, lambda: method.generator_step(batch, adapted)) == {"generator", "draws"}
    features, adapted = adapt(method, batch)
    changed = moved(method, lambda: method.critic_step(batch, adapted.detach(), features))
    assert changed == {"critic", "tower", "guidance", "history", "draws"}


def test_each_half_gives_gradients_to_its_own_networks_alone() -> None:
    method, batch = build(guidance=GGDR()), next(stream())
    others = [*method.critic.parameters(), *method.tower.parameters(), *method.guidance.parameters()]
    features, adapted = adapt(method, batch)
    method.generator_step(batch, adapted)
    assert all(p.grad is not None for p in method.generator.parameters())
    assert all(p.grad is None for p in others)
    method.generator.zero_grad()
    features, adapted = adapt(method, batch)
    method.critic_step(batch, adapted.detach(), features)
    assert all(p.grad is not None for p in others)
    assert all(p.grad is None for p in method.generator.parameters())


def check_descent(
    networks: list[nn.Module], loss: Tensor, step: Callable[[], object], own: list[nn.Module]
) -> None:
    """Check that a step takes ``own`` networks from where ``networks`` stand down the slope of the loss."""
    starts = [p for network in networks for p in network.parameters()]
    slopes = torch.autograd.grad(loss, starts)
    step()
    ends = [p for network in own for p in network.parameters()]
    for start, slope, end in zip(starts, slopes, ends, strict=True):
        assert torch.allclose(end, start - 0.1 * slope, atol=1e-6)


EXTRAS: list[tuple[str, dict[str, Any], int]] = [
    ("pixelda", {}, 16),
    ("pixelda-local", {}, 16),
    ("pixelda-adapted-only", {}, 16),
    ("pixelda-nonoise", {}, 16),
    ("pixelda-ggdr", {}, 16),
    ("pixelda-hist", HISTORY, 8),
    ("pixelda-hist", {"guidance": GGDR(), **HISTORY}, 8),
]


@pytest.mark.parametrize(("row", "changes", "fresh"), EXTRAS)
def test_critic_half_minimises_equations_2_and_3(row: str, changes: dict[str, Any], fresh: int) -> None:
    method, other, batch = pair(row, **changes)
    features, adapted = adapt(other, batch)
    adapted = adapted.detach()
    fakes = other.history.join(adapted[:fresh]) if changes else adapted
    maps = other.critic.trunk(fakes, other.draws.random)
    real = other.critic(batch.target, other.draws.random)
    adversarial = -F.logsigmoid(real).mean() - F.logsigmoid(-other.critic.head(maps)).mean()
    guided = other.guidance.terms(maps[:fresh], batch.source[:fresh], [one[:fresh] for one in features])
    task = F.cross_entropy(other.tower.branch("adapted")(adapted), batch.labels)
    if row != "pixelda-adapted-only":
        task = task + F.cross_entropy(other.tower.branch("source")(batch.source), batch.labels)
    terms: dict[str, Tensor] = {}
    features, adapted = adapt(method, batch)
    check_descent(
        [other.critic, other.guidance, other.tower],
        CRITIC * (adversarial + guided["guidance"]) + task,
        lambda: terms.update(method.critic_step(batch, adapted.detach(), features)),
        [method.critic, method.guidance, method.tower],
    )
    expected = {"critic adversarial": adversarial, "task": task, **guided}
    assert terms == pytest.approx({name: value.item() for name, value in expected.items()}, rel=1e-5)
    assert (terms["guidance"] > 0) == ("guidance" in changes or row == "pixelda-ggdr")


@pytest.mark.parametrize(
    ("row", "content", "strength"),
    [
        ("pixelda", None, 10),
        ("pixelda", PairwiseError(), 10),
        ("pixelda", L1(), 500),
        ("pixelda-notask", None, 3),
    ],
)
def test_generator_half_minimises_equation_6(row: str, content: Content | None, strength: float) -> None:
    method, other, batch = pair(row, content=content, content_strength=strength)
    _, adapted = adapt(other, batch)
    adversarial = -F.logsigmoid(other.critic(adapted, other.draws.random)).mean()
    distance = content.loss(batch.source, adapted, batch.masks) if content else torch.zeros(())
    task = TASK * F.cross_entropy(other.tower.branch("adapted")(adapted), batch.labels)
    task = task * (row != "pixelda-notask")
    terms: dict[str, Tensor] = {}
    _, painted = adapt(method, batch)
    check_descent(
        [other.generator],
        ADVERSARIAL * adversarial + ADVERSARIAL * strength * distance + task,
        lambda: terms.update(method.generator_step(batch, painted)),
        [method.generator],
    )
    expected = {"generator adversarial": adversarial, "content": distance, "generator task": task}
    assert terms == pytest.approx({name: value.item() for name, value in expected.items()}, rel=1e-5)


def test_step_is_the_critics_half_then_the_generators_on_one_adapted_batch() -> None:
    method, other, batches = build(), build(), stream()
    terms, batch = method.step(stream()), next(batches)
    features, adapted = adapt(other, batch)
    halves = other.critic_step(batch, adapted.detach(), features) | other.generator_step(batch, adapted)
    assert terms == halves
    assert moved(method, lambda: method.load_state_dict(other.state_dict())) == set()


def test_task_with_pose_weighs_pose_by_branch() -> None:
    changes = {"task": ClassificationAndPose(classes=3)}
    method, other = build(**changes), build(**changes)
    turns = F.normalize(torch.randn(16, 4, generator=generator(0, "turns")), dim=1)
    batch = replace(next(stream()), labels=torch.cat([torch.arange(16)[:, None] % 3, turns], 1))
    _, adapted = adapt(other, batch)
    weights, terms = {"adapted": 0.125, "source": 0.25}, dict[str, float]()
    for branch, images in (("adapted", adapted), ("source", batch.source)):
        of_branch = other.task.losses(other.tower.branch(branch)(images), batch.labels)
        terms[branch] = (of_branch["class"] + weights[branch] * of_branch["pose"]).item()
    features, adapted = adapt(method, batch)
    task = method.generator_step(batch, adapted)["generator task"]
    assert task.item() == pytest.approx(TASK * terms["adapted"], rel=1e-4)
    task = method.critic_step(batch, adapted.detach(), features)["task"]
    assert task.item() == pytest.approx(terms["adapted"] + terms["source"], rel=1e-4)


def slope(row: str = "pixelda", **changes: Any) -> Tensor:
    """The generator's gradient in its first step, at the weights that every row starts with."""
    method, batch = build(row, optimiser=Sgd(), **changes), next(stream())
    method.generator_step(batch, adapt(method, batch)[1])
    return torch.cat([p.grad.flatten() for p in method.generator.parameters() if p.grad is not None])


def alike(one: Tensor, other: Tensor) -> bool:
    return bool((one - other).norm() < 1e-3 * other.norm())


def test_twice_the_weight_is_twice_the_pull() -> None:
    plain, untaught = slope(), slope("pixelda-notask")
    assert alike(slope(adversarial_weight=2 * ADVERSARIAL) - plain, untaught)
    assert alike(slope(task_lesson=Lesson(weight=2 * TASK)) - plain, plain - untaught)
    pull = slope(content=L1(), content_strength=50) - plain
    assert alike(slope(content=L1(), content_strength=100) - plain, 2 * pull)
    both = slope(content=L1(), content_strength=50, adversarial_weight=2 * ADVERSARIAL)
    assert alike(both - slope(adversarial_weight=2 * ADVERSARIAL), 2 * pull)
    assert torch.equal(slope(content_strength=99), plain)
    assert torch.equal(slope(content=L1(), content_strength=0), plain)


@pytest.mark.parametrize(("row", "taught"), [("pixelda", True), ("pixelda-notask", False)])
def test_generator_learns_from_the_task_tower_where_asked_to(row: str, taught: bool) -> None:
    method, other, batch = pair(row)
    with torch.no_grad():
        other.tower.output.weight.neg_()
    for one in (method, other):
        one.generator_step(batch, adapt(one, batch)[1])
    assert torch.equal(method.generator.head.weight, other.generator.head.weight) != taught


@pytest.mark.parametrize(
    ("row", "named"),
    [
        ("pixelda", ["adapted", "source", "adapted"]),
        ("pixelda-notask", ["adapted", "source"]),
        ("pixelda-adapted-only", ["adapted", "adapted"]),
    ],
)
def test_absent_lessons_cost_no_pass(row: str, named: object, monkeypatch: pytest.MonkeyPatch) -> None:
    method, passes, features = build(row), list[str](), TaskTower.features
    painted, judged = list[int](), list[bool]()
    method.generator.stem.register_forward_hook(lambda _, inputs, __: painted.append(len(inputs[0])))
    method.critic.layers[0].register_forward_pre_hook(lambda _, x: judged.append(x[0].requires_grad))

    def watched(tower: TaskTower, images: Tensor, branch: str) -> Tensor:
        passes.append(branch)
        return features(tower, images, branch)

    monkeypatch.setattr(TaskTower, "features", watched)
    method.step(stream())
    assert passes == named
    assert painted == [16]
    assert judged == [False, False, True]  # D keeps no graph of G


def test_history_gives_the_critic_old_images_for_half() -> None:
    method, other, batch = pair("pixelda-hist", **HISTORY)
    judged, stored = list[Tensor](), method.history.state_dict()["images"]
    method.critic.layers[0].register_forward_pre_hook(lambda _, inputs: judged.append(inputs[0].detach()))
    adapted = adapt(other, batch)[1].detach()
    method.step(iter([batch]))
    fakes, real, passing = judged
    assert torch.equal(fakes[:8], adapted[:8])
    assert all((stored == one).flatten(1).all(1).any() for one in fakes[8:])
    assert torch.equal(real, batch.target)
    assert torch.equal(passing, adapted)


def test_guidance_of_no_weight_leaves_all_as_without() -> None:
    guided, unguided = build(guidance=GGDR(weight=0)), build()
    for method in (guided, unguided):
        method.step(stream())
    for name in ("generator", "critic", "tower"):
        one, other = (method.networks()[name].state_dict() for method in (guided, unguided))
        assert all(torch.equal(one[key], other[key]) for key in one)


# ---- what it gives


def test_target_images_pass_the_branch_of_adapted_ones() -> None:
    method, images = build(), next(stream()).target
    method.step(stream())
    predictor = method.predictor()
    assert torch.equal(predictor(images), method.tower.branch("adapted")(images))
    assert not torch.allclose(predictor(images), method.tower.branch("source")(images), atol=1e-4)
    assert list(build("pixelda-adapted-only").tower.first) == ["adapted"]
    assert not any(parameter.requires_grad for parameter in predictor.parameters())


@torch.no_grad()
def painted(network: Generator, images: Tensor, order: Tensor) -> Tensor:
    """Adapt images in mini-batches of 16 by an order; an image has the same noise whatever its order."""
    z, adapted = torch.rand(len(images), 10, generator=generator(0, "noise")), torch.empty_like(images)
    for part in order.split(16):
        with network.noise.project.register_forward_pre_hook(lambda *_, part=part: (2 * z[part] - 1,)):
            adapted[part] = network(images[part], generator(0, "unused"))
    return adapted


def test_adapter_is_the_generator_that_was_trained_within_the_noise_between_batches() -> None:
    method, batches = build(optimiser__rate=0.02), stream()
    for _ in range(40):
        method.step(batches)
    images, random = to_unit(load_pair("shapes").source.images), generator(0, "orders")
    orders = [torch.randperm(len(images), generator=random) for _ in range(8)]
    trained = [painted(deepcopy(method.generator).train(), images, order) for order in orders]
    between = (trained[0] - trained[1]).abs().mean()
    adapter, lagging = method.adapter(stream(1)), frozen(method.generator)
    off, before = (
        torch.stack([(painted(network, images, orders[0]) - one).abs().mean() for one in trained]).mean()
        for network in (adapter, lagging)
    )
    assert off < between
    assert before > 2 * between
    alone = adapter(images[:3], generator(0, "test"))
    assert torch.allclose(alone, adapter(images[:5], generator(0, "test"))[:3], atol=1e-5)


def test_adapter_draws_its_noise_from_the_generator_it_is_given() -> None:
    method, images = build(), next(stream()).source
    method.step(stream())
    adapter, mine = method.adapter(stream(1)), method.draws.random.get_state()
    everywhere = torch.random.get_rng_state()
    one, other, again = (adapter(images, generator(seed, "test")) for seed in (0, 1, 0))
    assert torch.equal(one, again)
    assert not torch.allclose(one, other, atol=1e-4)
    assert torch.equal(method.draws.random.get_state(), mine)
    assert torch.equal(torch.random.get_rng_state(), everywhere)


def test_paper_starts_with_weights_of_deviation_002_and_biases_of_0() -> None:
    method, layers = build("pixelda-ggdr", "paper"), 0
    for module in (module for network in method.networks().values() for module in network.modules()):
        if isinstance(module, nn.Conv2d | nn.Linear):
            layers += 1
            margin = 5 * 0.02 / module.weight.numel() ** 0.5
            assert module.weight.mean().item() == pytest.approx(0, abs=margin)
            assert module.weight.std().item() == pytest.approx(0.02, abs=margin)
            assert module.bias is None or not module.bias.any()
        elif isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            assert (module.weight == 1).all()
            assert not module.bias.any()
    assert layers == 1 + 1 + 12 + 1 + 5 + 6 + 1


def test_paper_starts_every_row_with_the_same_tower() -> None:
    rows = ("pixelda", "pixelda-nonoise", "pixelda-local")
    first, *others = (build(row, "paper").tower.shared[0].weight for row in rows)
    assert all(torch.equal(one, first) for one in others)


def test_tower_learns_to_name_target_images() -> None:
    wider = {"tower__first": 8, "tower__second": 12, "tower__hidden": 32, "critic__width": 4}
    method = build(batch=32, optimiser__rate=3e-3, **wider)
    batches, test, errors = stream(batch=32), load_pair("shapes").test, list[float]()
    for step in range(100):
        if step == 0 or step > 50 and step % 5 == 0:
            answers = method.predictor()(to_unit(test.images)).argmax(1)
            errors.append((answers != test.labels).float().mean().item())
        method.step(batches)
    assert errors[0] > 0.6
    assert sum(errors[1:]) / len(errors[1:]) < 0.4
