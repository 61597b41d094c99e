"""A look at a pair before anything is trained on it: counts by class, and images of every split."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.evaluation.samples import evenly_spaced
from datasets.contract import DomainPair, Labelled

NAMES = {"oracle": "target"}


@dataclass(frozen=True, kw_only=True)
class Count:
    """The number of images in a split, and the number of each class if its labels are known and name classes."""

    images: int
    classes: Mapping[str, int]


def counts(pair: DomainPair) -> dict[str, Count]:
    """Return the counts of every split by its name: source, target, test and, if the pair has it, labelled."""
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
    """Return 16 images each of source, target and test by these names, and the source's masks if it has them."""
    source, masks = pair.source.images, pair.source.masks
    painted = {} if masks is None else {"masks": masks.expand_as(source).to(torch.uint8) * 255}
    found = {"source": source, **painted, "target": pair.target, "test": pair.test.images}
    return {name: images[evenly_spaced(images)] for name, images in found.items()}
