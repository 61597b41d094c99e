"""PixelDA's networks, and what its tower is taught, against naive passes; its step stands in test_pixelda.py."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from datasets.contract import ClassificationAndPose
from datasets.tasks.pose import quaternions
from methods.networks.pixelda import (
    AdaptedVerdict,
    DeepCritic,
    DeepCriticNet,
    Generator,
    GeneratorNet,
    Noise,
    NormedBlock,
)
from methods.networks.tower import TaskTower, TowerNet
from methods.parts.guidance import GGDR
from methods.parts.lessons import Lesson
from methods.recipes import RECIPES
from methods.seeding import generator
from methods.settings import change
from mistakes import UserMistake


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=generator(seed, "test"))


def stream(seed: int = 0) -> torch.Generator:
    return generator(seed, "stream")


@pytest.fixture(autouse=True)
def seeded() -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


# ---- generator and critic


def size(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def shuffled(module: nn.Module) -> Any:
    """The module with every parameter, those of normalisations too, drawn anew."""
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.3)
    return module


def normed(values: Tensor, norm: Any) -> Tensor:
    """Batch normalisation by the batch's own statistics, written out."""
    places = [0, *range(2, values.dim())]
    around = (1, -1) + (1,) * (values.dim() - 2)
    mean, variance = values.mean(places, keepdim=True), values.var(places, correction=0, keepdim=True)
    return (values - mean) / (variance + 1e-3).sqrt() * norm.weight.view(around) + norm.bias.view(around)


def test_networks_have_the_papers_numbers_of_parameters() -> None:
    shape = (3, 32, 32)
    assert size(Generator(shape, GeneratorNet(), Noise())) == 458_755
    assert size(Generator(shape, GeneratorNet(), None)) == 458_755 - 10 * 1024 - 2 * 1024 - 64 * 9
    assert size(DeepCritic(shape, DeepCriticNet())) == 1_560_065
    assert size(DeepCritic(shape, DeepCriticNet(verdict="patches"))) == 1_560_065 - 512 * 15
    assert size(TaskTower(shape, 10, TowerNet(), ["source", "adapted"])) == 361_722
    assert size(TaskTower(shape, 10, TowerNet(), ["adapted"])) == 361_722 - 2_432


SIZES = [
    ((12, 12), (20, 3, 3)),
    ((28, 28), (40, 4, 4)),
    ((32, 32), (40, 4, 4)),
    ((35, 55), (80, 3, 4)),
    ((4, 9), (5, 4, 9)),
    ((5, 3), (10, 3, 2)),
]


@pytest.mark.parametrize(("image", "deepest"), SIZES)
def test_critic_doubles_its_width_and_stops_at_a_height_of_4(
    image: tuple[int, int], deepest: tuple[int, int, int]
) -> None:
    images = noise(2, 3, *image)
    whole = DeepCritic((3, *image), DeepCriticNet(width=5))
    local = DeepCritic((3, *image), DeepCriticNet(width=5, verdict="patches"))
    assert whole.trunk(images, stream()).shape == (2, *deepest)
    assert whole(images, stream()).shape == (2, 1, 1, 1)
    assert local(images, stream()).shape == (2, 1, *deepest[1:])


@pytest.mark.parametrize("noisy", [None, Noise(dimensions=3)])
@pytest.mark.parametrize("shape", [(1, 12, 12), (3, 28, 28), (1, 35, 55)])
def test_generator_paints_images_of_the_same_shape_within_range(
    shape: tuple[int, int, int], noisy: Noise | None
) -> None:
    painter, images = Generator(shape, GeneratorNet(width=4, blocks=2), noisy), noise(2, *shape)
    nn.init.normal_(painter.head.weight, std=100)
    adapted = painter(images, stream())
    assert adapted.shape == images.shape
    assert adapted.abs().max() <= 1
    assert adapted.min().item() == pytest.approx(-1)
    assert adapted.max().item() == pytest.approx(1)


def with_z(painter: Any, images: Tensor) -> tuple[Tensor, Tensor]:
    """What the generator paints, and the z it drew for that."""
    drawn = list[Tensor]()
    painter.noise.project.register_forward_pre_hook(lambda _, inputs: drawn.append(inputs[0]))
    return painter(images, stream()), drawn[0]


def test_generator_is_what_a_naive_pass_computes() -> None:
    painter = shuffled(Generator((2, 6, 5), GeneratorNet(width=4, blocks=3), Noise(dimensions=7)))
    images = noise(8, 2, 6, 5)
    adapted, z = with_z(painter, images)
    channel = F.relu(normed(z @ painter.noise.project.weight.T, painter.noise.norm)).view(8, 1, 6, 5)
    maps = F.relu(
        F.conv2d(torch.cat([images, channel], 1), painter.stem.weight, painter.stem.bias, padding=1)
    )
    outputs = painter.trunk(images, stream())
    for block, output in zip(painter.blocks, outputs, strict=True):
        inner = F.relu(normed(F.conv2d(maps, block.first.weight, padding=1), block.first_norm))
        maps = maps + normed(F.conv2d(inner, block.second.weight, padding=1), block.second_norm)
        assert torch.allclose(output, maps, atol=1e-5)
        assert output.min() < -0.1  # no ReLU behind the sum
    painted = torch.einsum("oc,nchw->nohw", painter.head.weight[:, :, 0, 0], maps)
    painted = torch.tanh(painted + painter.head.bias[:, None, None])
    assert torch.allclose(adapted, painted, atol=1e-5)


def test_block_that_adds_nothing_hands_its_input_on() -> None:
    block, maps = NormedBlock(3), noise(2, 3, 4, 5)
    nn.init.zeros_(block.second_norm.weight)
    assert torch.equal(block(maps), maps)


def test_running_statistics_move_by_a_tenth() -> None:
    block, maps = NormedBlock(3), noise(2, 3, 4, 5)
    seen = F.conv2d(maps, block.first.weight, padding=1).mean((0, 2, 3))
    block(maps)
    assert torch.allclose(block.first_norm.running_mean, 0.1 * seen, atol=1e-6)  # type: ignore[arg-type]


def test_z_is_uniform_between_minus_1_and_1() -> None:
    painter = Generator((1, 2, 2), GeneratorNet(width=1, blocks=1), Noise())
    z = with_z(painter, noise(2000, 1, 2, 2))[1]
    assert z.shape == (2000, 10)
    assert -1 <= z.min() < -0.999
    assert 0.999 < z.max() <= 1
    assert z.mean().item() == pytest.approx(0, abs=0.02)
    assert z.square().mean().item() == pytest.approx(1 / 3, abs=0.01)


def test_noise_channel_differs_from_draw_to_draw_image_to_image_and_place_to_place() -> None:
    painter, images = Generator((1, 6, 5), GeneratorNet(width=4, blocks=1), Noise()), noise(4, 1, 6, 5)
    one, other, again = (painter.noise(images, random) for random in (stream(), stream(1), stream()))
    assert one.shape == (4, 2, 6, 5)
    assert torch.equal(one[:, :1], images)
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert (one[:, 1].std(0) > 0).all()
    assert (one[:, 1].flatten(1).std(1) > 0).all()


def test_generator_draws_from_its_stream_alone_and_without_noise_nothing() -> None:
    images, before = noise(4, 1, 6, 5), torch.random.get_rng_state()
    for noisy, drew in ((Noise(), True), (None, False)):
        with torch.random.fork_rng(devices=[]):
            painter = Generator((1, 6, 5), GeneratorNet(width=4, blocks=1), noisy)
        random = stream()
        painter(images, random)
        assert torch.equal(random.get_state(), stream().get_state()) != drew
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("verdict", ["image", "patches"])
def test_undisturbed_critic_is_what_a_naive_pass_computes(verdict: Any) -> None:
    critic = shuffled(DeepCritic((2, 13, 9), DeepCriticNet(width=3, verdict=verdict, dropout=0, noise=0)))
    images = noise(4, 2, 13, 9)
    maps = F.leaky_relu(F.conv2d(images, critic.layers[0].weight, critic.layers[0].bias, padding=1), 0.2)
    for layer, norm in zip(critic.layers[1:], critic.norms[1:], strict=True):
        maps = F.leaky_relu(normed(F.conv2d(maps, layer.weight, stride=2, padding=1), norm), 0.2)
    assert torch.allclose(critic.trunk(images, stream()), maps, atol=1e-4)
    places = (maps[:, None] * critic.head.weight).sum(2) + critic.head.bias.view(-1, 1, 1)
    if verdict == "image":
        places = (places - critic.head.bias).sum((2, 3), keepdim=True) + critic.head.bias
    assert torch.allclose(critic(images, stream()), places, atol=1e-4)


@pytest.mark.parametrize("verdict", ["image", "patches"])
def test_verdict_is_that_of_the_undisturbed_critic(verdict: Any) -> None:
    critic = shuffled(DeepCritic((2, 13, 9), DeepCriticNet(width=3, verdict=verdict)))
    images = noise(4, 2, 13, 9)
    calm = DeepCritic((2, 13, 9), DeepCriticNet(width=3, verdict=verdict, dropout=0, noise=0))
    calm.load_state_dict(critic.state_dict())
    said = -calm(images, stream()).mean((1, 2, 3))
    judge = AdaptedVerdict(critic)
    assert torch.equal(judge(images), said)
    assert torch.equal(judge(images), said)
    assert critic.net.noise > 0


def disturbed(net: DeepCriticNet) -> list[tuple[Tensor, Tensor]]:
    """For every layer what it puts out, and what the next one (or the head) gets."""
    critic, clean, seen = DeepCritic((1, 16, 16), net), list[Tensor](), list[Tensor]()
    for norm in critic.norms:
        norm.register_forward_hook(lambda _, __, output: clean.append(F.leaky_relu(output, 0.2)))
    for layer in critic.layers[1:]:
        layer.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    with torch.no_grad():
        seen.append(critic.trunk(noise(64, 1, 16, 16), stream()))
    assert len(clean) == 3
    return list(zip(clean, seen, strict=True))


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_every_layer_of_the_critic_drops_its_share_and_enlarges_the_rest(share: float) -> None:
    for clean, seen in disturbed(DeepCriticNet(width=8, dropout=share, noise=0)):
        dropped = seen == 0
        assert dropped.float().mean().item() == pytest.approx(share, abs=0.01)
        assert torch.allclose(seen[~dropped], clean[~dropped] / (1 - share))
        assert not torch.equal(dropped[0], dropped[1])


def test_every_layer_of_the_critic_gets_gaussian_noise() -> None:
    for clean, seen in disturbed(DeepCriticNet(width=8, dropout=0, noise=0.2)):
        added = seen - clean
        assert added.mean().item() == pytest.approx(0, abs=0.01)
        assert added.std().item() == pytest.approx(0.2, rel=0.02)
        assert (added.abs() < 0.2).float().mean().item() == pytest.approx(0.6827, abs=0.02)
        assert not torch.equal(added[0], added[1])


def test_noise_comes_behind_dropout() -> None:
    critic, images = DeepCritic((1, 4, 4), DeepCriticNet(width=64)), torch.zeros(64, 1, 4, 4)
    nn.init.constant_(critic.layers[0].bias, 9)  # type: ignore[arg-type]
    seen = critic.trunk(images, stream()).detach()
    dropped = seen < 5
    assert dropped.float().mean().item() == pytest.approx(0.1, abs=0.01)
    for values, mean in ((seen[dropped], 0), (seen[~dropped], 10)):
        assert values.mean().item() == pytest.approx(mean, abs=0.02)
        assert values.std().item() == pytest.approx(0.2, rel=0.05)


def test_critic_is_disturbed_by_the_given_stream_alone() -> None:
    critic, images = DeepCritic((1, 8, 8), DeepCriticNet(width=8)), noise(4, 1, 8, 8)
    before, random = torch.random.get_rng_state(), stream()
    first, second = critic(images, random), critic(images, random)
    assert torch.equal(critic(images, stream()), first)
    assert not torch.equal(second, first)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_dropout_next_to_1_drops_next_to_all() -> None:
    for _, seen in disturbed(DeepCriticNet(width=8, dropout=1 - 1e-6, noise=0)):
        assert (seen == 0).float().mean() > 0.99


# ---- what it is taught


def posed(count: int = 6, classes: int = 3) -> tuple[Tensor, Tensor]:
    """Outputs of a task model, and labels, of a task with pose."""
    turns = F.normalize(noise(count, 4, seed=1), dim=1)
    return noise(count, classes + 4), torch.cat([torch.arange(count)[:, None] % classes, turns], 1)


def lesson(outputs: Tensor, labels: Tensor, pose: float) -> Tensor:
    """The loss of three classes and a pose as a lesson puts it together."""
    task = ClassificationAndPose(classes=3)
    return Lesson(pose=pose).loss(task, lambda images: images, outputs, labels)


def pose_loss(outputs: Tensor, labels: Tensor, pose: float) -> float:
    """Cross-entropy + pose · log(1 − |q · q̂|), image by image."""
    total = 0.0
    for output, label in zip(outputs.double(), labels.double(), strict=True):
        guess = output[-4:].tanh()
        cosine = (guess @ label[1:] / guess.norm()).abs()
        total += (
            output[int(label[0])].neg() + output[:-4].exp().sum().log() + pose * (1e-4 + 1 - cosine).log()
        )
    return float(total / len(outputs))


@pytest.mark.parametrize("pose", [0.125, 2.0])
def test_pose_loss_is_the_mean_over_images_and_blind_to_signs(pose: float) -> None:
    outputs, labels = posed()
    expected = pose_loss(outputs, labels, pose)
    assert lesson(outputs, labels, pose).item() == pytest.approx(expected, rel=1e-4)
    assert quaternions(outputs).norm(dim=1).tolist() == pytest.approx([1.0] * 6)
    mirrored, twice = labels * torch.tensor([1.0, -1, -1, -1, -1]), (2, 1)
    assert lesson(outputs, mirrored, pose).item() == pytest.approx(expected, rel=1e-4)
    doubled = lesson(outputs.repeat(twice), labels.repeat(twice), pose)
    assert doubled.item() == pytest.approx(expected, rel=1e-4)


def test_pose_loss_is_bounded_with_a_finite_slope_at_a_perfect_answer() -> None:
    outputs, labels = posed()
    outputs[:, -4:] = torch.atanh(0.9 * labels[:, 1:])
    slope = torch.autograd.grad(lesson(outputs.requires_grad_(), labels, 1.0), outputs)[0]
    angle = lesson(outputs, labels, 1.0) - F.cross_entropy(outputs[:, :3], labels[:, 0].long())
    assert angle.item() == pytest.approx(-9.2103, abs=0.01)
    assert slope.isfinite().all()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        *(("critic_weight", 0.0), ("adversarial_weight", float("inf")), ("content_strength", -1.0)),
        *(("content_strength", float("nan")), ("spread", 0.0), ("guidance", GGDR(block=2))),
        *(("noise.dimensions", 0), ("generator.width", 0), ("generator.blocks", 0), ("critic.width", 0)),
        *(("critic.dropout", 1.0), ("critic.noise", -0.1), ("critic.verdict", "pixels"), ("tower.hidden", 0)),
        *(("adapted_lesson.weight", 0.0), ("source_lesson.pose", float("nan"))),
    ],
)
def test_refuses_what_makes_no_sense_in_one_line(path: str, value: object) -> None:
    with pytest.raises(UserMistake, match=r"^[^\n]* allowed: [^\n]*$") as mistake:
        change(RECIPES["pixelda"].at("smoke"), {path: value})
    assert path.split(".")[0].split("_")[-1] in str(mistake.value)
