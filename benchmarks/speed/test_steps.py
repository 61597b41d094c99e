"""One whole step of every trained row, at the scale ``small`` on ``fonts-digits``."""

import pytest
import torch

from benchmarks.running.batches import Batches
from benchmarks.running.training import problem_of
from benchmarks.speed.conftest import Timed
from benchmarks.studies.scales import find_scale
from datasets.catalogue import load_pair
from methods.recipes import RECIPES, configure


@pytest.mark.parametrize("row", [row for row, recipe in RECIPES.items() if not recipe.at("paper").BOUND])
def test_step(timed: Timed, device: torch.device, row: str) -> None:
    """Time a step of a new method."""
    pair, scale = load_pair("fonts-digits").to(device), find_scale("small")
    problem = problem_of(pair, scale)
    batches = Batches(pair, problem.batch, seed=0)
    method = configure(row, "small").build(problem, device, seed=0)
    timed(lambda: method.step(batches), rounds=20)
