"""One step of every trained row, a batch draw, and the arithmetic of FID and KID.

    python -m pytest benchmarks/speed --benchmark-columns=min,median,iqr,rounds

Targets wait for the device, so CUDA numbers are whole.
"""

from typing import Any

import pytest
import torch

from benchmarks.batches import Batches
from benchmarks.clock import wait_for
from benchmarks.harness import problem_of
from benchmarks.scales import find_scale
from benchmarks.scores.frechet import frechet_distance
from benchmarks.scores.kernel import kernel_distance
from datasets.catalogue import load_pair
from methods.recipes import BOUNDS, RECIPES, configure

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("row", [row for row in RECIPES if row not in BOUNDS])
def test_step(benchmark: Any, row: str) -> None:
    """Time one whole step at the scale ``small`` on ``fonts-digits``."""
    pair, scale = load_pair("fonts-digits").to(DEVICE), find_scale("small")
    problem = problem_of(pair, scale)
    batches = Batches(pair, problem.batch, seed=0)
    method = configure(row, "small").build(problem, DEVICE, seed=0)

    def step() -> None:
        method.step(batches)
        wait_for(DEVICE)

    benchmark.extra_info["device"] = str(DEVICE)
    benchmark.pedantic(step, rounds=20, warmup_rounds=3)


def test_batch_draw(benchmark: Any) -> None:
    """Time the draw of one batch of 64 on ``digits-photos``."""
    batches = Batches(load_pair("digits-photos").to(DEVICE), 64, seed=0)

    def draw() -> None:
        next(batches)
        wait_for(DEVICE)

    benchmark.pedantic(draw, rounds=100, warmup_rounds=5)


@pytest.mark.parametrize("distance", [frechet_distance, kernel_distance])
@pytest.mark.parametrize(("count", "features"), [(500, 2048), (3000, 2048), (599, 64)])
def test_distance(benchmark: Any, distance: Any, count: int, features: int) -> None:
    """Time a distance between two sets of ``count`` random features on the CPU."""
    random = torch.Generator().manual_seed(0)
    first, second = torch.randn(2, count, features, generator=random)
    benchmark.pedantic(distance, (first, second), rounds=3, warmup_rounds=1)
