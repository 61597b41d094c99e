"""The task model of a pair: one small network and one budget for every row of a table."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from datasets.contract import Classification, Labelled, to_unit
from methods.seeding import generator, initialising


class TaskNet(nn.Module):
    """Two 3 × 3 convolutions (24, 48) with pooling, one hidden layer of 128: images → task outputs."""

    def __init__(self, shape: tuple[int, int, int], outputs: int) -> None:
        super().__init__()
        channels, height, width = shape
        self.first = nn.Conv2d(channels, 24, 3, padding=1)
        self.second = nn.Conv2d(24, 48, 3, padding=1)
        self.hidden = nn.Linear(48 * (height // 4) * (width // 4), 128)
        self.answer = nn.Linear(128, outputs)

    def forward(self, images: Tensor) -> Tensor:
        """Map N × C × H × W in [−1, 1] to N × outputs."""
        maps = F.max_pool2d(F.relu(self.first(images)), 2)
        maps = F.max_pool2d(F.relu(self.second(maps)), 2)
        return self.answer(F.relu(self.hidden(maps.flatten(1))))


@dataclass(frozen=True, kw_only=True)
class TaskTraining:
    """How a task model is trained: Adam on cross-entropy, the rate falling linearly to zero."""

    steps: int = 250
    batch: int = 64
    rate: float = 1e-3

    def fit(self, examples: Labelled, task: Classification, seed: int) -> TaskNet:
        """Train a new task model on labelled uint8 images; the same arguments give the same model."""
        images = examples.images
        shape = (images.shape[1], images.shape[2], images.shape[3])
        with initialising(seed, "task model"):
            model = TaskNet(shape, task.outputs)
        model.to(images.device).to(memory_format=torch.channels_last)
        optimiser = torch.optim.Adam(model.parameters(), lr=self.rate)
        decay = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.0, total_iters=self.steps)
        draws = generator(seed, "task batches", images.device)
        for _ in range(self.steps):
            index = torch.randint(len(images), (self.batch,), generator=draws, device=images.device)
            answers = model(to_unit(images[index]).contiguous(memory_format=torch.channels_last))
            optimiser.zero_grad()
            F.cross_entropy(answers, examples.labels[index]).backward()
            optimiser.step()
            decay.step()
        return model.eval().requires_grad_(False)


@torch.inference_mode()
def predict(model: nn.Module, images: Tensor, batch: int = 512) -> Tensor:
    """Return the model's outputs, N × outputs, for uint8 images."""
    return torch.cat([model(to_unit(part)) for part in images.split(batch)])


def error(outputs: Tensor, labels: Tensor) -> float:
    """Return the share of wrong answers in percent: 0 … 100."""
    return 100 * (outputs.argmax(1) != labels).double().mean().item()
