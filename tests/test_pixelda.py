"""PixelDA's networks and losses, and the two halves of its step, against naive computations."""

from collections.abc import Iterator

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from methods.parts.adversary import passing_loss, real_or_adapted_loss
from methods.parts.history import History
from methods.parts.tasks import classification_and_pose, quaternions
from methods.seeding import generator

CALM = {"critic.dropout": 0.0, "critic.noise": 0.0}
HISTORY = {"history": History(batches=2)}


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=generator(seed, "test"))


def stream(seed: int = 0) -> torch.Generator:
    return generator(seed, "stream")


@pytest.fixture(autouse=True)
def _seeded() -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


# ---- losses


def test_adversarial_losses_are_means_of_logarithms() -> None:
    adapted, real = noise(5, 1, 3, 4), noise(4, 1, 3, 4, seed=1)
    judged, true = torch.sigmoid(adapted.double()), torch.sigmoid(real.double())
    expected = -true.log().mean() - (1 - judged).log().mean()
    assert real_or_adapted_loss(adapted, real).item() == pytest.approx(expected.item(), rel=1e-5)
    assert passing_loss(adapted).item() == pytest.approx(-judged.log().mean().item(), rel=1e-5)


def test_logits_are_those_of_being_real() -> None:
    yes, no = torch.full((3, 1, 2, 2), 60.0), torch.full((3, 1, 2, 2), -60.0)
    assert real_or_adapted_loss(no, yes).item() == pytest.approx(0, abs=1e-6)
    assert real_or_adapted_loss(yes, no).item() == pytest.approx(120)
    assert passing_loss(no).item() == pytest.approx(60)
    assert passing_loss(yes).item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("enlarge", [(2, 1, 1, 1), (1, 1, 2, 3)])
def test_adversarial_losses_do_not_grow(enlarge: tuple[int, ...]) -> None:
    adapted, real = noise(4, 1, 2, 2), noise(4, 1, 2, 2, seed=1)
    larger = real_or_adapted_loss(adapted.repeat(enlarge), real.repeat(enlarge))
    assert torch.allclose(larger, real_or_adapted_loss(adapted, real))
    assert torch.allclose(passing_loss(adapted.repeat(enlarge)), passing_loss(adapted))


def posed(count: int = 6, classes: int = 3) -> tuple[Tensor, Tensor]:
    """Outputs of a task model, and labels, of a task with pose."""
    turns = F.normalize(noise(count, 4, seed=1), dim=1)
    return noise(count, classes + 4), torch.cat([torch.arange(count)[:, None] % classes, turns], 1)


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
    assert classification_and_pose(outputs, labels, pose).item() == pytest.approx(expected, rel=1e-4)
    assert quaternions(outputs).norm(dim=1).tolist() == pytest.approx([1.0] * 6)
    mirrored, twice = labels * torch.tensor([1.0, -1, -1, -1, -1]), (2, 1)
    assert classification_and_pose(outputs, mirrored, pose).item() == pytest.approx(expected, rel=1e-4)
    doubled = classification_and_pose(outputs.repeat(twice), labels.repeat(twice), pose)
    assert doubled.item() == pytest.approx(expected, rel=1e-4)


def test_pose_loss_is_bounded_with_a_finite_slope_at_a_perfect_answer() -> None:
    outputs, labels = posed()
    outputs[:, -4:] = torch.atanh(0.9 * labels[:, 1:])
    slope = torch.autograd.grad(classification_and_pose(outputs.requires_grad_(), labels, 1.0), outputs)[0]
    angle = classification_and_pose(outputs, labels, 1.0) - F.cross_entropy(
        outputs[:, :3], labels[:, 0].long()
    )
    assert angle.item() == pytest.approx(-9.2103, abs=0.01)
    assert slope.isfinite().all()
