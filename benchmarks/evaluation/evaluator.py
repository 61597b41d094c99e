"""Scores a frozen adapter on a pair of domains. Holds no method, so it cannot reach inside one."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import torch
from torch import Tensor

from benchmarks.evaluation.downstream.task_net import TaskNet, TaskTraining, predict
from benchmarks.evaluation.features.cache import cached
from benchmarks.evaluation.features.extractors import Extractor
from benchmarks.records.selection import CRITERIA
from benchmarks.scores.diversity import DRAWS, IMAGES, Distance, between_draws, between_images, pixel_distance
from benchmarks.scores.realism import intervals, realism
from datasets.contract import DomainPair, Labelled, to_bytes, to_unit
from datasets.sealing import closed
from methods.contract import Adapter, Predictor
from methods.seeding import generator
from mistakes import UserMistake

OF_ADAPTED = ("label_error", "refinement", "diversity", "lpips_diversity")
OF_IMAGES = (
    *("fid", "fid_limit", "kid", "mind", "precision", "recall", "density", "coverage"),
    *("spread", "lpips_spread"),
)
PASSES, MIN_ADAPTED = 4, 4000
COLLAPSE, MAX_HELD_OUT = 0.02, 1000
NO_LPIPS = "no SqueezeNet weights were found"


@dataclass(frozen=True, kw_only=True, eq=False)
class Scores:
    """Values by score name; a value that does not exist is ``None``, with its reason in ``blanks``.

    ``intervals`` are over images. ``adapted`` is the source as the adapter paints it (uint8), where there is an adapter.
    ``model`` is the row's task model: the method's own where it has one, else the one trained on adapted source; ``None``
    only for an upper bound without target labels.
    """

    values: dict[str, float | None] = field(default_factory=dict)
    blanks: dict[str, str] = field(default_factory=dict)
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    adapted: Tensor | None = None
    model: Predictor | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Evaluator:
    """The scores of one pair: everything that does not depend on the adapter is computed once and kept.

    ``validation`` are source examples that neither methods nor task models learn from: :func:`hold_out` took them out of
    the pair whose fingerprint is ``data``. ``judge`` reads labels as the
    source shows them; its seed is fixed, so it is the same for every row and run. Without ``perceptual``, the distance
    LPIPS, the scores that take it are blank.

    Raises :class:`~mistakes.UserMistake` for a task whose score has the name of one of the suite's.
    """

    pair: DomainPair
    validation: Labelled
    data: str
    extractor: Extractor
    training: TaskTraining
    perceptual: Distance | None = None

    def __post_init__(self) -> None:
        taken = {"step", *OF_ADAPTED, *OF_IMAGES, *CRITERIA}
        if twice := [name for name in self._measures if name in taken]:
            raise UserMistake(
                f"pair {self.pair.name!r}: its task has a score {twice[0]!r}, as the suite has; allowed: another name."
            )

    @cached_property
    def source(self) -> Labelled:
        """The source images that are adapted: all, or so many that the task training draws each ``PASSES`` times.

        They are never fewer than ``MIN_ADAPTED``, and the same for every row and run.
        """
        most = max(MIN_ADAPTED, self.training.steps * self.training.batch // PASSES)
        source = self.pair.source
        if len(source) <= most:
            return source
        return source.pick(shuffled(len(source), most).to(source.images.device))

    @property
    def images(self) -> int:
        """How many images of either domain FID and its kin compare: the smallest set's size."""
        return min(len(self.source), len(self.pair.target), len(self.pair.test))

    @property
    def protocol(self) -> Mapping[str, str | int]:
        """Say what the scores were taken with and on."""
        protocol: dict[str, str | int] = {
            "extractor": self.extractor.title,
            "images": self.images,
            "data": self.data,
            "source": len(self.pair.source),
            "validation": len(self.validation),
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
    def floor(self) -> Mapping[str, float]:
        """The realism of one random half of the real test images against the other; ``images`` is a half's size."""
        half = len(self._reference) // 2
        return {"images": half, **realism(self._reference[:half], self._reference[half : 2 * half])}

    @property
    def _measures(self) -> tuple[str, ...]:
        return tuple(measure.name for measure in self.pair.task.measures)

    @property
    def _unseen(self) -> str:
        return f"unseen_{self.pair.task.headline}"

    @cached_property
    def _reference(self) -> Tensor:
        return self._features_of("test", self.pair.test.images)

    def score(
        self,
        adapter: Adapter | None,
        predictor: Predictor | None,
        trains_on: Literal["source", "target"],
        seed: int,
    ) -> Scores:
        """Return every score.

        ``trains_on="target"`` is the upper bound: the labelled target stands where adapted source would, and its
        realism is that of real against real, the floor.
        """
        own = {} if predictor is None else self._of_model(predictor)
        values = {f"own_{name}": own[name] for name in self._measures if name in own}
        if trains_on == "target":
            return self._of_target(seed)
        if adapter is None:
            assert predictor is not None, "a method without adapter has a task model of its own"
            headline = self.pair.task.measures[0].words
            reason = f"the method adapts no image; its target {headline} is its own task model's"
            blanks = dict.fromkeys((*OF_IMAGES, *OF_ADAPTED), reason)
            return self._whole(Scores(values={**values, **own}, model=predictor), blanks)
        examples = adapted(adapter, self.source, seed)
        features = self.extractor(self._sample(examples.images))
        model = self.trained_on(examples, seed)
        values |= self._of_model(model) | self._of_images(examples.images, features)
        values |= self._of_adapter(adapter, examples, seed)
        scores = Scores(values={**values}, model=predictor or model, adapted=examples.images)
        return self._whole(scores, {}, features)

    def _of_target(self, seed: int) -> Scores:
        """Return the scores of real target images in place of adapted ones; without labels they teach no task model."""
        features = self._features_of("target", self.pair.target)
        values = self._of_images(self.pair.target, features)
        blanks = dict.fromkeys(OF_ADAPTED, "no image is adapted")
        if self.pair.oracle is None:
            names = (*self._measures, *([self._unseen] if self.pair.seen is not None else []))
            blanks |= dict.fromkeys(names, "the target's training images have no labels")
            return self._whole(Scores(values={**values}), blanks, features)
        model = self.trained_on(self.pair.oracle, seed)
        return self._whole(Scores(values={**values, **self._of_model(model)}, model=model), blanks, features)

    def trained_on(self, examples: Labelled, seed: int) -> TaskNet:
        """Train a task model on the examples, and on labelled target images where the pair has some."""
        return self.training.fit(examples, self.pair.task, seed, self.pair.labelled)

    def _of_adapter(self, adapter: Adapter, examples: Labelled, seed: int) -> dict[str, float]:
        """Return what an adapter did to the source: to labels and pixels, and how its draws differ."""
        task = self.pair.task
        judged = task.scores(predict(self.judge, examples.images), examples.labels)
        drawn = draws(
            adapter,
            self.source.images[shuffled(len(self.source), IMAGES).to(self.source.images.device)],
            seed,
        )
        values = {
            "label_error": judged[task.headline],
            "refinement": pixel_distance(self.source.images, examples.images).mean().item(),
            "diversity": between_draws(drawn, pixel_distance),
        }
        if self.perceptual:
            values["lpips_diversity"] = between_draws(drawn, self.perceptual)
        return values

    def _of_images(self, images: Tensor, features: Tensor) -> dict[str, float]:
        """Return the scores of a set of images: how real they are, and how different from each other."""
        values = {
            **realism(features, self._reference),
            "spread": between_images(images, pixel_distance),
        }
        if self.perceptual:
            values["lpips_spread"] = between_images(images, self.perceptual)
        return values

    def _of_model(self, model: Predictor) -> dict[str, float]:
        """Score a task model on the test images, and apart on those of classes that adaptation never saw."""
        test, task = self.pair.test, self.pair.task
        outputs = predict(model, test.images)
        scores = task.scores(outputs, test.labels)
        if self.pair.seen is not None:
            seen = torch.tensor(self.pair.seen, device=outputs.device)
            unseen = torch.isin(task.classes_of(test.labels), seen, invert=True)
            if unseen.any():
                scores[self._unseen] = task.scores(outputs[unseen], test.labels[unseen])[task.headline]
        return scores

    def _whole(self, scores: Scores, blanks: Mapping[str, str], features: Tensor | None = None) -> Scores:
        """Return the scores with a reason for each that is not there, and the intervals that features have."""
        missing = {} if self.perceptual else dict.fromkeys(("lpips_diversity", "lpips_spread"), NO_LPIPS)
        blanks = {**blanks, **{name: reason for name, reason in missing.items() if name not in blanks}}
        return replace(
            scores,
            values={**scores.values, **dict.fromkeys(blanks)},
            blanks=blanks,
            intervals={} if features is None else intervals(features, self._reference),
        )

    def _features_of(self, split: str, images: Tensor) -> Tensor:
        """Return the features of real images, which are the same for every run on this pair."""
        key: dict[str, str | int] = {
            "data": self.data,
            "split": split,
            "extractor": self.extractor.title,
            "weights": self.extractor.weights,
            "images": self.images,
        }
        return cached(key, lambda: self.extractor(self._sample(images)), images.device)

    def _sample(self, images: Tensor) -> Tensor:
        """Return the same ``images`` images of a split for every row and run."""
        return images[shuffled(len(images), self.images).to(images.device)]


def hold_out(pair: DomainPair) -> tuple[DomainPair, Labelled]:
    """Return the pair without a tenth of its source, ``MAX_HELD_OUT`` images at most, and these for validation."""
    count = len(pair.source)
    held = torch.zeros(count, dtype=torch.bool)
    held[shuffled(count, max(1, min(count // 10, MAX_HELD_OUT)))] = True
    return replace(pair, source=pair.source.pick(~held)), pair.source.pick(held)


def shuffled(count: int, most: int) -> Tensor:
    """Return at most so many of the places 0 … count − 1, the same at every call."""
    return torch.randperm(count, generator=torch.Generator().manual_seed(0))[:most]


@closed()
@torch.inference_mode()
def adapted(adapter: Adapter, source: Labelled, seed: int, batch: int = 256) -> Labelled:
    """Return the source examples as the adapter paints them, quantised to uint8."""
    random = generator(seed, "adapter", source.images.device)
    images = torch.cat([to_bytes(adapter(to_unit(part), random)) for part in source.images.split(batch)])
    return Labelled(images=images, labels=source.labels, masks=source.masks)


def collapse_flags(values: Mapping[str, float | None], trained: bool) -> tuple[str, ...]:
    """Flag a trained adapter that changes pixels, or whose images differ from each other, by less than ``COLLAPSE``.

    That is a hundredth of the range on average.
    """
    signs = {"refinement": "identity collapse", "spread": "constant output"}
    return tuple(
        flag
        for name, flag in signs.items()
        if trained and (change := values.get(name)) is not None and change < COLLAPSE
    )


@closed()
@torch.inference_mode()
def draws(adapter: Adapter, source: Tensor, seed: int, count: int = DRAWS) -> Tensor:
    """Return ``count`` adaptations of every source image (uint8, N × C × H × W): count × N × C × H × W, uint8."""
    random = generator(seed, "adapter draws", source.device)
    images = to_unit(source)
    return torch.stack([to_bytes(adapter(images, random)) for _ in range(count)])
