"""How weights are updated."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf

import torch
from torch import Tensor, nn

from mistakes import UserMistake


@dataclass(frozen=True, kw_only=True)
class Sgd:
    """Plain stochastic gradient descent; 0.001 is SimGAN's rate in the first public implementations."""

    rate: float = 1e-3

    def __post_init__(self) -> None:
        _check(self.rate)

    def over(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """Return the optimiser of these parameters."""
        return torch.optim.SGD(parameters, lr=self.rate)


@dataclass(frozen=True, kw_only=True)
class Adam:
    """Adam with the first moment that GANs use."""

    rate: float = 1e-3
    beta1: float = 0.5

    def __post_init__(self) -> None:
        _check(self.rate)
        if not 0 <= self.beta1 < 1:
            raise UserMistake(f"beta1 is {self.beta1}; allowed: a number from 0 on, below 1.")

    def over(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """Return the optimiser of these parameters."""
        return torch.optim.Adam(parameters, lr=self.rate, betas=(self.beta1, 0.999))


def descend(loss: Tensor, optimiser: torch.optim.Optimizer) -> None:
    """Take one step down ``loss``; gradients are computed for the optimiser's own parameters and no others."""
    parameters = [parameter for group in optimiser.param_groups for parameter in group["params"]]
    for parameter, slope in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
        parameter.grad = slope
    optimiser.step()


def _check(rate: float) -> None:
    if not 0 < rate < inf:
        raise UserMistake(f"learning rate is {rate}; allowed: a number above 0.")
