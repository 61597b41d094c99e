"""Whether an answer depends on its image alone: not on its batch-mates, on images seen before, or on chance.

A task model left in training mode normalises an image by its batch-mates, and one that adapts while it answers learns from
test images. Both would be scored on more than they may know.
"""

from collections.abc import Callable

from torch import Tensor

from benchmarks.evaluation.downstream.task_net import predict
from benchmarks.evaluation.evaluator import Evaluator, fixed_subset
from benchmarks.evaluation.promises import BrokenPromise, paint
from datasets.contract import to_unit
from methods.contract import Adapter, Predictor
from methods.seeding import generator

ASKED_IMAGES = 32
TOLERANCE = 1e-4  # of the largest answer; batches of one size round alike, float32 to less than 1e-6


class Steady:
    """Asks about a few images at once, now and again whenever :meth:`check` is called.

    ``ask`` maps uint8 images to answers, one for each image, and starts from the same random state at every call. Making
    this raises :class:`~benchmarks.evaluation.promises.BrokenPromise` if the same batch gets other answers at once, or
    if every second image gets another answer among other batch-mates, the negatives of their neighbours.
    """

    def __init__(self, name: str, ask: Callable[[Tensor], Tensor], images: Tensor) -> None:
        self.name, self.ask, self.images = name, ask, images
        self.first = ask(images)
        self._compare(
            ask(images),
            self.first,
            "gives one batch two answers: it is random beyond its generator, or learns",
        )
        others = images.clone()
        others[1::2] = 255 - images.roll(1, 0)[1::2]
        self._compare(ask(others)[::2], self.first[::2], "looks at an image's batch-mates")

    def check(self) -> None:
        """Raise :class:`~benchmarks.evaluation.promises.BrokenPromise` if the answers are no longer those of before."""
        self._compare(
            self.ask(self.images),
            self.first,
            "has changed while it was scored: it learns from images it is shown",
        )

    def _compare(self, now: Tensor, then: Tensor, fault: str) -> None:
        change, most = (now - then).abs().max().item(), TOLERANCE * max(1.0, then.abs().max().item())
        if not change <= most:
            raise BrokenPromise(
                f"the {self.name} {fault} (an answer differs by {change:.2g}); "
                f"allowed: answers that depend on their image alone, up to {most:.2g}. Is it in evaluation mode?"
            )


def steady(
    evaluator: Evaluator, adapter: Adapter | None, predictor: Predictor | None, seed: int
) -> list[Steady]:
    """Ask an adapter about source images and a predictor about training images of the target; raises as :class:`Steady`."""
    found = []
    if adapter is not None:
        found.append(steady_adapter(adapter, _some(evaluator.source.images), seed))
    if predictor is not None:
        found.append(steady_predictor(predictor, _some(evaluator.pair.target), evaluator.pair.task.outputs))
    return found


def steady_adapter(adapter: Adapter, images: Tensor, seed: int) -> Steady:
    """Ask an adapter about source images (uint8), with the same draws of noise at every call."""

    def ask(images: Tensor) -> Tensor:
        return paint(adapter, to_unit(images), generator(seed, "steadiness", images.device))

    return Steady("adapter", ask, images)


def steady_predictor(predictor: Predictor, images: Tensor, outputs: int) -> Steady:
    """Ask a task model with this number of outputs about target images (uint8)."""

    def ask(images: Tensor) -> Tensor:
        answers = predict(predictor, images)
        if answers.shape[1] != outputs:
            raise BrokenPromise(
                f"the predictor has {answers.shape[1]} outputs; allowed: {outputs}, the task's."
            )
        return answers

    return Steady("predictor", ask, images)


def _some(images: Tensor) -> Tensor:
    return images[fixed_subset(len(images), ASKED_IMAGES).to(images.device)]
