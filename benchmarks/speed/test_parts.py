"""Parts of a step other than arithmetic: the draw of a batch, SimGAN's history."""

import pytest
import torch

from benchmarks.running.batches import Batches
from benchmarks.speed.conftest import Timed
from datasets.catalogue import load_pair
from methods.parts.history import History, HistoryBuffer

# batch and shape of fonts-digits, and of SimGAN's eyes
SMALL = (32, (1, 16, 16))
PAPER = (512, (1, 35, 55))


def test_batch_draw(timed: Timed, device: torch.device) -> None:
    """Time the draw of one batch of 64 on ``digits-photos``."""
    batches = Batches(load_pair("digits-photos").to(device), 64, seed=0)
    timed(lambda: next(batches), rounds=100)


@pytest.mark.parametrize(("batch", "shape"), [SMALL, PAPER], ids=["small", "paper"])
@pytest.mark.parametrize("action", ["fill", "join"])
def test_history(
    timed: Timed, device: torch.device, action: str, batch: int, shape: tuple[int, int, int]
) -> None:
    """Time a full buffer: ``fill`` stores a whole mini-batch, ``join`` draws half of one and stores the fresh half."""
    buffer = HistoryBuffer(History(), batch, shape, torch.Generator(device).manual_seed(0))
    refined = torch.rand(batch, *shape, device=device)
    buffer.fill(refined)
    if action == "fill":
        timed(lambda: buffer.fill(refined), rounds=100)
    else:
        timed(lambda: buffer.join(refined[: buffer.fresh]), rounds=100)
