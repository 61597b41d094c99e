"""How weights are updated."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf
from typing import Any

import torch
from torch import Tensor, nn

from mistakes import UserMistake

Parameters = Iterable[nn.Parameter] | Iterable[dict[str, Any]]
"""Parameters, or groups of them with settings of their own, as torch's optimisers take them."""


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


@dataclass(frozen=True, kw_only=True)
class StepDecay:
    """A rate that is multiplied by ``decay`` after every ``every`` updates."""

    rate: float
    decay: float = 0.95
    every: int = 10_000

    def __post_init__(self) -> None:
        _check(self.rate)
        if not (0 < self.decay <= 1 and self.every >= 1):
            raise UserMistake(
                f"optimiser has decay {self.decay}, every {self.every}; allowed: 0 < decay ≤ 1, every ≥ 1."
            )

    def with_decay(self, optimiser: torch.optim.Optimizer) -> torch.optim.Optimizer:
        """Let the optimiser count its updates and lower its rate after every ``every`` of them; return it."""
        for group in optimiser.param_groups:
            group["updates"] = 0

        def after(optimiser: torch.optim.Optimizer, *_: object) -> None:
            for group in optimiser.param_groups:
                group["updates"] += 1
                group["lr"] = self.rate * self.decay ** (group["updates"] // self.every)

        optimiser.register_step_post_hook(after)
        return optimiser


@dataclass(frozen=True, kw_only=True)
class DecayedAdam(StepDecay):
    """Adam as PixelDA's release uses it: its rate falls in steps, and gradients are clipped to the norm ``clip``.

    Clipping is tensor by tensor.
    """

    rate: float = 1e-3
    beta1: float = 0.5
    clip: float = 5.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (0 <= self.beta1 < 1 and self.clip > 0):
            raise UserMistake(
                f"optimiser has beta1 {self.beta1}, clip {self.clip}; allowed: 0 ≤ beta1 < 1, clip > 0."
            )

    def over(self, parameters: Parameters) -> torch.optim.Optimizer:
        """Return the optimiser of these parameters."""
        optimiser = torch.optim.Adam(parameters, lr=self.rate, betas=(self.beta1, 0.999))
        optimiser.register_step_pre_hook(lambda optimiser, *_: _clip(optimiser, self.clip))
        return self.with_decay(optimiser)


@dataclass(frozen=True, kw_only=True)
class DecayedSgd(StepDecay):
    """Gradient descent with momentum as DSN's release uses it: its rate falls in steps."""

    rate: float = 1e-2
    every: int = 20_000
    momentum: float = 0.9

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.momentum < 1:
            raise UserMistake(f"momentum is {self.momentum}; allowed: a number from 0 on, below 1.")

    def over(self, parameters: Parameters) -> torch.optim.Optimizer:
        """Return the optimiser of these parameters."""
        return self.with_decay(torch.optim.SGD(parameters, lr=self.rate, momentum=self.momentum))


Optimiser = Sgd | Adam | DecayedAdam | DecayedSgd


def updates(optimiser: torch.optim.Optimizer) -> int:
    """Return how many updates an optimiser made by :class:`StepDecay` has done."""
    return int(optimiser.param_groups[0]["updates"])


def _clip(optimiser: torch.optim.Optimizer, max_norm: float) -> None:
    """Clip every gradient to ``max_norm``, in two launches for all and without waiting for the device."""
    found = (parameter.grad for group in optimiser.param_groups for parameter in group["params"])
    gradients = [gradient for gradient in found if gradient is not None]
    scales = (max_norm / torch.stack(torch._foreach_norm(gradients))).clamp(max=1)
    torch._foreach_mul_(gradients, list(scales))


def descend(loss: Tensor, optimiser: torch.optim.Optimizer) -> None:
    """Take one step down ``loss``; gradients are computed for the optimiser's own parameters and no others.

    Parameters that ``loss`` does not reach, or that are frozen, stay as they are, and so does the optimiser's state of
    them: a gradient of zero would let Adam's second moment forget its start, and its first steps come out too long.
    """
    own = [parameter for group in optimiser.param_groups for parameter in group["params"]]
    parameters = [parameter for parameter in own if parameter.requires_grad]
    gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient
    optimiser.step()


def _check(rate: float) -> None:
    if not 0 < rate < inf:
        raise UserMistake(f"learning rate is {rate}; allowed: a number above 0.")
