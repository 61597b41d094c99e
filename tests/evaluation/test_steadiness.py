"""Whether the bench sees that an answer depends on more than its image, and lets sound answers pass."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.evaluation.downstream.task_net import predict
from benchmarks.evaluation.promises import BrokenPromise
from benchmarks.evaluation.steadiness import Steady, steady_adapter, steady_predictor
from datasets.catalogue import load_pair
from methods.contract import frozen
from methods.seeding import initialising

TARGET = load_pair("shapes").target[:32]
MATES, TWICE, LEARNS = "looks at an image's batch-mates", "two answers", "has changed while it was scored"


class Net(nn.Module):
    """Convolution, batch normalisation and dropout, with statistics that have seen other images."""

    def __init__(self, drop: float = 0.0, norm: bool = True) -> None:
        super().__init__()
        with initialising(0, "net"):
            self.maps = nn.Conv2d(1, 8, 3)
            self.answer = nn.Linear(8, 3)
        self.norm = nn.BatchNorm2d(8) if norm else nn.Identity()
        self.drop = nn.Dropout(drop)
        self.norm(self.maps(torch.rand(64, 1, 12, 12, generator=torch.Generator().manual_seed(0))))

    def forward(self, images: Tensor) -> Tensor:
        return self.answer(self.drop(F.relu(self.norm(self.maps(images))).mean((2, 3))))


def tent(rate: float) -> Callable[[Tensor], Tensor]:
    """Return a task model that lowers the entropy of its answers by a step of Adam at every call (Tent, ICLR 2021)."""
    net = frozen(Net())
    weights = [net.norm.weight.requires_grad_(True), net.norm.bias.requires_grad_(True)]
    adam = torch.optim.Adam(weights, rate)

    def ask(images: Tensor) -> Tensor:
        with torch.inference_mode(False), torch.enable_grad():
            outputs = net(images.clone())
            said = outputs.softmax(1)
            adam.zero_grad()
            (-(said * said.log()).sum(1).mean()).backward()
            adam.step()
        return outputs.detach()

    return ask


def counting() -> Callable[[Tensor], Tensor]:
    """Return a sound task model that gives other answers from its fourth batch on."""
    net, calls = frozen(Net()), []

    def ask(images: Tensor) -> Tensor:
        calls.append(len(images))
        return net(images) + (len(calls) > 3)

    return ask


def question(model: Callable[[Tensor], Tensor]) -> Steady:
    return steady_predictor(model, TARGET, 3)


@pytest.mark.parametrize(
    ("model", "fault"),
    [
        (Net(), MATES),
        (Net(drop=0.3, norm=False), TWICE),
        (lambda images: frozen(Net())(images - images.mean()), MATES),
        (lambda images: frozen(Net())(images).softmax(0), MATES),
        (tent(1e-3), TWICE),
    ],
    ids=["batch norm in training mode", "dropout", "mean of the batch", "softmax over the batch", "learns"],
)
def test_a_wrong_predictor_is_seen(model: Callable[[Tensor], Tensor], fault: str) -> None:
    with pytest.raises(BrokenPromise, match=fault):
        question(model)


def test_a_predictor_that_changes_later_is_seen() -> None:
    asked = question(counting())
    with pytest.raises(BrokenPromise, match=LEARNS):
        asked.check()


def bfloat16(images: Tensor) -> Tensor:
    with torch.autocast("cpu", torch.bfloat16):
        return frozen(Net())(images)


@pytest.mark.parametrize(
    "model",
    [frozen(Net(drop=0.3)), bfloat16, lambda images: 1e6 * frozen(Net())(images)],
    ids=["float32", "bfloat16", "large"],
)
def test_a_sound_predictor_passes_whatever_is_asked_between(model: Callable[[Tensor], Tensor]) -> None:
    asked = question(model)
    predict(model, load_pair("shapes").test.images)
    asked.check()


def test_rounding_in_batches_of_other_sizes_is_within_the_tolerance() -> None:
    def ask(images: Tensor) -> Tensor:
        parts = images.split(len(calls) + 3)
        calls.append(len(images))
        return torch.cat([predict(net, part) for part in parts])

    net, calls = frozen(Net()), list[int]()
    Steady("predictor", ask, TARGET).check()


class Paint:
    """An adapter from a function."""

    def __init__(self, paint: Callable[[Tensor, torch.Generator], Tensor]) -> None:
        self.paint = paint

    def __call__(self, source: Tensor, generator: torch.Generator) -> Tensor:
        return self.paint(source, generator)

    def state_dict(self) -> dict[str, Tensor]:
        return {}


def noisy(source: Tensor, random: torch.Generator) -> Tensor:
    return source + torch.rand(source.shape, generator=random)


@pytest.mark.parametrize(
    ("paint", "fault"),
    [
        (lambda source, random: source - source.mean(), MATES),
        (lambda source, random: source.flip(0), MATES),
        (lambda source, random: F.batch_norm(source, None, None, training=True), MATES),
        (lambda source, random: 0.9 * source + 0.1 * source.roll(1, 0), MATES),
        (lambda source, random: source + torch.rand(source.shape), TWICE),
    ],
    ids=["mean of the batch", "order", "batch norm", "neighbours", "other noise"],
)
def test_a_wrong_adapter_is_seen(paint: Callable[[Tensor, torch.Generator], Tensor], fault: str) -> None:
    with pytest.raises(BrokenPromise, match=fault):
        steady_adapter(Paint(paint), TARGET, 0)


@pytest.mark.parametrize(
    "paint",
    [noisy, lambda source, random: F.instance_norm(source), lambda source, random: source],
    ids=["noise of its generator", "instance norm", "identity"],
)
def test_a_sound_adapter_passes(paint: Callable[[Tensor, torch.Generator], Tensor]) -> None:
    steady_adapter(Paint(paint), TARGET, 0).check()


def test_other_outputs_than_the_tasks_are_seen() -> None:
    with pytest.raises(BrokenPromise, match="the predictor has 3 outputs; allowed: 10"):
        steady_predictor(frozen(Net()), TARGET, 10)
