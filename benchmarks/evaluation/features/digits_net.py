"""The network behind the extractor ``digits-v1``: digits in, 64 features out; and the training of its weights.

    python -m benchmarks.evaluation.features.digits_net benchmarks/scores/digits-v1.safetensors

trains it anew (about a minute and a half on two cores) and prints its accuracy on digits it never saw. It learns to name
handwritten digits in the looks of both embedded targets: grey, and over crops of photographs. Training uses only the
first two thirds of the UCI digits; every embedded pair tests on the last third.
"""

import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn

from datasets.contract import Labelled, to_unit
from datasets.pairs import digits_photos
from datasets.sets import uci_digits
from datasets.tasks.classification import error
from methods.seeding import generator, initialising

SIZE = 32


class DigitsNet(nn.Module):
    """Four 3 × 3 convolutions (24, 40, 56, 64) at strides 1, 2, 2, 1, then the average over the map."""

    def __init__(self) -> None:
        super().__init__()
        widths, strides = (3, 24, 40, 56, 64), (1, 2, 2, 1)
        self.layers = nn.ModuleList(
            nn.Conv2d(a, b, 3, stride, 1)
            for a, b, stride in zip(widths[:-1], widths[1:], strides, strict=True)
        )
        self.answer = nn.Linear(widths[-1], 10)

    def features(self, images: Tensor) -> Tensor:
        """Map N × (1 or 3) × H × W in [−1, 1], enlarged to 32 × 32 RGB, to N × 64 features."""
        maps = images.expand(-1, 3, -1, -1)
        if maps.shape[2:] != (SIZE, SIZE):
            maps = F.interpolate(maps, (SIZE, SIZE), mode="bilinear", antialias=True, align_corners=False)
        for layer in self.layers:
            maps = F.relu(layer(maps))
        return maps.mean((2, 3))

    def forward(self, images: Tensor) -> Tensor:
        """Return the ten digits' logits."""
        return self.answer(self.features(images))


def looks(third: int, seed: int) -> Labelled:
    """Return one third of the digits in three looks: grey, and twice over photographs."""
    black = digits_photos.on_black(third)
    photos = digits_photos.on_photos(third, copies=2, seed=seed)
    return Labelled(
        images=torch.cat([black.images, photos.images]), labels=torch.cat([black.labels, photos.labels])
    )


def train(epochs: int = 60, batch: int = 64) -> DigitsNet:
    """Train the network; every epoch lays the digits over new crops and shifts them by up to two pixels."""
    with initialising(0, "digits net"):
        model = DigitsNet().to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
    decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs)
    draws = generator(0, "digits net")
    for epoch in range(epochs):
        parts = [looks(third, seed=1 + epoch) for third in (0, 1)]
        images = F.pad(to_unit(torch.cat([part.images for part in parts])), (2, 2, 2, 2), mode="replicate")
        labels = torch.cat([part.labels for part in parts])
        for index in torch.randperm(len(images), generator=draws).split(batch):
            top, left = torch.randint(5, (2,), generator=draws).tolist()
            shifted = images[index, :, top : top + SIZE, left : left + SIZE]
            optimiser.zero_grad()
            F.cross_entropy(model(shifted), labels[index], label_smoothing=0.05).backward()
            optimiser.step()
        decay.step()
    return model.eval()


def main(path: Path) -> None:
    """Train, print the accuracy on the last third, and write the weights."""
    model = train()
    unseen = looks(2, seed=0)
    with torch.inference_mode():
        answers = model(to_unit(unseen.images))
    grey, photos = answers.split([uci_digits.THIRD, 2 * uci_digits.THIRD])
    labels = unseen.labels.split([uci_digits.THIRD, 2 * uci_digits.THIRD])
    print(f"accuracy on unseen digits: grey {100 - error(grey, labels[0]):.1f} %,", end=" ")
    print(f"over photographs {100 - error(photos, labels[1]):.1f} %")
    save_file({name: value.contiguous() for name, value in model.state_dict().items()}, path)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
