"""A 3 × 3 convolution whose weights' gradient is one matrix product where that is the faster way."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.grad import conv2d_input

WIDE, MANY = 64, 1 << 15  # channels and pixels from which on the product pays, on a CPU
CHUNK = 1 << 17  # pixels gathered at a time: 302 MB for 64 channels


class Convolution(nn.Conv2d):
    """3 × 3, stride 1, as many rows and columns out as in.

    On a CPU the usual kernel for the weights' gradient in channels-last reaches half the rate of the other two
    (oneDNN 3.13 without AVX-512), which for wide layers a product of gathered neighbourhoods does better.
    """

    def __init__(self, before: int, after: int) -> None:
        super().__init__(before, after, 3, padding=1)

    def forward(self, images: Tensor) -> Tensor:
        """Map N × before × H × W to N × after × H × W."""
        pixels = images.numel() // images.shape[1]
        if images.device.type == "cpu" and min(self.weight.shape[:2]) >= WIDE and pixels >= MANY:
            return _Product.apply(images, self.weight, self.bias)
        return super().forward(images)


class _Product(torch.autograd.Function):
    """The convolution with its other gradient."""

    @staticmethod
    def forward(context: Any, images: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """Return the convolution."""
        context.save_for_backward(images, weight)
        return F.conv2d(images, weight, bias, padding=1)

    @staticmethod
    def backward(context: Any, slopes: Tensor) -> tuple[Tensor | None, Tensor, Tensor]:
        """Return the gradients for images, weight and bias."""
        images, weight = context.saved_tensors
        before = None
        if context.needs_input_grad[0]:
            before = conv2d_input(images.shape, weight, slopes, padding=1)
        return before, weight_gradient(images, slopes), slopes.sum((0, 2, 3))


def weight_gradient(images: Tensor, slopes: Tensor) -> Tensor:
    """Return Σ over pixels p of slope at p ⊗ 3 × 3 neighbourhood of p, after × before × 3 × 3.

    ``images`` are N × before × H × W, ``slopes`` N × after × H × W.
    """
    channels, (height, width) = images.shape[1], images.shape[2:]
    total = images.new_zeros(9 * channels, slopes.shape[1])
    count = max(1, CHUNK // (height * width))
    for some, slope in zip(images.split(count), slopes.split(count), strict=True):
        framed = F.pad(some.permute(0, 2, 3, 1), (0, 0, 1, 1, 1, 1)).contiguous()
        image, row, column, _ = framed.stride()
        around = framed.as_strided(
            (len(some), height, width, 3, 3 * channels), (image, row, column, row, 1)
        )  # the three neighbours of a row lie side by side
        gathered = around.reshape(-1, 9 * channels)
        total = total.addmm(gathered.t(), slope.permute(0, 2, 3, 1).reshape(-1, slope.shape[1]))
    return total.view(3, 3, channels, -1).permute(3, 2, 0, 1)
