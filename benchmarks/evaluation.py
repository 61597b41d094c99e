"""Scores a frozen adapter on a pair of domains. Holds no method, so it cannot reach inside one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import torch
from torch import Tensor

from benchmarks.scores.extractors import Extractor
from benchmarks.scores.frechet import frechet_distance
from benchmarks.scores.kernel import kernel_distance
from benchmarks.scores.task_model import TaskNet, TaskTraining, error, predict
from datasets.contract import DomainPair, Labelled, to_bytes, to_unit
from methods.contract import Adapter, Predictor
from methods.seeding import generator

COLLAPSE = 0.02
OF_EXAMPLES, OF_ADAPTED = ("fid", "kid", "error"), ("label_error", "refinement")


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

    @property
    def images(self) -> int:
        """How many images of either domain FID and KID compare: the smallest split's size."""
        return min(len(self.pair.source), len(self.pair.target), len(self.pair.test))

    @property
    def protocol(self) -> Mapping[str, str | int]:
        """Say what the scores were taken with and on."""
        return {
            "extractor": self.extractor.title,
            "images": self.images,
            "data": self.pair.fingerprint,
            "source": len(self.pair.source),
            "target": len(self.pair.target),
            "test": len(self.pair.test),
        }

    @cached_property
    def judge(self) -> TaskNet:
        """The task model trained on the source as it is."""
        return self.training.fit(self.pair.source, self.pair.task, seed=0)

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
        values = {} if predictor is None else {"own_error": self._own_error(predictor)}
        if trains_on == "target":
            values |= self._realism_and_error(self.pair.oracle, seed)
            return _with_blanks(values, "no image is adapted", *OF_ADAPTED)
        if adapter is None:
            return _with_blanks(values, "the method adapts no image", *OF_EXAMPLES, *OF_ADAPTED)
        examples = adapted(adapter, self.pair.source, seed)
        values |= self._realism_and_error(examples, seed)
        values["label_error"] = error(predict(self.judge, examples.images), examples.labels)
        values["refinement"] = refinement(self.pair.source.images, examples.images)
        return Scores(values={**values}, adapted=examples.images)

    def _own_error(self, predictor: Predictor) -> float:
        test = self.pair.test
        with torch.inference_mode():
            outputs = torch.cat([predictor(to_unit(part)) for part in test.images.split(512)])
        return error(outputs, test.labels)

    def _realism_and_error(self, examples: Labelled, seed: int) -> dict[str, float]:
        features = self.extractor(self._sample(examples.images))
        model = self.training.fit(examples, self.pair.task, seed)
        return {
            "fid": frechet_distance(features, self._reference),
            "kid": kernel_distance(features, self._reference),
            "error": error(predict(model, self.pair.test.images), self.pair.test.labels),
        }

    def _sample(self, images: Tensor) -> Tensor:
        """Return the same ``images`` images of a split for every row and run."""
        order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
        return images[order[: self.images].to(images.device)]


def _with_blanks(values: Mapping[str, float], reason: str, *names: str) -> Scores:
    return Scores(values={**values, **dict.fromkeys(names)}, blanks=dict.fromkeys(names, reason))


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
