"""Batch-norm statistics taken anew are means over passes, and nothing else changes."""

from copy import deepcopy

import torch
from torch import Tensor, nn

from methods.parts.statistics import re_estimated

WIDTH = 3


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(2, WIDTH, 1), nn.BatchNorm2d(WIDTH), nn.Flatten(), nn.BatchNorm1d(WIDTH * 16)
    )


def batches(count: int = 4) -> list[tuple[Tensor]]:
    random = torch.Generator().manual_seed(1)
    return [(3 + torch.randn(8, 2, 4, 4, generator=random),) for _ in range(count)]


def test_statistics_are_the_means_of_those_of_the_batches() -> None:
    before = network()
    after = re_estimated(before, batches())
    maps = [before[0](images) for (images,) in batches()]
    means = torch.stack([one.mean((0, 2, 3)) for one in maps]).mean(0)
    variances = torch.stack([one.var((0, 2, 3)) for one in maps]).mean(0)
    assert torch.allclose(after[1].running_mean, means, atol=1e-5)
    assert torch.allclose(after[1].running_var, variances, atol=1e-5)
    normed = [nn.functional.batch_norm(one, None, None, training=True).flatten(1) for one in maps]
    assert torch.allclose(
        after[3].running_var, torch.stack([one.var(0) for one in normed]).mean(0), atol=1e-4
    )


def test_the_network_stays_and_so_do_the_weights_of_its_frozen_copy() -> None:
    before = network().train()
    kept = deepcopy(before.state_dict())
    after = re_estimated(before, batches())
    assert before.training
    assert not after.training
    assert not any(parameter.requires_grad for parameter in after.parameters())
    for name, value in before.state_dict().items():
        assert torch.equal(value, kept[name])
    for (name, one), other in zip(before.named_parameters(), after.parameters(), strict=True):
        assert torch.equal(one, other), name


def test_without_batches_the_statistics_stay() -> None:
    before = network()
    before(*batches()[0])
    after = re_estimated(before, [])
    for name, value in before.state_dict().items():
        assert torch.equal(value, after.state_dict()[name])
