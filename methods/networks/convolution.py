"""A 3 × 3 convolution that takes its weights' gradient by one matrix product where that is faster."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.grad import conv2d_input

MIN_CHANNELS, MIN_PIXELS = 64, 1 << 15  # from these on, the product is faster on a CPU
MAX_GATHERED = 1 << 17  # pixels at a time: 302 MB for 64 channels


class Convolution(nn.Conv2d):
    """3 × 3, stride 1; the output is as high and wide as the input.

    In channels-last on a CPU, the usual kernel for the weights' gradient reaches half the rate of the kernels for the
    output and the images' gradient (oneDNN 3.13 without AVX-512). A product of gathered neighbourhoods is faster for
    wide layers.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, 3, padding=1)

    def forward(self, images: Tensor) -> Tensor:
        """Map N × in_channels × H × W to N × out_channels × H × W."""
        pixels = images.numel() // images.shape[1]
        if (
            images.device.type == "cpu"
            and min(self.weight.shape[:2]) >= MIN_CHANNELS
            and pixels >= MIN_PIXELS
        ):
            return _Product.apply(images, self.weight, self.bias)
        return super().forward(images)


class _Product(torch.autograd.Function):
    """The same convolution, whose weights' gradient is :func:`weight_gradient`."""

    @staticmethod
    def forward(context: Any, images: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """Return the convolution."""
        context.save_for_backward(images, weight)
        return F.conv2d(images, weight, bias, padding=1)

    @staticmethod
    def backward(context: Any, grad_output: Tensor) -> tuple[Tensor | None, Tensor, Tensor]:
        """Return the gradients for images, weight and bias."""
        images, weight = context.saved_tensors
        grad_images = None
        if context.needs_input_grad[0]:
            grad_images = conv2d_input(images.shape, weight, grad_output, padding=1)
        return grad_images, weight_gradient(images, grad_output), grad_output.sum((0, 2, 3))


def weight_gradient(images: Tensor, grad_output: Tensor) -> Tensor:
    """Return Σ over pixels p of grad_output at p ⊗ 3 × 3 neighbourhood of p, out_channels × in_channels × 3 × 3.

    ``images`` are N × in_channels × H × W, ``grad_output`` is N × out_channels × H × W.
    """
    channels, (height, width) = images.shape[1], images.shape[2:]
    total = images.new_zeros(9 * channels, grad_output.shape[1])
    count = max(1, MAX_GATHERED // (height * width))
    for part, grad in zip(images.split(count), grad_output.split(count), strict=True):
        framed = F.pad(part.permute(0, 2, 3, 1), (0, 0, 1, 1, 1, 1)).contiguous()
        image, row, column, _ = framed.stride()
        # the three neighbours in one row lie side by side in memory
        around = framed.as_strided((len(part), height, width, 3, 3 * channels), (image, row, column, row, 1))
        gathered = around.reshape(-1, 9 * channels)
        total = total.addmm(gathered.t(), grad.permute(0, 2, 3, 1).reshape(-1, grad.shape[1]))
    return total.view(3, 3, channels, -1).permute(3, 2, 0, 1)
