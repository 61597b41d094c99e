"""What every run checks of a method: the form of its answers, and the data that it leaves as they are."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from benchmarks.evaluation.downstream.task_net import predict
from benchmarks.evaluation.evaluator import adapted, draws
from benchmarks.evaluation.promises import SUMMED_BYTES, BrokenPromise, DataChanged, Diverged, Unchanged
from datasets.catalogue import load_pair
from methods.bounds import Identity

SOURCE = load_pair("shapes").source


class Spoilt(Identity):
    """Does something to the images that it paints."""

    def __init__(self, spoil: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.spoil = spoil

    def forward(self, source: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return self.spoil(source)


def fifth(value: float) -> Callable[[Tensor], Tensor]:
    """Put a value into every fifth image."""

    def spoil(images: Tensor) -> Tensor:
        spoilt = images.clone()
        spoilt[::5, 0, 3, 3] = value
        return spoilt

    return spoil


@pytest.mark.parametrize(
    ("spoil", "kind", "said"),
    [
        (fifth(math.nan), Diverged, "the adapter paints values that are not finite"),
        (fifth(-math.inf), Diverged, "the adapter paints values that are not finite"),
        (lambda images: images[..., 1:], BrokenPromise, r"float32 of shape \(\d+, 1, 12, 11\); allowed: "),
        (lambda images: images[1:], BrokenPromise, "; allowed: "),
        (lambda images: images.expand(-1, 3, -1, -1), BrokenPromise, "; allowed: "),
        (Tensor.bfloat16, BrokenPromise, "the adapter paints bfloat16 of shape"),
        (Tensor.double, BrokenPromise, "the adapter paints float64 of shape"),
    ],
)
def test_what_is_no_image_is_not_taken_for_one(
    spoil: Callable[[Tensor], Tensor], kind: type[Exception], said: str
) -> None:
    for paint in (lambda: adapted(Spoilt(spoil), SOURCE, 0), lambda: draws(Spoilt(spoil), SOURCE.images, 0)):
        with pytest.raises(kind, match=said):
            paint()


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        (lambda images: torch.full((len(images), 3), math.nan), Diverged),
        (lambda images: torch.zeros(len(images), 3).index_fill(0, torch.tensor([0]), math.inf), Diverged),
        (lambda images: torch.zeros(len(images)), BrokenPromise),
        (lambda images: torch.zeros(1, 3), BrokenPromise),
        (lambda images: torch.zeros(len(images), 3, dtype=torch.int64), BrokenPromise),
    ],
)
def test_what_is_no_answer_is_not_taken_for_one(
    model: Callable[[Tensor], Tensor], kind: type[Exception]
) -> None:
    with pytest.raises(kind):
        predict(model, SOURCE.images)


# ---- data


def by_numpy(images: Tensor) -> None:
    images.numpy()[-1, 0, 5, 2] ^= 1


WRITES: dict[str, Callable[[Tensor], object]] = {
    "in place": lambda images: images.bitwise_not_(),
    "one pixel": lambda images: images[7, 0, 1].add_(1),
    "data": lambda images: images.data.zero_(),
    "numpy": by_numpy,
    "other order": lambda images: images.copy_(images.flip(0)),
    "other columns": lambda images: images.copy_(images.flip(3)),
    "without a trace in the version": lambda images: images.detach().set_(images).add_(3),
}


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("side", [3, 12])
def test_writing_is_seen_however_it_is_done(write: str, side: int) -> None:
    random = torch.Generator().manual_seed(0)
    images = torch.randint(256, (9, 1, 12, side), generator=random, dtype=torch.uint8)
    unchanged = Unchanged({"images": images, "labels": torch.arange(9)})
    unchanged.check()
    WRITES[write](images)
    with pytest.raises(DataChanged, match=r"own data \(images\)"):
        unchanged.check()


@pytest.mark.parametrize("kind", [torch.bool, torch.uint8, torch.int64, torch.float32])
def test_data_of_every_kind_and_size_are_known_again(kind: torch.dtype) -> None:
    for size in (1, 13, SUMMED_BYTES + 5):
        tensor = torch.zeros(size, 1, dtype=kind)
        unchanged = Unchanged({"it": tensor})
        unchanged.check()
        tensor[-1] = 1
        with pytest.raises(DataChanged):
            unchanged.check()
