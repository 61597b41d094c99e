"""What a pair holds, before anything is trained on it: counts by class, and a picture of every split."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.evaluation.samples import spaced
from datasets.contract import DomainPair, Labelled

NAMES = {"oracle": "target"}


@dataclass(frozen=True, kw_only=True)
class Count:
    """How many images a split has, and how many of each class where it has labels of classes."""

    images: int
    classes: Mapping[str, int]


def counts(pair: DomainPair) -> dict[str, Count]:
    """Return the counts of every split by its name: source, target, test and, where a pair has it, labelled."""
    found = {"source": _count(pair, pair.source), "target": Count(images=len(pair.target), classes={})}
    return found | {NAMES.get(name, name): _count(pair, part) for name, part in pair.splits.items()}


def _count(pair: DomainPair, examples: Labelled) -> Count:
    return Count(images=len(examples), classes=pair.task.counts(examples.labels))


def lines(found: Mapping[str, Count]) -> list[tuple[str, ...]]:
    """Return a table of counts: a line for all images and one for every class, a column for every split."""
    titles = found["source"].classes
    each = [
        (title, *(f"{count.classes[title]:,}" if count.classes else "" for count in found.values()))
        for title in titles
    ]
    return [("all", *(f"{count.images:,}" for count in found.values())), *each]


def rows(pair: DomainPair) -> dict[str, Tensor]:
    """Return 16 images of source, masks where the source has them, target and test, by these names."""
    source, masks = pair.source.images, pair.source.masks
    painted = {} if masks is None else {"masks": masks.expand_as(source).to(torch.uint8) * 255}
    found = {"source": source, **painted, "target": pair.target, "test": pair.test.images}
    return {name: images[spaced(images)] for name, images in found.items()}
