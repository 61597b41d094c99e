"""Scores a frozen adapter on a pair of domains. Holds no method, so it cannot reach inside one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import torch
from torch import Tensor

from benchmarks.scores.diversity import diversity
from benchmarks.scores.extractors import Extractor
from benchmarks.scores.frechet import frechet_distance
from benchmarks.scores.kernel import kernel_distance
from benchmarks.scores.task_model import TaskNet, TaskTraining, error, predict, task_scores
from datasets.contract import DomainPair, Labelled, to_bytes, to_unit
from methods.contract import Adapter, Predictor
from methods.seeding import generator

COLLAPSE = 0.02
OF_EXAMPLES, OF_ADAPTED = ("fid", "kid"), ("label_error", "refinement", "diversity")
ROUNDS, LEAST = 4, 4000


@dataclass(frozen=True, kw_only=True, eq=False)
class Scores:
    """Values by score name; a value that does not exist is ``None``, with its reason in ``blanks``.

    ``adapted`` is the source as the adapter paints it (uint8), where there is an adapter.
    """

    values: dict[str, float | None] = field(default_factory=dict)
    blanks: dict[str, str] = field(default_factory=dict)
    adapted: Tensor | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Evaluator:
    """The scores of one pair: everything that does not depend on the adapter is computed once and kept.

    ``judge`` reads labels as the source shows them; its seed is fixed, so it is the same for every row and run.
    """

    pair: DomainPair
    extractor: Extractor
    training: TaskTraining

    @cached_property
    def source(self) -> Labelled:
        """The source images that are adapted: all, or so many that the task training draws each ``ROUNDS`` times.

        They are never fewer than ``LEAST``, and the same for every row and run.
        """
        most = max(LEAST, self.training.steps * self.training.batch // ROUNDS)
        source = self.pair.source
        if len(source) <= most:
            return source
        return source.pick(_order(len(source), most).to(source.images.device))

    @property
    def images(self) -> int:
        """How many images of either domain FID and KID compare: the smallest set's size."""
        return min(len(self.source), len(self.pair.target), len(self.pair.test))

    @property
    def protocol(self) -> Mapping[str, str | int]:
        """Say what the scores were taken with and on."""
        protocol: dict[str, str | int] = {
            "extractor": self.extractor.title,
            "images": self.images,
            "data": self.pair.fingerprint,
            "source": len(self.pair.source),
            "target": len(self.pair.target),
            "test": len(self.pair.test),
        }
        if self.source is not self.pair.source:
            protocol["adapted"] = len(self.source)
        if self.pair.identity:
            protocol["identity"] = self.pair.identity
        return protocol

    @cached_property
    def judge(self) -> TaskNet:
        """The task model trained on the source as it is."""
        return self.training.fit(self.source, self.pair.task, seed=0)

    @cached_property
    def _reference(self) -> Tensor:
        return self.extractor(self._sample(self.pair.test.images))

    def score(
        self,
        adapter: Adapter | None,
        predictor: Predictor | None,
        trains_on: Literal["source", "target"],
        seed: int,
    ) -> Scores:
        """Return every score.

        ``trains_on="target"`` is the upper bound: the labelled target stands where adapted source would, and its
        FID and KID are those of real against real, the floor.
        """
        own = {} if predictor is None else self._of_model(predictor)
        values = {f"own_{name}": value for name, value in own.items() if name in ("error", "angle")}
        if trains_on == "target":
            values |= self._realism(self.pair.target)
            blanks = dict.fromkeys(OF_ADAPTED, "no image is adapted")
            if self.pair.oracle is None:
                blanks |= dict.fromkeys(self.pair.task.scores, "the target's training images have no labels")
            else:
                values |= self._usefulness(self.pair.oracle, seed)
            return _with_blanks(values, blanks)
        if adapter is None:
            reason = "the method adapts no image; its target error is its own task model's"
            return _with_blanks(values | own, dict.fromkeys((*OF_EXAMPLES, *OF_ADAPTED), reason))
        examples = adapted(adapter, self.source, seed)
        values |= self._realism(examples.images) | self._usefulness(examples, seed)
        judged = predict(self.judge, examples.images)[:, : self.pair.task.classes]
        values["label_error"] = error(judged, self.pair.task.classes_of(examples.labels))
        values["refinement"] = refinement(self.source.images, examples.images)
        values["diversity"] = diversity(adapter, self.source.images, seed)
        return Scores(values={**values}, adapted=examples.images)

    def _realism(self, images: Tensor) -> dict[str, float]:
        features = self.extractor(self._sample(images))
        return {
            "fid": frechet_distance(features, self._reference),
            "kid": kernel_distance(features, self._reference),
        }

    def _usefulness(self, examples: Labelled, seed: int) -> dict[str, float]:
        """Train a task model on the examples, and on labelled target images where the pair has some; score it."""
        return self._of_model(self.training.fit(examples, self.pair.task, seed, self.pair.labelled))

    def _of_model(self, model: Predictor) -> dict[str, float]:
        """Score a task model on the test images, and apart on those of classes that adaptation never saw."""
        test, task = self.pair.test, self.pair.task
        outputs = predict(model, test.images)
        scores = task_scores(outputs, test.labels, task)
        if self.pair.seen is not None:
            seen = torch.tensor(self.pair.seen, device=outputs.device)
            unseen = torch.isin(task.classes_of(test.labels), seen, invert=True)
            scores["unseen_error"] = task_scores(outputs[unseen], test.labels[unseen], task)["error"]
        return scores

    def _sample(self, images: Tensor) -> Tensor:
        """Return the same ``images`` images of a split for every row and run."""
        return images[_order(len(images), self.images).to(images.device)]


def _order(count: int, most: int) -> Tensor:
    return torch.randperm(count, generator=torch.Generator().manual_seed(0))[:most]


def _with_blanks(values: Mapping[str, float], blanks: dict[str, str]) -> Scores:
    return Scores(values={**values, **dict.fromkeys(blanks)}, blanks=blanks)


@torch.inference_mode()
def adapted(adapter: Adapter, source: Labelled, seed: int, batch: int = 256) -> Labelled:
    """Return the source examples as the adapter paints them, quantised to uint8."""
    random = generator(seed, "adapter", source.images.device)
    images = torch.cat([to_bytes(adapter(to_unit(part), random)) for part in source.images.split(batch)])
    return Labelled(images=images, labels=source.labels, masks=source.masks)


def refinement(source: Tensor, adapted: Tensor) -> float:
    """Return the mean absolute change of a pixel between uint8 images, on the scale of [−1, 1]: 0 … 2."""
    return (to_unit(adapted) - to_unit(source)).abs().double().mean().item()


def collapse_flags(values: Mapping[str, float | None], trained: bool) -> tuple[str, ...]:
    """Flag a trained adapter that changes pixels by less than ``COLLAPSE`` (a hundredth of the range) on average."""
    change = values.get("refinement")
    return ("identity collapse",) if trained and change is not None and change < COLLAPSE else ()
