"""``digits-photos``: handwritten digits on black → other handwritten digits on photographs, 32 × 32 RGB.

The target follows MNIST-M's recipe: digit pixels are replaced by 255 − background, where the background is a random
crop of a photograph. MNIST-M counts every pixel above 0 as digit; here the 8 × 8 digits are enlarged, which leaves a
wide grey rim, so a pixel counts as digit from three eighths of full ink on. The photographs are ``china.jpg`` and ``flower.jpg``, which
scikit-learn ships (CC BY). Source, target and test use disjoint thirds of the UCI digits. A source digit has no
known sibling: it is there once, and the file does not name writers.
"""

from pathlib import Path

import numpy as np
import torch

from datasets.contract import Classification, DomainPair, Labelled
from datasets.sets import bsds500, uci_digits

SIZE = 32  # pixels
TRAIN_COPIES = 3  # of every digit, each over another crop


def load(data: Path | None = None) -> DomainPair:
    """Return the pair; ``data`` is not needed, since installed packages hold all images."""
    return DomainPair(
        name="digits-photos",
        task=Classification(classes=10),
        source=on_black(0),
        oracle=on_photos(1, copies=TRAIN_COPIES),
        test=on_photos(2, copies=1),
    )


def on_black(third: int) -> Labelled:
    """Return the digits of one third, white on black, RGB, with their masks."""
    blocks, labels = uci_digits.handwritten()
    images = uci_digits.enlarge(blocks[uci_digits.third(third)], SIZE)
    return Labelled(
        images=images.repeat(1, 3, 1, 1), labels=labels[uci_digits.third(third)], masks=uci_digits.ink(images)
    )


def on_photos(third: int, *, copies: int, seed: int = 0) -> Labelled:
    """Return the digits of one third ``copies`` times, each over its own crop; the same arguments give the same images."""
    from sklearn.datasets import load_sample_images  # imported late: it takes a second

    black = on_black(third)
    assert black.masks is not None
    masks = black.masks.repeat(copies, 1, 1, 1)
    random = np.random.default_rng((seed, third))
    crops, _ = bsds500.crops(load_sample_images().images, len(masks), SIZE, random)
    return Labelled(
        images=torch.where(masks, 255 - crops, crops), labels=black.labels.repeat(copies), masks=masks
    )
