"""Task towers against naive passes and the layers of their papers."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from methods.networks.tower import (
    AnyTowerNet,
    CroppedTowerNet,
    DoublingTowerNet,
    TaskTower,
    TowerNet,
    dropped,
)
from methods.recipes import RECIPES, configure
from methods.seeding import generator
from mistakes import UserMistake


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=generator(seed, "test"))


def stream(seed: int = 0) -> torch.Generator:
    return generator(seed, "stream")


@pytest.mark.parametrize("image", [(12, 12), (28, 28), (35, 55)])
def test_tower_is_what_a_naive_pass_computes_on_odd_sizes_too(image: tuple[int, int]) -> None:
    tower: Any = TaskTower((2, *image), 5, TowerNet(first=3, second=4, hidden=6), ["one", "other"])
    images = noise(4, 2, *image)
    for branch in ("one", "other"):
        first, second = tower.first[branch][0], tower.shared[0]
        maps = F.conv2d(images, first.weight, first.bias, padding=2).relu()
        maps = F.conv2d(F.max_pool2d(maps, 2), second.weight, second.bias, padding=2).relu()
        hidden = (F.max_pool2d(maps, 2).flatten(1) @ tower.hidden.weight.T + tower.hidden.bias).relu()
        assert torch.allclose(tower.features(images, branch), hidden, atol=1e-6)
        last = F.linear(hidden, tower.later_hidden[0].weight, tower.later_hidden[0].bias).relu()
        answers = last @ tower.output.weight.T + tower.output.bias
        assert torch.allclose(tower.branch(branch)(images), answers, atol=1e-6)
    assert torch.allclose(tower(images), answers, atol=1e-6)
    assert not torch.allclose(tower(images), tower.branch("one")(images), atol=1e-4)


def convolutions(tower: TaskTower, branch: str) -> list[nn.Conv2d]:
    layers = (*tower.first[branch].children(), *tower.shared)  # type: ignore[misc]
    return [layer for layer in layers if isinstance(layer, nn.Conv2d)]


@pytest.mark.parametrize(
    ("net", "channels", "kernel", "private", "flat", "hidden"),
    [
        (TowerNet(), [32, 48], 5, 1, 48 * 16 * 16, 100),
        (CroppedTowerNet(), [32, 64], 5, 1, 64 * 16 * 16, 128),
        (DoublingTowerNet(), [32, 64, 128, 256], 3, 2, 256 * 4 * 4, 100),
    ],
)
def test_towers_have_the_layers_of_their_papers_at_64_pixels(
    net: AnyTowerNet, channels: list[int], kernel: int, private: int, flat: int, hidden: int
) -> None:
    tower = TaskTower((4, 64, 64), 15, net, ["source", "adapted"])
    own, other = (convolutions(tower, branch) for branch in ("source", "adapted"))
    assert [layer.out_channels for layer in own] == channels
    assert {layer.kernel_size for layer in own} == {(kernel, kernel)}
    assert [one is two for one, two in zip(own, other, strict=True)] == [
        place >= private for place in range(len(channels))
    ]
    assert (tower.hidden.in_features, tower.hidden.out_features) == (flat, hidden)
    assert len(tower.later_hidden) == (hidden == 100 and kernel == 5)
    assert tower(noise(2, 4, 64, 64)).shape == (2, 15)


@pytest.mark.parametrize("net", [CroppedTowerNet(), DoublingTowerNet()])
def test_towers_for_poses_drop_half_of_the_features_in_training_alone(net: AnyTowerNet) -> None:
    tower, images, everywhere = (
        TaskTower((4, 16, 16), 7, net, ["one"]),
        noise(8, 4, 16, 16),
        torch.random.get_rng_state(),
    )
    features = tower.features(images, "one")
    assert torch.equal(tower(images), tower.output(features))
    seen = list[Tensor]()
    tower.output.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    one, again, other = (tower.branch("one", stream(seed))(images) for seed in (0, 0, 1))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    kept = seen[0] != 0
    assert kept[features != 0].float().mean().item() == pytest.approx(0.5, abs=0.1)
    assert torch.allclose(seen[0][kept], 2 * features[kept])
    assert torch.equal(torch.random.get_rng_state(), everywhere)


def test_dropout_of_nothing_draws_nothing() -> None:
    random, values = stream(), noise(4, 3)
    before = random.get_state()
    assert dropped(values, 0.0, random) is values
    assert torch.equal(random.get_state(), before)


@pytest.mark.parametrize(
    ("kind", "values", "said"),
    [
        (CroppedTowerNet, {"dropout": 1.0}, "tower.dropout is 1.0"),
        (CroppedTowerNet, {"second": 0}, "tower.second is 0"),
        (DoublingTowerNet, {"private": 0}, "tower.private is 0"),
        (DoublingTowerNet, {"dropout": float("nan")}, "tower.dropout is nan"),
    ],
)
def test_refuses_what_makes_no_sense_in_one_line(
    kind: type[AnyTowerNet], values: dict[str, Any], said: str
) -> None:
    with pytest.raises(UserMistake, match=rf"^{said}; allowed: [^\n]*$"):
        kind(**values)


# ---- towers by pair


@pytest.mark.parametrize("scale", ["paper", "small", "smoke"])
@pytest.mark.parametrize("row", RECIPES)
def test_linemod_has_the_tower_of_its_paper_and_nothing_else_changes(row: str, scale: str) -> None:
    elsewhere, here = configure(row, scale).settings, configure(row, scale, "linemod").settings
    name = {"PixelDA": "DoublingTowerNet", "FeatureAlignment": "CroppedTowerNet"}.get(str(here["method"]))
    assert here.get("tower") == name
    assert configure(row, scale, "mnist-mnistm").settings == elsewhere
    others = [
        {path: value for path, value in settings.items() if not path.startswith("tower")}
        for settings in (elsewhere, here)
    ]
    assert others[0] == others[1]


def test_changes_of_a_row_come_after_those_of_the_pair() -> None:
    changed = configure("pixelda[tower.first=8;tower.dropout=0.1]", "smoke", "linemod").settings
    assert (changed["tower.first"], changed["tower.dropout"], changed["tower.private"]) == (8, 0.1, 2)
    assert configure("dann[tower=TowerNet]", "paper", "linemod") == configure("dann", "paper")
    with pytest.raises(UserMistake, match=r"unknown setting 'tower\.dropout'"):
        configure("pixelda[tower.dropout=0.1]", "smoke")
