"""The convolution whose weights' gradient is a matrix product: the same as torch's, to the second derivative."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from methods.networks import convolution
from methods.networks.convolution import Convolution, weight_gradient


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convolution, "MIN_CHANNELS", 1)
    monkeypatch.setattr(convolution, "MIN_PIXELS", 1)


def gradients(layer: Convolution, images: Tensor) -> list[Tensor]:
    random = torch.Generator().manual_seed(1)
    out = layer(images)
    slopes = torch.randn(out.shape, generator=random, dtype=out.dtype)
    return [out, *torch.autograd.grad(out, (images, *layer.parameters()), slopes)]


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("chunk", [1, 100, 1 << 17])
def test_gradients_are_those_of_torch(
    layout: torch.memory_format, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(convolution, "MAX_GATHERED", chunk)
    layer = Convolution(5, 7).double().to(memory_format=layout)
    images = torch.randn(3, 5, 6, 8, dtype=torch.double).contiguous(memory_format=layout).requires_grad_()
    expected = gradients(layer, images)
    monkeypatch.setattr(convolution, "MIN_CHANNELS", 1)
    monkeypatch.setattr(convolution, "MIN_PIXELS", 1)
    for one, other in zip(gradients(layer, images), expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


def test_weight_gradient_is_the_sum_over_pixels() -> None:
    images, slopes = torch.randn(2, 3, 4, 5), torch.randn(2, 6, 4, 5)
    framed = F.pad(images, (1, 1, 1, 1))
    expected = torch.zeros(6, 3, 3, 3)
    for n in range(2):
        for row in range(4):
            for column in range(5):
                around = framed[n, :, row : row + 3, column : column + 3]
                expected += slopes[n, :, row, column][:, None, None, None] * around
    torch.testing.assert_close(weight_gradient(images, slopes), expected)


@pytest.mark.usefixtures("always")
def test_gradients_have_gradients() -> None:
    layer = Convolution(2, 3).double()
    images = torch.randn(2, 2, 3, 4, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradgradcheck(lambda *_: layer(images), (images, layer.weight))


@pytest.mark.usefixtures("always")
def test_only_what_is_asked_for_is_computed() -> None:
    layer = Convolution(2, 3)
    (slope,) = torch.autograd.grad(layer(torch.randn(1, 2, 4, 4)).sum(), [layer.weight])
    assert slope.shape == layer.weight.shape


@pytest.mark.parametrize(
    ("channels", "images", "product"),
    [(64, (32, 32, 32), True), (64, (31, 32, 32), False), (48, (64, 32, 32), False)],
)
def test_it_is_for_wide_layers_and_many_pixels(
    channels: int, images: tuple[int, int, int], product: bool
) -> None:
    layer = Convolution(channels, channels).to("meta")
    layer.weight = torch.nn.Parameter(torch.randn(channels, channels, 3, 3))
    layer.bias = torch.nn.Parameter(torch.randn(channels))
    count, height, width = images
    out = layer(torch.zeros(count, channels, height, width))
    assert ("_Product" in str(out.grad_fn)) is product
