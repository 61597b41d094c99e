"""What methods promise and every run checks: the form of answers, and data that are left as they are.

Adapters and predictors are called by :func:`paint` and :func:`answer` alone.
"""

from collections.abc import Callable, Mapping
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from datasets.sealing import closed
from methods.contract import Adapter, Config, Method

SUMMED_BYTES = 1 << 20  # at a time


class BrokenPromise(Exception):
    """A method does not keep its contract; the text is the reason in the record of its failed run."""


class Diverged(Exception):
    """A loss term, an answer or a score is not finite; the text is the reason in the record of the diverged run."""


class DataChanged(BrokenPromise):
    """The images, labels or masks that later runs need were written into."""


@closed()
@torch.inference_mode()
def paint(adapter: Adapter, source: Tensor, random: torch.Generator) -> Tensor:
    """Return adapted images, N × C × H × W float32 like ``source``.

    Raises :class:`BrokenPromise` for another shape or type, and :class:`Diverged`.
    """
    images = adapter(source, random)
    if images.shape != source.shape or images.dtype != source.dtype:
        raise BrokenPromise(
            f"the adapter paints {_form(images)}; allowed: {_form(source)}, the form of its source images."
        )
    if not images.isfinite().all():
        raise Diverged("the adapter paints values that are not finite")
    return images


@closed()
@torch.inference_mode()
def answer(model: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    """Return a task model's outputs, N × outputs.

    Raises :class:`BrokenPromise` for another number of rows or axes or no float numbers, and :class:`Diverged`.
    """
    outputs = model(images)
    if outputs.ndim != 2 or len(outputs) != len(images) or not outputs.is_floating_point():
        raise BrokenPromise(
            f"the task model puts out {_form(outputs)}; allowed: float numbers, {len(images)} × outputs."
        )
    if not outputs.isfinite().all():
        raise Diverged("the task model puts out values that are not finite")
    return outputs


def _form(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} of shape {tuple(tensor.shape)}"


def check_labels_wanted(config: Config, method: Method) -> None:
    """Raise :class:`BrokenPromise` for a method with a state that wants the target's labels: only a bound gets them."""
    if config.TRAINS_ON == "target" and method.state:
        raise BrokenPromise(
            f'{type(config).__name__}.TRAINS_ON is "target", which gives a row the labels of the target, '
            f'and the method trains {", ".join(method.state)}; allowed: "source", or a bound that trains nothing.'
        )


class Unchanged:
    """Knows tensors by name as they are when this is made, by checksums that are computed where the tensors lie."""

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        self._tensors = tensors
        self._sums = {name: checksum(tensor) for name, tensor in tensors.items()}

    def check(self) -> None:
        """Raise :class:`DataChanged` if a tensor has other content than before, however it was written into."""
        now = {name: checksum(tensor) for name, tensor in self._tensors.items()}
        if changed := [name for name, total in now.items() if not torch.equal(total, self._sums[name])]:
            raise DataChanged(
                f"the method wrote into the bench's own data ({', '.join(changed)}); allowed: writing into copies."
            )


def checksum(tensor: Tensor) -> Tensor:
    """Return sums of a tensor's bytes (int64, one for each ``SUMMED_BYTES``): any other word of 8 bytes alters its sum.

    Words are multiplied by odd random numbers modulo 2⁶⁴, so that words that change places show too.
    """
    odd, sums = _odd(tensor.device), []
    for part in tensor.contiguous().view(torch.uint8).flatten().split(SUMMED_BYTES):
        words = F.pad(part, (0, -len(part) % 8)).view(torch.int64)
        sums.append((words * odd[: len(words)]).sum())
    return torch.stack(sums)


@cache
def _odd(device: torch.device) -> Tensor:
    random = torch.Generator().manual_seed(0)
    words = torch.randint(-(2**62), 2**62, (SUMMED_BYTES // 8,), generator=random)
    return words.mul_(2).add_(1).to(device)
