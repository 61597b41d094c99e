"""The contract of pairs of domains: shapes, ranges, splits, and who may see which labels.

Images are uint8, N × C × H × W, of one shape over the whole pair. Masks are bool, N × 1 × H × W, true on the
foreground. The task defines the form of labels.

=========  ======================================================================  ========================
split      what                                                                    who sees it
=========  ======================================================================  ========================
source     labelled synthetic images, with masks where they are known              methods, evaluation
target     unlabelled real images                                                  methods, evaluation
test       labelled real images, disjoint from ``target``                          evaluation
oracle     ``target`` with its labels, where they are known                        the target-only bound
labelled   a few labelled real images, disjoint from ``target``; most pairs have   methods, evaluation
           none
=========  ======================================================================  ========================
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from typing import Any

import torch
from torch import Tensor

from datasets.files.closing import check_open
from datasets.tasks.classification import Classification
from datasets.tasks.contract import Task
from datasets.tasks.measures import Measure
from datasets.tasks.pose import ClassificationAndPose
from mistakes import UserMistake

__all__ = [
    "Classification",
    "ClassificationAndPose",
    "DomainPair",
    "Labelled",
    "Measure",
    "Task",
    "to_bytes",
    "to_unit",
]


@dataclass(frozen=True, kw_only=True, eq=False)
class Labelled:
    """Images (uint8, N × C × H × W) with the task's labels (N × …) and, where known, masks (bool, N × 1 × H × W).

    ``groups`` (int64, N) gives siblings the same number: variants of one drawing, crops of one photograph. A split for
    validation holds whole groups. Without groups no example has a sibling.
    """

    images: Tensor
    labels: Tensor
    masks: Tensor | None = None
    groups: Tensor | None = None

    def __len__(self) -> int:
        return len(self.images)

    def to(self, device: torch.device) -> "Labelled":
        """Return a copy of the examples on ``device``."""
        images, labels = self.images.to(device, copy=True), self.labels.to(device, copy=True)
        masks, groups = (
            None if part is None else part.to(device, copy=True) for part in (self.masks, self.groups)
        )
        return Labelled(images=images, labels=labels, masks=masks, groups=groups)

    def pick(self, which: Tensor) -> "Labelled":
        """Return the examples that ``which`` selects, by index (int64) or by mask (bool, N)."""
        masks, groups = (None if part is None else part[which] for part in (self.masks, self.groups))
        return Labelled(images=self.images[which], labels=self.labels[which], masks=masks, groups=groups)


@dataclass(frozen=True, kw_only=True, eq=False)
class DomainPair:
    """One question: labelled ``source``, unlabelled ``target``, labelled ``test`` (see the module's table).

    The target is given as ``oracle`` or, if its labels are unknown, as ``unlabelled`` (uint8, N × C × H × W). ``labelled``
    holds a few labelled target images; methods may learn from their labels too. ``seen`` lists the classes that
    adaptation may see, in ascending order, or is ``None`` for all classes: methods draw source images of these classes
    only, and the target holds no other class, while ``source`` and ``test`` hold every class. ``identity`` is a phrase
    that names the edition and the size of the data.

    Raises :class:`~datasets.sealing.SealBroken` while a method runs, whoever loads the pair. Raises
    :class:`UserMistake` if a split is empty or has a wrong type, shape or label range; if the target is not given
    exactly once; if ``seen`` is not a proper subset of the classes or lacks a class of the target; or if a higher
    headline score is better.
    """

    name: str
    task: Task
    source: Labelled
    oracle: Labelled | None = None
    unlabelled: Tensor | None = None
    test: Labelled
    labelled: Labelled | None = None
    seen: tuple[int, ...] | None = None
    identity: str = ""

    def __post_init__(self) -> None:
        check_open(f"pair {self.name!r}")
        if (headline := self.task.measures[0]).better != "lower":
            raise UserMistake(
                f"pair {self.name!r}: headline score {headline.name!r} is better if higher; "
                "allowed: a score that is better if lower."
            )
        if (self.oracle is None) == (self.unlabelled is None):
            given = "neither" if self.oracle is None else "both"
            raise UserMistake(
                f"pair {self.name!r} has {given} of oracle and unlabelled; allowed: one of the two, the target."
            )
        for split, examples in self.splits.items():
            self._check(split, examples)
        if self.unlabelled is not None:
            self._check_images("unlabelled", self.unlabelled)
        if self.seen is not None:
            self._check_seen(self.seen)

    def _check(self, split: str, examples: Labelled) -> None:
        images, masks = examples.images, examples.masks
        where = self._check_images(split, images)
        self.task.check(examples.labels, len(images), where)
        expected = (len(images), 1, *images.shape[2:])
        if masks is not None and (masks.dtype != torch.bool or tuple(masks.shape) != expected):
            raise UserMistake(
                f"{where}: masks are {masks.dtype} of shape {tuple(masks.shape)}; allowed: bool, {expected}."
            )
        groups = examples.groups
        if groups is not None and (groups.dtype != torch.int64 or groups.shape != (len(images),)):
            raise UserMistake(
                f"{where}: groups are {groups.dtype} of shape {tuple(groups.shape)}; allowed: int64, {(len(images),)}."
            )

    def _check_images(self, split: str, images: Tensor) -> str:
        """Check type and shape; return the beginning of a message about this split."""
        where = f"pair {self.name!r}, {split}"
        if images.ndim != 4 or not len(images) or images.dtype != torch.uint8:
            raise UserMistake(
                f"{where}: images are {images.dtype} of shape {tuple(images.shape)}; allowed: uint8, N × C × H × W, N > 0."
            )
        if images.shape[1:] != self.source.images.shape[1:]:
            raise UserMistake(
                f"{where}: images have shape {tuple(images.shape[1:])}; allowed: {self.shape}, as in source."
            )
        return where

    def _check_seen(self, seen: tuple[int, ...]) -> None:
        classes = range(len(self.task.titles))
        if not classes:
            raise UserMistake(
                f"pair {self.name!r}: seen classes are {seen}; allowed: no seen classes, since labels name no classes."
            )
        if not seen or list(seen) != [c for c in classes if c in seen] or len(seen) == len(classes):
            raise UserMistake(
                f"pair {self.name!r}: seen classes are {seen}; "
                f"allowed: some but not all of the classes 0 … {len(classes) - 1}, ascending."
            )
        for split in [name for name in self.splits if name in ("oracle", "labelled")]:
            if others := set(self.task.classes_of(self.splits[split].labels).tolist()) - set(seen):
                raise UserMistake(
                    f"pair {self.name!r}, {split}: labels name the classes {sorted(others)}; allowed: those seen, {seen}."
                )

    @property
    def splits(self) -> Mapping[str, Labelled]:
        """The pair's labelled splits by name: source and test, and also oracle and labelled if it has them."""
        splits = {"source": self.source, "oracle": self.oracle, "test": self.test, "labelled": self.labelled}
        return {name: examples for name, examples in splits.items() if examples is not None}

    @property
    def target(self) -> Tensor:
        """The target's training images, without labels."""
        images = self.unlabelled if self.oracle is None else self.oracle.images
        assert images is not None  # __post_init__ saw to it that one of the two is given
        return images

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of every image."""
        channels, height, width = self.source.images.shape[1:]
        return channels, height, width

    @cached_property
    def fingerprint(self) -> str:
        """Twelve hex digits of the SHA-256 of all splits (images, labels and masks, not groups) and of the seen classes."""
        digest = hashlib.sha256()
        labelled = [(part.images, part.labels, part.masks) for part in self.splits.values()]
        for tensor in (*chain.from_iterable(labelled), self.unlabelled):
            if tensor is not None:
                digest.update(str((tensor.dtype, tuple(tensor.shape))).encode())
                digest.update(tensor.cpu().contiguous().numpy().tobytes())
        if self.seen is not None:
            digest.update(f"seen {self.seen}".encode())
        return digest.hexdigest()[:12]

    def to(self, device: torch.device) -> "DomainPair":
        """Return the pair with a copy of every split on ``device``."""
        moved: dict[str, Any] = {name: examples.to(device) for name, examples in self.splits.items()}
        if self.unlabelled is not None:
            moved["unlabelled"] = self.unlabelled.to(device, copy=True)
        return replace(self, **moved)


def to_unit(images: Tensor) -> Tensor:
    """Map uint8 images to float32 in [−1, 1]."""
    return images.float().div_(127.5).sub_(1)


def to_bytes(images: Tensor) -> Tensor:
    """Map float images in [−1, 1] to uint8, rounded and clamped: the inverse of :func:`to_unit`."""
    return images.add(1).mul_(127.5).round_().clamp_(0, 255).to(torch.uint8)
