"""GGDR: its aims, its loss and the floors beside it, against loops; its controls in training."""

from copy import deepcopy
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from benchmarks.running.batches import Batches
from datasets.catalogue import load_pair
from methods.contract import Method, Problem
from methods.networks.refiner import Refiner, RefinerNet
from methods.parts.guidance import GGDR, Decoder, guidance_of, image_blind
from methods.recipes import configure
from methods.refiner_gan import RefinerGanConfig
from methods.seeding import generator
from mistakes import UserMistake

CONTROLS = ("shuffled", "random-network", "input")


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=generator(seed, "test"))


def decoder(weight: float = 10, width: int = 3, centred: bool = False, **changes: Any) -> Decoder:
    """A decoder that hands the critic's map on as it is."""
    made = Decoder(GGDR(weight=weight, centred=centred, **changes), critic_width=width, aim_width=width)
    nn.init.dirac_(made.decode.weight)
    nn.init.zeros_(made.decode.bias)  # type: ignore[arg-type]
    return made


def guidance(made: Decoder, maps: Tensor, features: list[Tensor]) -> Tensor:
    return made.terms(maps, noise(len(maps), 1, 8, 8), features)["guidance"]


def turned(maps: Tensor) -> Tensor:
    """Maps at right angles to maps of two channels."""
    return torch.stack([-maps[:, 1], maps[:, 0]], 1)


# ---- the loss


@pytest.mark.parametrize("weight", [10, 0.5])
def test_it_measures_the_angle(weight: float) -> None:
    maps, guide = noise(2, 2, 3, 4), decoder(weight, width=2)
    assert guidance(guide, maps, [maps]).item() == pytest.approx(0, abs=1e-5)
    assert guidance(guide, maps, [turned(maps)]).item() == pytest.approx(weight)
    assert guidance(guide, maps, [-maps]).item() == pytest.approx(2 * weight)


def test_it_does_not_see_lengths() -> None:
    maps, features = noise(2, 3, 3, 4), noise(2, 3, 6, 8, seed=1)
    loss = guidance(decoder(), maps, [features])
    assert torch.allclose(guidance(decoder(), 7 * maps, [0.1 * features]), loss)


@pytest.mark.parametrize("centred", [False, True])
def test_it_is_the_mean_angle_to_averaged_features(centred: bool) -> None:
    maps, features = noise(2, 3, 9, 14), noise(2, 3, 35, 55, seed=1) + 2
    aims = np.zeros((2, 3, 9, 14))
    for n, i, j in product(range(2), range(9), range(14)):
        rows, columns = (slice(k * a // b, -(-(k + 1) * a // b)) for k, a, b in ((i, 35, 9), (j, 55, 14)))
        aims[n, :, i, j] = features[n, :, rows, columns].mean((1, 2)).numpy()
    if centred:
        aims -= aims.mean((0, 2, 3), keepdims=True)
    cosines = []
    for n, i, j in product(range(2), range(9), range(14)):
        p, q = maps[n, :, i, j].numpy(), aims[n, :, i, j]
        cosines.append(p @ q / np.linalg.norm(p) / np.linalg.norm(q))
    loss = guidance(decoder(centred=centred), maps, [features])
    assert loss.item() == pytest.approx(10 * (1 - np.mean(cosines)), rel=1e-5)


def test_centred_aims_do_not_see_a_common_offset() -> None:
    maps, features = noise(4, 3, 3, 4), noise(4, 3, 3, 4, seed=1)
    offset = torch.tensor([5.0, -3, 20])[:, None, None]
    for centred in (True, False):
        both = [guidance(decoder(centred=centred), maps, [f]) for f in (features, features + offset)]
        assert torch.allclose(*both, rtol=1e-4) == centred


@pytest.mark.parametrize("enlarge", [(2, 1, 1, 1), (1, 1, 2, 3)])
def test_it_does_not_grow_with_batch_or_map(enlarge: tuple[int, ...]) -> None:
    maps, features = noise(2, 3, 3, 3), noise(2, 3, 6, 6, seed=1)
    larger = guidance(decoder(), maps.repeat(enlarge), [features.repeat(enlarge)])
    assert torch.allclose(larger, guidance(decoder(), maps, [features]))


def test_it_teaches_critic_and_decoder_but_never_the_refiner() -> None:
    maps, features, guide = noise(2, 3, 3, 4).requires_grad_(), noise(2, 3, 3, 4, seed=1), decoder()
    terms = guide.terms(maps, noise(2, 1, 8, 8), [features.requires_grad_()])
    assert [name for name, value in terms.items() if value.requires_grad] == ["guidance"]
    terms["guidance"].backward()
    assert features.grad is None
    assert maps.grad is not None
    assert maps.grad.abs().max() > 0
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in guide.parameters())


@pytest.mark.parametrize(("block", "chosen"), [(0, 0), (1, 1), (-1, 1), (-2, 0)])
def test_it_takes_the_block_it_is_told(block: int, chosen: int) -> None:
    maps = noise(2, 3, 3, 4)
    features = [noise(2, 3, 3, 4, seed=1)] * 2
    features[chosen] = maps
    assert guidance(decoder(block=block), maps, features).item() == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("block", [2, -3])
def test_it_refuses_a_block_that_is_not_there(block: int) -> None:
    with pytest.raises(UserMistake, match=rf"^guidance.block is {block}; allowed: -2 … 1[^\n]*$"):
        RefinerGanConfig(guidance=GGDR(block=block), refiner=RefinerNet(blocks=2))


# ---- the floors


@pytest.mark.parametrize("shape", [(2, 3, 2, 2), (5, 4, 3, 2)])
def test_floors_are_those_of_the_mean_direction_of_the_other_images(shape: tuple[int, ...]) -> None:
    aims = noise(*shape) + 0.5
    units = aims.numpy() / np.linalg.norm(aims.numpy(), axis=1, keepdims=True)
    constant, place = [], []
    for n, i, j in product(range(shape[0]), range(shape[2]), range(shape[3])):
        others = np.delete(units, n, axis=0)
        for found, guess in ((constant, others.mean((0, 2, 3))), (place, others[:, :, i, j].mean(0))):
            found.append(units[n, :, i, j] @ guess / np.linalg.norm(guess))
    found = [value.item() for value in image_blind(aims)]
    assert found == pytest.approx([np.mean(constant), np.mean(place)], rel=1e-5)
    terms = decoder(weight=2, width=shape[1]).terms(aims, noise(shape[0], 1, 8, 8), [aims])
    floors = [terms["guidance constant floor"].item(), terms["guidance place floor"].item()]
    assert floors == pytest.approx([2 * (1 - np.mean(constant)), 2 * (1 - np.mean(place))], rel=1e-4)


def test_floors_know_what_is_common_to_all_images() -> None:
    same = noise(1, 3, 2, 2).repeat(4, 1, 1, 1)
    constant, place = image_blind(same)
    assert place.item() == pytest.approx(1)
    assert constant < 0.9
    assert image_blind(torch.ones(4, 3, 2, 2))[0].item() == pytest.approx(1)


def test_one_image_alone_has_no_floor() -> None:
    assert [value.item() for value in image_blind(noise(1, 3, 2, 2))] == [0, 0]


# ---- the controls


def test_shuffled_aims_are_those_of_another_image() -> None:
    features, source = noise(4, 3, 4, 4), noise(4, 1, 8, 8)
    own, others = (decoder(aims=aims).aims(source, [features], (2, 2)) for aims in ("features", "shuffled"))
    assert torch.equal(others, own[[3, 0, 1, 2]])


@pytest.mark.parametrize(("image", "size"), [((8, 12), (2, 3)), ((7, 9), (2, 3)), ((16, 16), (2, 2))])
def test_aims_of_the_input_hold_its_pixels(image: tuple[int, int], size: tuple[int, int]) -> None:
    source, (height, width) = noise(2, 3, *image), size
    aims = decoder(aims="input").aims(source, [], size)
    assert aims.shape == (2, 48, *size)
    if image == (4 * height, 4 * width):
        for n, c, i, j, y, x in product(range(2), range(3), *map(range, size), range(4), range(4)):
            assert aims[n, 16 * c + 4 * y + x, i, j] == source[n, c, 4 * i + y, 4 * j + x]


def test_a_random_network_is_a_frozen_refiner_of_its_own() -> None:
    refiner = Refiner(1, RefinerNet(width=8, blocks=2))
    made = [
        guidance_of(
            GGDR(aims="random-network", block=0, centred=False),
            seed,
            critic_width=4,
            refiner=lambda: Refiner(1, RefinerNet(width=8, blocks=2)),
        )
        for seed in (0, 0, 1)
    ]
    source, features = noise(2, 1, 8, 8), refiner.trunk(noise(2, 1, 8, 8))
    one, again, other = (guide.aims(source, features, (8, 8)) for guide in made)  # type: ignore[union-attr]
    assert torch.equal(one, again)
    assert not torch.allclose(one, other)
    assert not torch.allclose(one, features[0])
    assert torch.equal(one, made[0].network.trunk(source)[0])  # type: ignore[union-attr, operator]


def built(row: str) -> tuple[Method, Batches]:
    pair = load_pair("shapes")
    problem = Problem(shape=pair.shape, task=pair.task, batch=16, steps=9)
    return configure(row, "smoke").build(problem, torch.device("cpu"), 0), Batches(pair, 16, 0)


@pytest.mark.parametrize("aims", CONTROLS)
@pytest.mark.parametrize("row", ["simgan-ggdr", "pixelda-ggdr"])
def test_controls_train_the_decoder_alone_and_resume(row: str, aims: str) -> None:
    method, batches = built(f"{row}[guidance.aims={aims}]")
    before = deepcopy(method.networks()["guidance"])
    method.pretrain(batches)
    terms = method.step(batches)
    assert all(terms[name].isfinite() for name in terms)
    assert 0 < terms["guidance"] < 20
    changed = {
        name.split(".")[0]
        for name, start in before.named_parameters()
        if not torch.equal(start, method.networks()["guidance"].get_parameter(name))
    }
    assert changed == {"decode"}
    again, _ = built(f"{row}[guidance.aims={aims}]")
    again.load_state_dict(deepcopy(method.state_dict()))
    batch = next(batches)
    three = [batch] * 3
    assert again.step(iter(three)) == method.step(iter(three))


def test_aims_of_other_images_are_harder_to_learn() -> None:
    reached, wide = dict[str, float](), "critic.width=24;critic_optimiser.rate=0.004"
    for aims, row in {"own": wide, "shuffled": f"guidance.aims=shuffled;{wide}"}.items():
        method, batches = built(f"simgan-ggdr[{row}]")
        method.pretrain(batches)
        losses = [method.step(batches)["guidance"].item() for _ in range(120)]
        reached[aims] = float(np.mean(losses[-20:]))
    assert reached["own"] < 0.85 * reached["shuffled"], reached
