"""The arithmetic of the scores on two sets of random features."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from benchmarks.scores.frechet import frechet_distance
from benchmarks.scores.kernel import kernel_distance
from benchmarks.scores.manifold import manifold_scores
from benchmarks.scores.sliced import sliced_distance
from benchmarks.speed.conftest import Timed


@pytest.mark.parametrize("score", [frechet_distance, kernel_distance, sliced_distance, manifold_scores])
@pytest.mark.parametrize(("count", "features"), [(500, 2048), (3000, 2048), (599, 64)])
def test_score(
    timed: Timed, device: torch.device, score: Callable[[Tensor, Tensor], object], count: int, features: int
) -> None:
    """Time a score of two sets of ``count`` features."""
    random = torch.Generator().manual_seed(0)
    first, second = torch.randn(2, count, features, generator=random).to(device)
    timed(lambda: score(first, second), rounds=3 if count * features > 1 << 20 else 20)
