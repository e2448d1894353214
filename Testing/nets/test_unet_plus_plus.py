"""The nested U-Net: its nodes and what each is joined to, strides, and derivatives in both directions."""

from __future__ import annotations

from typing import Any, TypeGuard

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from PartialLabelSegLib.nets.architecture import Architecture
from PartialLabelSegLib.nets.heads import ConfidenceHead, ConfidenceNetwork
from PartialLabelSegLib.nets.unet_plus_plus import UNetPlusPlus, nested


def seeded(seed: int = 0) -> torch.Generator:
    """A generator for weights and images."""
    return torch.Generator().manual_seed(seed)


def small(dimensions: int = 2, **changes: Any) -> UNetPlusPlus:
    """A network of three levels that runs in milliseconds."""
    return UNetPlusPlus(Architecture(3, 2, dimensions, **{"widths": (4, 6, 8), **changes}), seeded())


def lifting(module: nn.Module) -> TypeGuard[nn.ConvTranspose2d]:
    return isinstance(module, nn.ConvTranspose2d)


def inputs_of(block: nn.Module) -> int:
    """Channels that the first convolution of a block takes."""
    return next(layer.in_channels for layer in block.modules() if isinstance(layer, nn.Conv2d | nn.Conv3d))


def test_three_levels_have_six_nodes_joined_as_in_the_paper() -> None:
    network = small()
    assert nested(3) == [(0, 1), (1, 1), (0, 2)]
    assert [inputs_of(block) for block in network.encoder] == [2, 4, 6]
    # X(0,1) takes X(0,0) and X(1,0) lifted; X(1,1) takes X(1,0) and X(2,0) lifted; X(0,2) takes X(0,0), X(0,1) and X(1,1) lifted.
    assert {name: inputs_of(block) for name, block in network.join.items()} == {"0-1": 8, "1-1": 12, "0-2": 12}
    lifts = {name: (up.in_channels, up.out_channels) for name, up in network.up.items() if lifting(up)}
    assert lifts == {"0-1": (6, 4), "1-1": (8, 6), "0-2": (6, 4)}


def test_the_number_of_nodes_is_that_of_a_triangle() -> None:
    assert [levels + len(nested(levels)) for levels in (2, 3, 4, 5)] == [3, 6, 10, 15]


def wired_by_hand(network: UNetPlusPlus, x: Tensor) -> Tensor:
    """The features of three levels without norm, written out with torch's functions and the network's weights."""
    weights = network.state_dict()

    def block(name: str, value: Tensor, stride: int = 1) -> Tensor:
        for place, step in ((0, stride), (2, 1)):
            kernel, bias = weights[f"{name}.{place}.weight"], weights[f"{name}.{place}.bias"]
            value = functional.leaky_relu(functional.conv2d(value, kernel, bias, stride=step, padding=1), 0.01)
        return value

    def lifted(name: str, value: Tensor) -> Tensor:
        return functional.conv_transpose2d(value, weights[f"{name}.weight"], weights[f"{name}.bias"], stride=2)

    x00 = block("encoder.0", x)
    x10 = block("encoder.1", x00, 2)
    x20 = block("encoder.2", x10, 2)
    x01 = block("join.0-1", torch.cat([x00, lifted("up.0-1", x10)], 1))
    x11 = block("join.1-1", torch.cat([x10, lifted("up.1-1", x20)], 1))
    return block("join.0-2", torch.cat([x00, x01, lifted("up.0-2", x11)], 1))


def test_it_equals_a_network_wired_by_hand() -> None:
    network = small(norm="none").double()
    image = torch.randn(2, 2, 8, 12, generator=seeded(1), dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(network.features(image), wired_by_hand(network, image), atol=1e-12, rtol=1e-12)


def test_anisotropic_steps_never_pool_the_slices_and_flat_levels_look_within_them() -> None:
    network = small(3, strides=((1, 2, 2), (1, 2, 2)), flat_levels=3, norm="none", prior=0.3).eval()
    image = torch.randn(1, 2, 3, 8, 8, generator=seeded(1))
    changed = image.clone()
    changed[:, :, 2] += 1
    with torch.no_grad():
        first, second = network(image), network(changed)
    assert first.shape == (1, 3, 3, 8, 8)
    assert torch.allclose(first[:, :, :2], second[:, :, :2], atol=1e-6)
    assert not torch.allclose(first[:, :, 2], second[:, :, 2])


@pytest.mark.parametrize("norm", ["instance", "group", "batch", "none"])
def test_a_derivative_forwards_agrees_with_finite_differences(norm: str) -> None:
    network = small(norm=norm).double().eval()
    image = torch.randn(2, 2, 7, 8, generator=seeded(1), dtype=torch.float64)
    weights = {name: value.detach() for name, value in network.named_parameters()}
    generator = seeded(2)
    way = {n: torch.randn(v.shape, generator=generator, dtype=v.dtype) for n, v in weights.items()}

    def logits(values: dict[str, Tensor]) -> Tensor:
        result: Tensor = torch.func.functional_call(network, values, (image,))
        return result

    forwards = torch.func.jvp(logits, (weights,), (way,))[1]
    step = 1e-6
    ahead, behind = ({n: v + sign * step * way[n] for n, v in weights.items()} for sign in (1, -1))
    torch.testing.assert_close(forwards, (logits(ahead) - logits(behind)) / (2 * step), atol=1e-4, rtol=1e-4)


def test_the_confidence_begins_as_the_probability_on_it() -> None:
    network = small(norm="instance").eval()
    head = ConfidenceHead(network.feature_count, 3, widths=(8,), generator=seeded(4))
    image = torch.randn(1, 2, 9, 8, generator=seeded(1))
    assert torch.equal(ConfidenceNetwork(network, head, correcting=True)(image), network(image))
