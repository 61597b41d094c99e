"""What every pair of domains promises: shapes, ranges, splits and whose labels may be seen.

Images are uint8, N × C × H × W, of one shape over the whole pair. Masks are bool, N × 1 × H × W, true on the
foreground. Labels are int64, N, in 0 … classes − 1.

=========  ======================================================================  ========================
split      what                                                                    who sees it
=========  ======================================================================  ========================
source     labelled synthetic images, with masks where they are known              methods, evaluation
target     unlabelled real images                                                  methods, evaluation
test       labelled real images, disjoint from ``target``                          evaluation
oracle     ``target`` with its labels                                              the target-only bound
=========  ======================================================================  ========================
"""

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from mistakes import UserMistake


@dataclass(frozen=True, kw_only=True)
class Classification:
    """The task of naming one of ``classes`` classes; its error is the share of wrong answers in percent."""

    classes: int
    name: str = "classification"

    @property
    def outputs(self) -> int:
        """How many numbers a task model puts out for one image."""
        return self.classes


@dataclass(frozen=True, kw_only=True, eq=False)
class Labelled:
    """Images (uint8, N × C × H × W) with labels (int64, N) and, where known, masks (bool, N × 1 × H × W)."""

    images: Tensor
    labels: Tensor
    masks: Tensor | None = None

    def __len__(self) -> int:
        return len(self.images)

    def to(self, device: torch.device) -> "Labelled":
        """Return the same examples on ``device``."""
        masks = None if self.masks is None else self.masks.to(device)
        return Labelled(images=self.images.to(device), labels=self.labels.to(device), masks=masks)


@dataclass(frozen=True, kw_only=True, eq=False)
class DomainPair:
    """One question: labelled ``source``, unlabelled ``target``, labelled ``test`` (see the module's table).

    Raises :class:`UserMistake` when a split is empty or has another type, shape or label range than promised.
    """

    name: str
    task: Classification
    source: Labelled
    oracle: Labelled
    test: Labelled

    def __post_init__(self) -> None:
        for split in ("source", "oracle", "test"):
            self._check(split, getattr(self, split))

    def _check(self, split: str, examples: Labelled) -> None:
        images, labels, masks = examples.images, examples.labels, examples.masks
        where = f"pair {self.name!r}, {split}"
        if images.ndim != 4 or not len(images) or images.dtype != torch.uint8:
            raise UserMistake(
                f"{where}: images are {images.dtype} of shape {tuple(images.shape)}; allowed: uint8, N × C × H × W, N > 0."
            )
        if images.shape[1:] != self.source.images.shape[1:]:
            raise UserMistake(
                f"{where}: images have shape {tuple(images.shape[1:])}; allowed: {self.shape}, as in source."
            )
        if labels.shape != images.shape[:1] or labels.dtype != torch.int64:
            raise UserMistake(
                f"{where}: labels are {labels.dtype} of shape {tuple(labels.shape)}; allowed: int64, ({len(images)},)."
            )
        if not 0 <= int(labels.min()) <= int(labels.max()) < self.task.classes:
            raise UserMistake(
                f"{where}: labels lie in {int(labels.min())} … {int(labels.max())}; allowed: 0 … {self.task.classes - 1}."
            )
        expected = (len(images), 1, *images.shape[2:])
        if masks is not None and (masks.dtype != torch.bool or tuple(masks.shape) != expected):
            raise UserMistake(
                f"{where}: masks are {masks.dtype} of shape {tuple(masks.shape)}; allowed: bool, {expected}."
            )

    @property
    def target(self) -> Tensor:
        """The target's training images, without labels."""
        return self.oracle.images

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of every image."""
        channels, height, width = self.source.images.shape[1:]
        return channels, height, width

    @cached_property
    def fingerprint(self) -> str:
        """Twelve hex digits of the SHA-256 of all splits: images, labels and masks."""
        digest = hashlib.sha256()
        for examples in (self.source, self.oracle, self.test):
            for tensor in (examples.images, examples.labels, examples.masks):
                if tensor is not None:
                    digest.update(str((tensor.dtype, tuple(tensor.shape))).encode())
                    digest.update(tensor.cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()[:12]

    def to(self, device: torch.device) -> "DomainPair":
        """Return the same pair with every split on ``device``."""
        return replace(
            self, source=self.source.to(device), oracle=self.oracle.to(device), test=self.test.to(device)
        )


def to_unit(images: Tensor) -> Tensor:
    """Map uint8 images to float32 in [−1, 1]."""
    return images.float().div_(127.5).sub_(1)


def to_bytes(images: Tensor) -> Tensor:
    """Map float images in [−1, 1] to uint8, rounded and clamped: the inverse of :func:`to_unit`."""
    return images.add(1).mul_(127.5).round_().clamp_(0, 255).to(torch.uint8)
