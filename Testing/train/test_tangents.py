"""Forward mode through norm layers: the same as torch's own."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.func import functional_call

from PartialLabelSegLib.train.tangents import QuickNorms

CHANNELS = 6


def along(layer: nn.Module, quick: bool, learns: bool = True) -> tuple[Tensor, Tensor]:
    """The layer's value and tangent for one input and one direction of input and parameters, in float64."""
    generator = torch.Generator().manual_seed(2)

    def number(shape: torch.Size) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64) + 0.5

    size = torch.Size((3, CHANNELS, 5, 4))
    with torch.no_grad(), forward_ad.dual_level():
        image = forward_ad.make_dual(number(size), number(size))
        values = {name: number(value.shape) for name, value in layer.named_parameters()}
        if learns:
            values = {name: forward_ad.make_dual(value, number(value.shape)) for name, value in values.items()}
        buffers = {name: value.clone() for name, value in layer.named_buffers()}
        if quick:
            with QuickNorms():
                answer = functional_call(layer, {**values, **buffers}, (image,))
        else:
            answer = functional_call(layer, {**values, **buffers}, (image,))
        value, slope = forward_ad.unpack_dual(answer)
    assert slope is not None
    return value, slope


@pytest.mark.parametrize("learns", [True, False])
@pytest.mark.parametrize(
    "layer",
    [
        nn.GroupNorm(CHANNELS, CHANNELS),
        nn.GroupNorm(2, CHANNELS),
        nn.GroupNorm(1, CHANNELS, affine=False),
        nn.BatchNorm2d(CHANNELS),
        nn.BatchNorm2d(CHANNELS, affine=False),
        nn.BatchNorm2d(CHANNELS).eval(),
    ],
    ids=str,
)
def test_value_and_tangent_are_torchs(layer: nn.Module, learns: bool) -> None:
    layer = layer.double()
    for quick, usual in zip(along(layer, True, learns), along(layer, False, learns), strict=True):
        assert usual.abs().max() > 0.1 and torch.allclose(quick, usual, rtol=1e-10, atol=1e-12)


def test_an_input_without_tangent_is_left_to_torch() -> None:
    image = torch.randn(2, CHANNELS, 3, 3, generator=torch.Generator().manual_seed(0))
    layers = (nn.GroupNorm(3, CHANNELS), nn.BatchNorm2d(CHANNELS).eval())
    for layer in layers:
        with QuickNorms(), torch.no_grad():
            assert torch.equal(layer(image), layer(image))
        assert layer(image).requires_grad


def test_running_statistics_are_left_alone() -> None:
    layer = nn.BatchNorm2d(CHANNELS).double()
    assert layer.running_mean is not None
    with torch.no_grad(), forward_ad.dual_level(), QuickNorms():
        image = torch.ones(2, CHANNELS, 3, 3, dtype=torch.float64)
        layer(forward_ad.make_dual(image, image))
    assert not layer.running_mean.any()


def test_away_from_processors_values_of_half_precision_are_computed_in_that_of_the_gains() -> None:
    layer = nn.GroupNorm(3, CHANNELS, device="meta")
    with torch.no_grad(), forward_ad.dual_level(), QuickNorms():
        image = torch.ones(2, CHANNELS, 3, 3, dtype=torch.bfloat16, device="meta")
        value, slope = forward_ad.unpack_dual(layer(forward_ad.make_dual(image, image)))
    assert slope is not None and value.dtype == slope.dtype == torch.float32
