"""The task model of a pair: one small network and one budget for every row of a table."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.evaluation.promises import answer
from datasets.contract import Labelled, Task, to_unit
from methods.parts.lessons import Lesson
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
    """How a task model is trained: Adam on the task's loss, the rate falling linearly to zero."""

    steps: int = 250
    batch: int = 64
    rate: float = 1e-3

    def fit(
        self,
        examples: Labelled,
        task: Task,
        seed: int,
        more: Labelled | None = None,
        later: Iterable[Labelled] = (),
    ) -> TaskNet:
        """Train a new task model on labelled uint8 images; the same arguments give the same model.

        If ``more`` is given, half of every batch is drawn from its examples. The next of ``later``, as long as there is one,
        replaces the examples whenever as many images have been drawn from them as they are.
        """
        images = examples.images
        shape = (images.shape[1], images.shape[2], images.shape[3])
        with initialising(seed, "task model"):
            model = TaskNet(shape, task.outputs)
        model.to(images.device).to(memory_format=torch.channels_last)
        optimiser = torch.optim.Adam(model.parameters(), lr=self.rate)
        decay = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.0, total_iters=self.steps)
        draws = generator(seed, "task batches", images.device)
        lesson, following = Lesson(), iter(later)
        epoch = math.ceil(len(examples) / (self.batch if more is None else self.batch // 2))  # steps
        for step in range(self.steps):
            if step and step % epoch == 0:
                examples = next(following, examples)
            drawn, labels = self._draw(examples, more, draws)
            drawn = to_unit(drawn).contiguous(memory_format=torch.channels_last)
            optimiser.zero_grad()
            lesson.loss(task, model, drawn, labels).backward()
            optimiser.step()
            decay.step()
        return model.eval().requires_grad_(False)

    def _draw(
        self, examples: Labelled, more: Labelled | None, draws: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Return one batch of images and labels, drawn with replacement, in equal numbers from each set."""
        sets = [examples] if more is None else [examples, more]
        indices = [
            torch.randint(len(one), (self.batch // len(sets),), generator=draws, device=draws.device)
            for one in sets
        ]
        return (
            torch.cat([one.images[index] for one, index in zip(sets, indices, strict=True)]),
            torch.cat([one.labels[index] for one, index in zip(sets, indices, strict=True)]),
        )


def predict(model: Callable[[Tensor], Tensor], images: Tensor, batch: int = 512) -> Tensor:
    """Return the model's outputs, N × outputs, for uint8 images; raises as :func:`~benchmarks.evaluation.promises.answer`."""
    return torch.cat([answer(model, to_unit(part)) for part in images.split(batch)])
