"""SimGAN's networks, optimisers and the two steps that bring the parts together."""

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.running.batches import Batches
from datasets.catalogue import load_pair
from datasets.contract import Classification, to_unit
from methods.contract import Problem
from methods.networks.refiner import Critic, CriticNet, Refiner, RefinerNet
from methods.parts.adversary import fooling_loss, real_or_refined_loss
from methods.parts.guidance import GGDR
from methods.parts.history import History, HistoryBuffer
from methods.parts.optimisers import Adam, Sgd, descend
from methods.refiner_gan import RefinerGan, RefinerGanConfig
from methods.seeding import generator
from methods.settings import change


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=generator(seed, "test"))


@pytest.fixture(autouse=True)
def seeded() -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


# ---- networks


def size(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_networks_have_the_papers_numbers_of_parameters() -> None:
    assert size(Refiner(1, RefinerNet())) == 296_129
    assert size(Critic((1, 35, 55), CriticNet())) == 75_906


@pytest.mark.parametrize(
    ("image", "patches"), [((35, 55), (9, 14)), ((12, 12), (3, 3)), ((32, 32), (8, 8)), ((13, 6), (4, 2))]
)
def test_critic_gives_two_logits_for_every_patch(image: tuple[int, int], patches: tuple[int, int]) -> None:
    critic = Critic((3, *image), CriticNet(width=12))
    assert critic(noise(2, 3, *image)).shape == (2, 2, *patches)
    assert critic.places == patches[0] * patches[1]


@pytest.mark.parametrize("channels", [1, 3])
def test_refiner_paints_images_of_the_same_shape_within_range(channels: int) -> None:
    refiner, images = Refiner(channels, RefinerNet(width=8, blocks=2)), noise(2, channels, 9, 7)
    nn.init.normal_(refiner.head.weight, std=100)
    refined = refiner(images)
    assert refined.shape == images.shape
    assert refined.abs().max() <= 1
    assert refined.abs().max().item() == pytest.approx(1)


def test_refiner_gives_every_block_before_its_relu() -> None:
    refiner, images = Refiner(1, RefinerNet(width=8, blocks=3)), noise(2, 1, 9, 7)
    maps = refiner.trunk(images)
    assert [tuple(one.shape) for one in maps] == [(2, 8, 9, 7)] * 3
    assert all(one.min() < 0 for one in maps)
    assert torch.equal(refiner.decode(maps[-1]), refiner(images))


def reach(network: nn.Module, images: Tensor, place: int) -> tuple[int, int]:
    """Height and width of the pixels that the output at (place, place) depends on, over all images."""
    for parameter in network.double().parameters():
        nn.init.uniform_(parameter, 0.005, 0.01)
    images = images.double().abs().requires_grad_()
    network(images)[:, :, place, place].sum().backward()
    assert images.grad is not None
    seen = (images.grad != 0).any(0).any(0)
    return tuple(int(np.ptp(np.flatnonzero(seen.any(axis).numpy()))) + 1 for axis in (1, 0))  # type: ignore[return-value]


def test_refiner_sees_19_pixels() -> None:
    assert reach(Refiner(1, RefinerNet(width=3)), noise(1, 1, 31, 31), 15) == (19, 19)


def test_critic_sees_23_pixels() -> None:
    assert reach(Critic((1, 48, 48), CriticNet(width=6)), noise(200, 1, 48, 48), 6) == (23, 23)


@pytest.mark.parametrize("image", [(35, 55), (16, 16), (13, 6)])
def test_global_critic_gives_two_logits_from_the_whole_map(image: tuple[int, int]) -> None:
    local = Critic((1, *image), CriticNet(width=6))
    critic, images = Critic((1, *image), CriticNet(width=6, verdict="image")), noise(3, 1, *image)
    assert critic.places == local.places
    assert critic(images).shape == (3, 2, 1, 1)
    weights = critic.head.weight.flatten(1)  # a fully connected layer
    logits = critic.trunk(images).flatten(1) @ weights.T + critic.head.bias
    assert torch.allclose(critic(images).flatten(1), logits, atol=1e-6)


def test_normed_critic_normalises_images_by_their_own_batch() -> None:
    critic = Critic((1, 16, 16), CriticNet(width=6, normalisation="batch"))
    images = noise(5, 1, 16, 16)
    assert torch.allclose(critic(images), critic(images.repeat(3, 1, 1, 1))[:5], atol=1e-5)
    maps = critic.trunk[:4](images)  # after the first norm
    assert torch.allclose(maps.mean((0, 2, 3)), torch.zeros(4), atol=1e-5)
    assert torch.allclose(maps.var((0, 2, 3), correction=0), torch.ones(4), atol=0.05)
    assert [name for name, _ in critic.named_buffers()] == []


# ---- the two steps


def smoke(changes: Mapping[str, object], seed: int = 0) -> tuple[RefinerGan, Batches]:
    config = change(change(RefinerGanConfig(), RefinerGanConfig.SCALES["smoke"]), changes)
    problem = Problem(shape=(1, 12, 12), task=Classification(classes=3), batch=16, steps=12)
    return config.build(problem, torch.device("cpu"), seed), Batches(load_pair("shapes"), 16, seed)


def moved(method: RefinerGan, step: Callable[[], object]) -> set[str]:
    """Names of what a step changes."""
    before = deepcopy(method.state_dict())
    step()
    after = method.state_dict()
    tensors = ("refiner", "critic", "guidance", "history")
    return {
        name
        for name in tensors
        for key, value in after[name].items()
        if not torch.equal(value, before[name][key])
    }


def test_each_step_changes_its_own_network_bit_by_bit_alone() -> None:
    method, batches = smoke({"guidance": GGDR()})
    method.pretrain(batches)
    batch = next(batches)
    assert moved(method, lambda: method.refiner_step(batch)) == {"refiner"}
    assert moved(method, lambda: method.critic_step(batch)) == {"critic", "guidance", "history"}


def test_each_step_gives_gradients_to_its_own_network_alone() -> None:
    method, batches = smoke({"guidance": GGDR()})
    method.refiner_step(next(batches))
    assert all(p.grad is not None for p in method.refiner.parameters())
    assert all(p.grad is None for p in [*method.critic.parameters(), *method.guidance.parameters()])
    method, batches = smoke({"guidance": GGDR()})
    method.critic_step(next(batches))
    assert all(p.grad is None for p in method.refiner.parameters())
    assert all(p.grad is not None for p in [*method.critic.parameters(), *method.guidance.parameters()])


def test_critic_step_keeps_no_graph_of_the_refiner() -> None:
    method, batches = smoke({"guidance": GGDR()})
    graphs = list[bool]()
    method.critic.trunk.register_forward_hook(lambda _, inputs, __: graphs.append(inputs[0].requires_grad))
    method.critic_step(next(batches))
    method.refiner_step(next(batches))
    assert graphs == [False, False, True]


def test_refiner_step_minimises_equation_4() -> None:
    method, batches = smoke({"content_strength": 3.0, "refiner_optimiser": Sgd(rate=0.1)})
    batch, refiner = next(batches), deepcopy(method.refiner)
    refined = refiner(batch.source)
    fooled = -F.log_softmax(method.critic(refined), 1)[:, 0].mean()
    loss = fooled + 3 * (refined - batch.source).abs().mean()
    slopes = torch.autograd.grad(9 * loss, list(refiner.parameters()))  # the map is 3 × 3
    terms = method.refiner_step(batch)
    assert torch.allclose(terms["refiner adversarial"] + 3 * terms["content"], loss)
    for now, start, slope in zip(method.refiner.parameters(), refiner.parameters(), slopes, strict=True):
        assert torch.allclose(now, start - 0.1 * slope, atol=1e-7)


@pytest.mark.parametrize("guidance", [None, GGDR(weight=2.0)])
def test_critic_step_minimises_equation_2_and_guidance_on_fresh_images(guidance: GGDR | None) -> None:
    method, batches = smoke({"guidance": guidance, "critic_optimiser": Sgd(rate=0.1)})
    method.pretrain(batches)
    batch, critic = next(batches), deepcopy(method.critic)
    fresh, history = batch.source[:8], deepcopy(method.state_dict()["history"])
    again = HistoryBuffer(History(batches=2), 16, (1, 12, 12), generator(0, "any"))
    again.load_state_dict(history)
    with torch.no_grad():
        features, fakes = method.refiner.trunk(fresh), again.join(method.refiner(fresh))
    judged, real = (F.log_softmax(critic(images), 1) for images in (fakes, batch.target))
    loss = -judged[:, 1].mean() - real[:, 0].mean()
    loss = loss + deepcopy(method.guidance).terms(critic.trunk(fakes)[:8], fresh, features)["guidance"]
    slopes = torch.autograd.grad(9 * loss, list(critic.parameters()))  # the map is 3 × 3
    terms = method.critic_step(batch)
    assert torch.allclose(terms["critic adversarial"] + terms["guidance"], loss)
    for now, start, slope in zip(method.critic.parameters(), critic.parameters(), slopes, strict=True):
        assert torch.allclose(now, start - 0.1 * slope, atol=1e-5)


@pytest.mark.parametrize("name", ["refiner", "critic"])
def test_updates_descend_the_papers_sums(name: str) -> None:
    """Cross-entropies are summed over patches, λ times absolute differences over pixels; the batch is averaged."""
    strength = 0.01  # λ; Λ is λ times pixels over patches
    method, batches = smoke(
        {"content_strength": strength * 144 / 9, "history": None, f"{name}_optimiser": Sgd(rate=0.01)}
    )
    batch, before = next(batches), deepcopy(method)
    refined = before.refiner(batch.source)
    real, fake = (before.critic(images).log_softmax(1) for images in (batch.target, refined))
    sums = {
        "refiner": -fake[:, 0].sum() + strength * (refined - batch.source).abs().sum(),
        "critic": -fake[:, 1].sum() - real[:, 0].sum(),
    }
    start = list(getattr(before, name).parameters())
    slopes = torch.autograd.grad(sums[name] / len(batch.source), start)
    getattr(method, f"{name}_step")(batch)
    for now, then, slope in zip(getattr(method, name).parameters(), start, slopes, strict=True):
        assert torch.allclose(now, then - 0.01 * slope, atol=1e-6)


def test_critic_of_the_papers_width_learns_at_the_papers_rate() -> None:
    """The same updates down plain means leave it at chance, 2 ln 2."""
    losses = []
    for factor in (9, 1):  # the map has 3 × 3 places
        config = RefinerGanConfig(history=None, refiner=RefinerNet(width=1, blocks=1))
        problem = Problem(shape=(1, 12, 12), task=Classification(classes=3), batch=8, steps=12)
        method, batches = config.build(problem, torch.device("cpu"), 0), Batches(load_pair("shapes"), 8, 0)
        assert method.critic.places == 9
        method.critic.places = factor
        for _ in range(250):
            loss = method.critic_step(next(batches))["critic adversarial"]
        losses.append(loss.item())
    assert losses[0] < 1.25
    assert losses[1] > 1.38


def test_a_global_critic_pulls_elsewhere_than_a_local_one_and_an_average_of_logits_does_not() -> None:
    pair = load_pair("shapes")
    source, target = to_unit(pair.source.images), to_unit(pair.target)
    critics, random = [], generator(0, "test")
    for verdict in ("patches", "image"):
        critic = Critic(pair.shape, CriticNet(width=24, verdict=verdict))  # type: ignore[arg-type]
        optimiser = Adam().over(critic.parameters())
        for _ in range(30):
            refined, real = (
                critic(images[torch.randint(len(images), (16,), generator=random)])
                for images in (source, target)
            )
            descend(9 * real_or_refined_loss(refined, real), optimiser)
        critics.append(critic)
    local, whole = critics
    images = source[:32].requires_grad_()
    verdicts = (local(images), local(images).mean((2, 3), keepdim=True), whole(images))
    pulls = [torch.autograd.grad(fooling_loss(said), images)[0].flatten(1) for said in verdicts]
    averaged, global_pull = (F.cosine_similarity(pulls[0], pull).mean() for pull in pulls[1:])
    assert averaged > 0.99
    assert 0 < global_pull < 0.9


def test_verdict_is_the_mean_log_odds_of_refined() -> None:
    method, batches = smoke({})
    method.pretrain(batches)
    images, verdict = next(batches).source, method.verdict()
    odds = method.critic(images).log_softmax(1)
    assert torch.allclose(verdict(images), (odds[:, 1] - odds[:, 0]).mean((1, 2)), atol=1e-6)


def test_guidance_of_weight_0_leaves_critic_and_refiner_as_without() -> None:
    guided, unguided = smoke({"guidance": GGDR(weight=0)}), smoke({})
    for method, batches in (guided, unguided):
        method.pretrain(batches)
        method.step(batches)
    images = next(unguided[1]).target
    assert torch.equal(guided[0].critic(images), unguided[0].critic(images))
    for network in ("critic", "refiner"):
        ours, theirs = (getattr(method, network).parameters() for method, _ in (guided, unguided))
        for one, other in zip(ours, theirs, strict=True):
            assert torch.equal(one, other)
            assert torch.equal(one.grad, other.grad)


def test_pretraining_teaches_the_refiner_to_reproduce_its_input() -> None:
    method, batches = smoke({"refiner_pretraining": 300, "critic_pretraining": 0})
    source = to_unit(load_pair("shapes").source.images)
    method.pretrain(batches)
    with torch.no_grad():
        error = (method.refiner(source) - source).abs().mean()
    assert error < source.std() / 4


def test_pretraining_fills_the_history_with_refined_images() -> None:
    method, batches = smoke({"refiner_pretraining": 2, "critic_pretraining": 0})
    with torch.no_grad():
        refined = method.refiner(next(batches).source)
    method.pretrain(iter(Batches(load_pair("shapes"), 16, 0)))
    stored = method.state_dict()["history"]["images"]
    assert torch.allclose(stored[:16], refined)
    assert not torch.allclose(stored[16:], stored[:16])


# ---- optimisers


def test_descend_steps_down_the_slope_of_its_own_parameters_alone() -> None:
    own, other = nn.Parameter(torch.tensor([2.0, 3.0])), nn.Parameter(torch.tensor([5.0, 5.0]))
    optimiser = Sgd(rate=0.1).over([own])
    for _ in range(2):  # slopes are not summed from step to step
        descend((own * other).sum(), optimiser)
    assert own.tolist() == pytest.approx([1.0, 2.0])
    assert other.grad is None
    assert other.tolist() == [5.0, 5.0]


def test_adam_takes_first_steps_of_its_rate() -> None:
    own = nn.Parameter(torch.tensor([1.0, 2.0]))
    descend((own * torch.tensor([3.0, -100.0])).sum(), Adam(rate=0.01).over([own]))
    assert own.tolist() == pytest.approx([0.99, 2.01])
