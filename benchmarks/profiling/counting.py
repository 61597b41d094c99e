"""Counts the floating-point operations and the bytes of a piece of work while it runs."""

from collections.abc import Callable
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode


def flops_of(work: Callable[[], object]) -> int:
    """Return the floating-point operations of the matrix products and convolutions of a call, gradients included."""
    with FlopCounterMode(display=False) as counter:
        work()
    return counter.get_total_flops()


def bytes_of(work: Callable[[], object]) -> int:
    """Return the bytes of all tensors that the operations of a call read or write, caches aside; views move no bytes."""
    with _Bytes() as moved:
        work()
    return moved.total


class _Bytes(TorchDispatchMode):
    """Counts bytes operation by operation."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.total = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if not func.is_view:
            leaves = tree_leaves((args, kwargs, out))
            self.total += sum(leaf.nbytes for leaf in leaves if isinstance(leaf, torch.Tensor))
        return out
