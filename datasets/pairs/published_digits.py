"""Pairs of published digit sets, as the literature on domain adaptation poses them.

MNIST is upsampled from 28 to 32 pixels where the other set has 32, and USPS from 16 to 28, both bilinearly. Grey digits
get three equal channels where the other set has colours. Source images over crops of one photograph are siblings. The
writers of MNIST and USPS are not known.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from datasets.contract import Classification, DomainPair, Labelled
from datasets.files import layout
from datasets.sets import bsds500, mnist, mnist_m, svhn, uci_digits, usps

DIGITS = Classification(classes=10)
SEED = 0
SEEN_DIGITS = tuple(range(6))
LABELLED_IMAGES = 1_000


def mnist_mnistm(data: Path | None = None) -> DomainPair:
    """Return MNIST on black → MNIST-M as released."""
    train, test, identity = mnist_m.read(data)
    return DomainPair(
        name="mnist-mnistm",
        task=DIGITS,
        source=_coloured(mnist.read(data, "train")),
        oracle=train,
        test=test,
        identity=f"MNIST 60,000 train; {identity}",
    )


def mnist_mnistm_built(data: Path | None = None) -> DomainPair:
    """Return MNIST on black → MNIST over crops of photographs, made as MNIST-M was.

    Train images use BSDS500's train photographs, test images MNIST's test digits and BSDS500's test photographs.
    """
    train, test = mnist.read(data, "train"), mnist.read(data, "t10k")
    scenes = {split: bsds500.read(data, split) for split in layout.BSDS500}
    count = sum(len(photographs) for photographs in scenes.values())
    return DomainPair(
        name="mnist-mnistm-built",
        task=DIGITS,
        source=_coloured(train),
        oracle=_composed(train, scenes["train"]),
        test=_composed(test, scenes["test"]),
        identity=f"MNIST 60,000 train; MNIST-M built from MNIST and {count} BSDS500 photographs, seed {SEED}",
    )


def mnistphotos_mnistm(data: Path | None = None) -> DomainPair:
    """Return MNIST over crops of photographs → MNIST-M: ``mnist-mnistm`` with another background of the source.

    The digits keep their grey values; on photographs their dark grey rim shows, which black hides.
    """
    pair, scenes = mnist_mnistm(data), bsds500.read(data, "train")
    source, masks = pair.source, pair.source.masks
    assert masks is not None
    crops, origins = _backgrounds(scenes, len(source))
    images = torch.where(masks, source.images, crops)
    return replace(
        pair,
        name="mnistphotos-mnistm",
        source=replace(source, images=images, groups=origins),
        identity=f"{pair.identity}; source over {len(scenes)} BSDS500 photographs, seed {SEED}",
    )


def mnist_mnistm_6of10(data: Path | None = None) -> DomainPair:
    """Return ``mnist-mnistm`` whose adaptation sees the digits 0 … 5 only."""
    pair = mnist_mnistm(data)
    assert pair.oracle is not None
    seen = torch.isin(pair.oracle.labels, torch.tensor(SEEN_DIGITS))
    identity = f"{pair.identity}; adapted on digits 0 … {SEEN_DIGITS[-1]}"
    return replace(
        pair, name="mnist-mnistm-6of10", oracle=pair.oracle.pick(seen), seen=SEEN_DIGITS, identity=identity
    )


def mnist_mnistm_1000(data: Path | None = None) -> DomainPair:
    """Return ``mnist-mnistm`` with 1,000 labelled target images, which are not among the unlabelled ones."""
    pair = mnist_mnistm(data)
    assert pair.oracle is not None
    order = torch.randperm(len(pair.oracle), generator=torch.Generator().manual_seed(SEED))
    return replace(
        pair,
        name="mnist-mnistm-1000",
        oracle=pair.oracle.pick(order[LABELLED_IMAGES:].sort().values),
        labelled=pair.oracle.pick(order[:LABELLED_IMAGES].sort().values),
        identity=f"{pair.identity}; {LABELLED_IMAGES:,} of them labelled, seed {SEED}",
    )


def mnist_usps(data: Path | None = None) -> DomainPair:
    """Return MNIST → USPS, 28 × 28 grey."""
    return DomainPair(
        name="mnist-usps",
        task=DIGITS,
        source=_inked(mnist.read(data, "train")),
        oracle=_sized(usps.read(data, "train"), mnist.SIZE),
        test=_sized(usps.read(data, "test"), mnist.SIZE),
        identity="MNIST 60,000 train; USPS standard split 7,291 train, 2,007 test",
    )


def usps_mnist(data: Path | None = None) -> DomainPair:
    """Return USPS → MNIST, 28 × 28 grey; upsampling blurs USPS, so its foreground begins at three eighths of full ink."""
    source = _sized(usps.read(data, "train"), mnist.SIZE)
    return DomainPair(
        name="usps-mnist",
        task=DIGITS,
        source=replace(source, masks=uci_digits.ink(source.images)),
        oracle=mnist.read(data, "train"),
        test=mnist.read(data, "t10k"),
        identity="USPS standard split 7,291 train; MNIST 60,000 train, 10,000 test",
    )


def svhn_mnist(data: Path | None = None) -> DomainPair:
    """Return SVHN → MNIST, 32 × 32 RGB; SVHN's test images are not used."""
    return DomainPair(
        name="svhn-mnist",
        task=DIGITS,
        source=svhn.read(data, "train"),
        oracle=_coloured(mnist.read(data, "train")),
        test=_coloured(mnist.read(data, "t10k")),
        identity="SVHN cropped digits 73,257 train; MNIST 60,000 train, 10,000 test",
    )


def upsample(images: Tensor, size: int) -> Tensor:
    """Upsample square uint8 images (N × C × H × H) bilinearly to ``size`` × ``size``; pixels count as areas.

    Weights are scaled to whole numbers, which float32 adds exactly, so that every machine rounds alike.
    """
    side, unit = images.shape[-1], 2 * size
    centres = torch.arange(1, unit, 2) * side - size  # of the new pixels among the old, times ``unit``
    apart = (centres.clamp(0, unit * (side - 1))[:, None] - torch.arange(side) * unit).abs()
    weights = (unit - apart).clamp(min=0).float()
    sums = weights @ (images.float() @ weights.T)
    return sums.div_(unit**2).round_().to(torch.uint8)


def _sized(examples: Labelled, size: int) -> Labelled:
    return replace(examples, images=upsample(examples.images, size))


def _inked(grey: Labelled) -> Labelled:
    """Add MNIST's masks: every pixel above 0 is foreground, as MNIST-M has it."""
    return replace(grey, masks=grey.images > 0)


def _coloured(grey: Labelled) -> Labelled:
    inked = _inked(_sized(grey, mnist_m.SIZE))
    return replace(inked, images=inked.images.repeat(1, 3, 1, 1))


def _composed(black: Labelled, scenes: Sequence[np.ndarray]) -> Labelled:
    crops, _ = _backgrounds(scenes, len(black))
    images, masks = mnist_m.compose(black.images, crops)
    return Labelled(images=images, labels=black.labels, masks=masks)


def _backgrounds(scenes: Sequence[np.ndarray], count: int) -> tuple[Tensor, Tensor]:
    return bsds500.crops(scenes, count, mnist_m.SIZE, np.random.default_rng(SEED))
