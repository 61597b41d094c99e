"""Batch-norm statistics of a network that is no longer trained, taken anew.

Running statistics are a moving average over weights that move. At a high rate they lag behind, and the network that
normalises by them is not the network that was trained.
"""

from collections.abc import Iterable
from typing import TypeVar

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from methods.contract import frozen

Network = TypeVar("Network", bound=nn.Module)


@torch.no_grad()
def re_estimated(network: Network, inputs: Iterable[tuple[object, ...]]) -> Network:
    """Return a frozen copy whose batch norms use the mean of their batches' statistics over passes of the ``inputs``.

    Each of ``inputs`` holds the arguments of one forward pass. The weights stay; without inputs so do the statistics.
    """
    copy = frozen(network).train()
    norms = [module for module in copy.modules() if isinstance(module, _BatchNorm)]
    for count, arguments in enumerate(inputs, 1):
        for norm in norms:
            norm.momentum = 1 / count  # the mean so far; the first pass replaces the running statistics
        copy(*arguments)
    return copy.eval()
