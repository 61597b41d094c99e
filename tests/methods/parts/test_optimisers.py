"""The optimisers of PixelDA and feature alignment; the plain ones stand in test_refiner_gan.py."""

from copy import deepcopy

import pytest
import torch
from torch import nn

from methods.parts.optimisers import DecayedAdam, DecayedSgd, descend, updates


@pytest.mark.parametrize("part", [DecayedAdam(rate=0.4, every=3), DecayedSgd(rate=0.4, every=3, decay=0.5)])
def test_rate_falls_in_stairs_also_behind_a_restart(part: DecayedAdam | DecayedSgd) -> None:
    own = nn.Parameter(torch.ones(2))
    optimiser = part.over([own])
    for n in range(10):
        assert updates(optimiser) == n
        assert optimiser.param_groups[0]["lr"] == pytest.approx(0.4 * part.decay ** (n // 3))
        if n in (2, 4):
            state, optimiser = deepcopy(optimiser.state_dict()), part.over([own])
            optimiser.load_state_dict(state)
        descend(own.square().sum(), optimiser)


def test_stairs_are_the_releases() -> None:
    assert (DecayedAdam().rate, DecayedAdam().decay, DecayedAdam().every) == (1e-3, 0.95, 10_000)
    assert (DecayedSgd().rate, DecayedSgd().decay, DecayedSgd().every) == (1e-2, 0.95, 20_000)


def test_every_gradient_is_cut_on_its_own() -> None:
    pulls = [torch.tensor([30.0, 40.0]), torch.tensor([[3.0], [4.0]]), torch.tensor([0.3]), torch.zeros(2)]
    own = [nn.Parameter(torch.zeros_like(pull)) for pull in pulls]
    loss = sum(((one * pull).sum() for one, pull in zip(own, pulls, strict=True)), torch.zeros(()))
    descend(loss, DecayedAdam().over(own))
    cut = [one.grad.flatten().tolist() for one in own if one.grad is not None]
    assert cut == [pytest.approx([3, 4]), [3, 4], pytest.approx([0.3]), [0, 0]]


def test_decayed_updates_are_those_of_adam_and_of_momentum() -> None:
    own, pulls = nn.Parameter(torch.zeros(1)), (1.0, -2.0, 3.0)
    first, second, expected = 0.0, 0.0, 0.0
    optimiser = DecayedAdam(rate=0.1, beta1=0.6).over([own])
    for n, pull in enumerate(pulls, 1):
        descend((own * pull).sum(), optimiser)
        first, second = 0.6 * first + 0.4 * pull, 0.999 * second + 0.001 * pull**2
        expected -= 0.1 * (first / (1 - 0.6**n)) / (second / (1 - 0.999**n)) ** 0.5
    assert own.item() == pytest.approx(expected, rel=1e-5)
    own, velocity, expected = nn.Parameter(torch.zeros(1)), 0.0, 0.0
    optimiser = DecayedSgd(rate=0.1).over([own])
    for pull in pulls:
        descend((own * pull).sum(), optimiser)
        velocity = 0.9 * velocity + pull
        expected -= 0.1 * velocity
    assert own.item() == pytest.approx(expected, rel=1e-5)
