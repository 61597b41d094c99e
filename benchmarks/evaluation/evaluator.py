"""Scores a frozen adapter on a pair of domains. Holds no method, so it cannot reach inside one."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import count
from typing import Literal

import torch
from torch import Tensor

from benchmarks.evaluation.downstream.task_net import TaskNet, TaskTraining, predict
from benchmarks.evaluation.features.cache import cached
from benchmarks.evaluation.features.extractors import Extractor
from benchmarks.evaluation.promises import Unchanged, paint
from benchmarks.records.selection import CRITERIA
from benchmarks.scores.artefacts import PatchManifold
from benchmarks.scores.diversity import (
    DRAWN_IMAGES,
    DRAWS_PER_IMAGE,
    Distance,
    between_draws,
    between_images,
    pixel_distance,
)
from benchmarks.scores.realism import intervals, realism
from datasets.contract import DomainPair, Labelled, to_bytes, to_unit
from methods.contract import Adapter, Predictor
from methods.seeding import derive, generator
from mistakes import UserMistake

OF_ADAPTED = ("label_error", "refinement", "diversity", "lpips_diversity")
OF_CRITIC = ("critic_auc", "forgetting")
# fmt: off
OF_IMAGES = (
    "fid", "fid_limit", "kid", "mind", "precision", "recall", "density", "coverage", "artefacts", "spread",
    "lpips_spread",
)
# fmt: on
TASK_EPOCHS, MIN_ADAPTED = 4, 4000
NOISE_CHECKED = 8  # source images that two draws of an adapter are compared on
MAX_HELD_OUT = 1000
MIN_PIXEL_CHANGE = 0.02  # mean absolute difference of pixels in [−1, 1]
NO_LPIPS = "no SqueezeNet weights were found"


@dataclass(frozen=True, kw_only=True, eq=False)
class Scores:
    """Values by score name; a missing value is ``None``, and ``blanks`` gives the reason.

    ``intervals`` are over images. ``adapted`` holds the adapted source images (uint8) if the row has an adapter. ``model``
    is the row's task model: the method's own if it has one, else a model trained on the adapted source. It is ``None``
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

    ``validation`` holds source examples that neither methods nor task models learn from. :func:`hold_out` took them out
    of the pair; ``data`` is the fingerprint of that whole pair. ``perceptual`` is the distance LPIPS; without it, the
    LPIPS scores are blank.

    Raises :class:`~mistakes.UserMistake` if a score of the task has the same name as a score of the suite.
    """

    pair: DomainPair
    validation: Labelled
    data: str
    extractor: Extractor
    training: TaskTraining
    perceptual: Distance | None = None

    def __post_init__(self) -> None:
        taken = {"step", *OF_ADAPTED, *OF_CRITIC, *OF_IMAGES, *CRITERIA}
        if twice := [name for name in self._measures if name in taken]:
            raise UserMistake(
                f"pair {self.pair.name!r}: its task has a score {twice[0]!r}, which is a score of the suite; allowed: another name."
            )

    @cached_property
    def unchanged(self) -> Unchanged:
        """Knows the pair and the held-out examples as they were when this was first asked for."""
        tensors = {"unlabelled images": self.pair.unlabelled}
        for split, part in {**self.pair.splits, "validation": self.validation}.items():
            parts = {"images": part.images, "labels": part.labels, "masks": part.masks}
            tensors |= {f"{split} {name}": tensor for name, tensor in parts.items()}
        return Unchanged({name: tensor for name, tensor in tensors.items() if tensor is not None})

    @cached_property
    def source(self) -> Labelled:
        """The source examples that are adapted, the same for every row and run.

        Their number lets the task training draw each example ``TASK_EPOCHS`` times on average. It is at least
        ``MIN_ADAPTED``, or the whole source if that is smaller.
        """
        most = max(MIN_ADAPTED, self.training.steps * self.training.batch // TASK_EPOCHS)
        source = self.pair.source
        if len(source) <= most:
            return source
        return source.pick(fixed_subset(len(source), most).to(source.images.device))

    @property
    def images(self) -> int:
        """The number of images of either domain that FID and its kin compare: the size of the smallest set."""
        return min(len(self.source), len(self.pair.target), len(self.pair.test))

    @property
    def protocol(self) -> Mapping[str, str | int]:
        """The extractor, the sizes of the splits and the data that the scores were taken with."""
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
        """The task model trained on unadapted source; its seed is fixed, so it is the same for every row and run."""
        return self.training.fit(self.source, self.pair.task, seed=0)

    @cached_property
    def floor(self) -> Mapping[str, float]:
        """The realism of a random half of the real test images against the other half; ``images`` is a half's size."""
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

    @cached_property
    def _patches(self) -> PatchManifold:
        return PatchManifold.of(self.pair.target, self.pair.test.images)

    def score(
        self,
        adapter: Adapter | None,
        predictor: Predictor | None,
        trains_on: Literal["source", "target"],
        seed: int,
    ) -> Scores:
        """Return every score. The adapter paints before the predictor sees a test image.

        ``trains_on="target"`` is the upper bound: the labelled target takes the place of adapted source, and its realism is
        the floor, real images against real images.
        """
        if trains_on == "target":
            return self._of_target(seed)
        if adapter is None:
            assert predictor is not None, "a method without adapter has a task model of its own"
            own = self._of_model(predictor)
            headline = self.pair.task.measures[0].words
            reason = f"the method adapts no image; its target {headline} is its own task model's"
            blanks = dict.fromkeys((*OF_IMAGES, *OF_ADAPTED), reason)
            return self._whole(Scores(values={**self._named_own(own), **own}, model=predictor), blanks)
        examples = adapted(adapter, self.source, seed)
        features = self.extractor(self._sample(examples.images))
        model = self.trained_on(examples, seed, self.redrawn(adapter, seed))
        values = self._of_model(model) | self._of_images(examples.images, features)
        values |= self._of_adapter(adapter, examples, seed)
        own = {} if predictor is None else self._named_own(self._of_model(predictor))
        scores = Scores(values={**own, **values}, model=predictor or model, adapted=examples.images)
        return self._whole(scores, {}, features)

    def _named_own(self, scores: Mapping[str, float]) -> dict[str, float]:
        """Return the scores of a method's own task model under names of their own."""
        return {f"own_{name}": scores[name] for name in self._measures if name in scores}

    def _of_target(self, seed: int) -> Scores:
        """Return the scores of real target images in place of adapted images; without labels no task model is trained."""
        features = self._features_of("target", self.pair.target)
        values = self._of_images(self.pair.target, features)
        blanks = dict.fromkeys(OF_ADAPTED, "no image is adapted")
        if self.pair.oracle is None:
            names = (*self._measures, *([self._unseen] if self.pair.seen is not None else []))
            blanks |= dict.fromkeys(names, "the target's training images have no labels")
            return self._whole(Scores(values={**values}), blanks, features)
        model = self.trained_on(self.pair.oracle, seed)
        return self._whole(Scores(values={**values, **self._of_model(model)}, model=model), blanks, features)

    def trained_on(self, examples: Labelled, seed: int, later: Iterable[Labelled] = ()) -> TaskNet:
        """Train a task model on the examples, and on the pair's labelled target images if it has any.

        ``later`` holds what takes the place of the examples, epoch by epoch.
        """
        return self.training.fit(examples, self.pair.task, seed, self.pair.labelled, later)

    def redrawn(self, adapter: Adapter, seed: int) -> Iterator[Labelled]:
        """Yield the adapted source in new draws without end, or nothing if two draws of the adapter are the same."""
        one, other = draws(adapter, self.source.images[:NOISE_CHECKED], seed, count=2)
        if not torch.equal(one, other):
            yield from (adapted(adapter, self.source, derive(seed, f"epoch {epoch}")) for epoch in count(1))

    def _of_adapter(self, adapter: Adapter, examples: Labelled, seed: int) -> dict[str, float]:
        """Return how much an adapter changes the labels and pixels of the source, and how much its draws differ."""
        task = self.pair.task
        readings = task.scores(predict(self.judge, examples.images), examples.labels)
        drawn = draws(
            adapter,
            self.source.images[fixed_subset(len(self.source), DRAWN_IMAGES).to(self.source.images.device)],
            seed,
        )
        values = {
            "label_error": readings[task.headline],
            "refinement": pixel_distance(self.source.images, examples.images).mean().item(),
            "diversity": between_draws(drawn, pixel_distance),
        }
        if self.perceptual:
            values["lpips_diversity"] = between_draws(drawn, self.perceptual)
        return values

    def _of_images(self, images: Tensor, features: Tensor) -> dict[str, float]:
        """Return the scores of a set of images: how real they are, and how much they differ from each other."""
        values = {
            **realism(features, self._reference),
            "artefacts": self._patches.artefacts(images),
            "spread": between_images(images, pixel_distance),
        }
        if self.perceptual:
            values["lpips_spread"] = between_images(images, self.perceptual)
        return values

    def _of_model(self, model: Predictor) -> dict[str, float]:
        """Score a task model on all test images, and again on the test images of classes that adaptation never saw."""
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
        """Return the scores with a reason for each missing score, and with the intervals of scores on features."""
        missing = {} if self.perceptual else dict.fromkeys(("lpips_diversity", "lpips_spread"), NO_LPIPS)
        blanks = {**blanks, **{name: reason for name, reason in missing.items() if name not in blanks}}
        return replace(
            scores,
            values={**scores.values, **dict.fromkeys(blanks)},
            blanks=blanks,
            intervals={} if features is None else intervals(features, self._reference),
        )

    def _features_of(self, split: str, images: Tensor) -> Tensor:
        """Return the features of real images; they are the same for every run on this pair."""
        key: dict[str, str | int] = {
            "data": self.data,
            "split": split,
            "extractor": self.extractor.title,
            "weights": self.extractor.weights,
            "images": self.images,
        }
        return cached(key, lambda: self.extractor(self._sample(images)), images.device)

    def _sample(self, images: Tensor) -> Tensor:
        """Return ``self.images`` images of a split, the same for every row and run."""
        return images[fixed_subset(len(images), self.images).to(images.device)]


def hold_out(pair: DomainPair) -> tuple[DomainPair, Labelled]:
    """Return the pair without about a tenth of its source, and that tenth for validation: about ``MAX_HELD_OUT`` images at most.

    Whole groups are held out, so no image for validation has a sibling that is learnt from: at least one, and each further
    one as long as more than half of it fits. Small groups go first, since several tell more than one; chance decides among
    equals. Raises :class:`UserMistake` for a source of a single group.
    """
    source = pair.source
    most = min(len(source) // 10, MAX_HELD_OUT)
    groups = torch.arange(len(source)) if source.groups is None else source.groups
    names, sizes = groups.unique(return_counts=True)
    if len(names) < 2:
        raise UserMistake(
            f"pair {pair.name!r}: the source has 1 group; allowed: two or more, so that one can be held out."
        )
    shuffled = fixed_subset(len(names), len(names))
    order = shuffled[sizes[shuffled].argsort(stable=True)][:-1]
    fits = sizes[order].cumsum(0) - sizes[order] / 2 < most
    fits[0] = True
    held = torch.isin(groups, names[order[fits]])
    return replace(pair, source=source.pick(~held)), source.pick(held)


def fixed_subset(count: int, most: int) -> Tensor:
    """Return at most ``most`` random indices out of 0 … count − 1 (int64), the same at every call."""
    return torch.randperm(count, generator=torch.Generator().manual_seed(0))[:most]


def adapted(adapter: Adapter, source: Labelled, seed: int, batch: int = 256) -> Labelled:
    """Return the source examples with adapted images, quantised to uint8; raises as :func:`paint` does."""
    random = generator(seed, "adapter", source.images.device)
    images = torch.cat(
        [to_bytes(paint(adapter, to_unit(part), random)) for part in source.images.split(batch)]
    )
    return replace(source, images=images)


def collapse_flags(values: Mapping[str, float | None], trained: bool) -> tuple[str, ...]:
    """Flag a trained adapter that hardly changes images, or whose images hardly differ from each other.

    "Hardly" is a mean pixel distance below ``MIN_PIXEL_CHANGE``, a hundredth of the range.
    """
    signs = {"refinement": "identity collapse", "spread": "constant output"}
    return tuple(
        flag
        for name, flag in signs.items()
        if trained and (change := values.get(name)) is not None and change < MIN_PIXEL_CHANGE
    )


def draws(adapter: Adapter, source: Tensor, seed: int, count: int = DRAWS_PER_IMAGE) -> Tensor:
    """Return ``count`` adaptations of every source image (uint8, N × C × H × W): count × N × C × H × W, uint8.

    Raises as :func:`paint` does.
    """
    random = generator(seed, "adapter draws", source.device)
    images = to_unit(source)
    return torch.stack([to_bytes(paint(adapter, images, random)) for _ in range(count)])
