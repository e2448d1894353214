"""The U-Net: the paper's table, strides, gradients, memory and randomness."""

from __future__ import annotations

from typing import Any, cast

import pytest
import torch
from torch import nn

from PartialLabelSegLib.nets.architecture import Architecture
from PartialLabelSegLib.nets.blocks import UpsampleConv
from PartialLabelSegLib.nets.unet import UNet, paper_unet

MEMORY = {2: torch.channels_last, 3: torch.channels_last_3d}


def seeded(seed: int = 0) -> torch.Generator:
    """A generator for weights and images."""
    return torch.Generator().manual_seed(seed)


def small(dimensions: int = 2, **changes: Any) -> UNet:
    """A network of three levels that runs in milliseconds."""
    return UNet(Architecture(3, 2, dimensions, **{"widths": (4, 6, 8), **changes}), seeded())


def parameter_count(network: nn.Module) -> int:
    """Number of trainable numbers."""
    return sum(parameter.numel() for parameter in network.parameters())


def kinds(module: nn.Module) -> list[str]:
    """Class names of the layers of a module in the order in which they stand."""
    return [type(layer).__name__ for layer in module.modules() if not list(layer.children())]


def test_anisotropic_steps_never_pool_the_slices() -> None:
    network = small(3, strides=((1, 2, 2), (1, 2, 2)))
    coarsest = []
    network.down[-1].register_forward_hook(lambda _module, _args, out: coarsest.append(tuple(out.shape[2:])))
    assert network(torch.zeros(1, 2, 3, 8, 8)).shape == (1, 3, 3, 8, 8)
    assert coarsest == [(3, 2, 2)]


@pytest.mark.parametrize("shape", [(2, 8, 8), (1, 3, 8, 8), (1, 2, 8, 8, 8)])
def test_an_image_of_another_kind_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="input must have"):
        small()(torch.zeros(shape))


def test_the_paper_network_has_about_31_million_parameters() -> None:
    assert 30e6 < parameter_count(paper_unet(7)) < 32.5e6


def test_the_paper_network_places_its_layers_as_table_11_does() -> None:
    network = UNet(Architecture(2, widths=(4, 8), layout="paper"), seeded())
    assert kinds(network.down[0]) == ["Conv2d", "ReLU", "Conv2d", "BatchNorm2d", "ReLU"]
    assert kinds(network.down[1]) == ["MaxPool2d", "Conv2d", "ReLU", "Conv2d", "BatchNorm2d", "ReLU"]
    assert kinds(network.up[0]) == ["Upsample", "Conv2d", "BatchNorm2d", "ReLU"]
    assert kinds(network.join[-1]) == ["Conv2d", "ReLU", "Conv2d", "ReLU"]
    upsample = network.up[0]
    assert isinstance(upsample, UpsampleConv)
    assert cast(torch.nn.Conv2d, upsample.convolve[0]).kernel_size == (2, 2)


def test_the_middle_decoder_blocks_of_the_paper_have_one_norm() -> None:
    network = UNet(Architecture(2, widths=(4, 6, 8), layout="paper"), seeded())
    assert kinds(network.join[0]) == ["Conv2d", "ReLU", "Conv2d", "BatchNorm2d", "ReLU"]


@pytest.mark.parametrize("norm", ["batch", "instance", "group"])
def test_the_gradient_agrees_with_finite_differences(norm: str) -> None:
    network = UNet(Architecture(2, 1, widths=(2, 3), norm=norm), seeded()).double()
    image = torch.randn(2, 1, 3, 4, generator=seeded(2), dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(network, (image,), atol=1e-6, eps=1e-7, rtol=1e-3)


@pytest.mark.parametrize("dimensions", [2, 3])
@pytest.mark.parametrize("norm", ["batch", "instance", "group", "none"])
def test_channels_last_changes_the_memory_and_not_the_answer(dimensions: int, norm: str) -> None:
    network = small(dimensions, norm=norm)
    image = torch.randn(2, 2, *(8,) * dimensions, generator=seeded(1))
    expected = network(image)
    network = network.to(memory_format=MEMORY[dimensions])  # type: ignore[call-overload]
    torch.testing.assert_close(network(image.to(memory_format=MEMORY[dimensions])), expected, atol=1e-4, rtol=1e-4)


def test_logits_are_float32_and_not_rounded_to_bfloat16_under_autocast() -> None:
    network = small()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = network(torch.randn(1, 2, 16, 16, generator=seeded(1)))
    assert logits.dtype == torch.float32
    assert not torch.equal(logits, logits.bfloat16().float())


def test_logits_come_from_the_features() -> None:
    network = small().eval()
    image = torch.randn(1, 2, 8, 8, generator=seeded(1))
    assert torch.equal(network(image), network.logits_from(network.features(image)))


def test_the_same_generator_gives_the_same_weights_and_leaves_them_to_no_other() -> None:
    first, second, other = small(), small(), UNet(small().architecture, seeded(9))
    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b)
    assert any(not torch.equal(a, b) for a, b in zip(first.parameters(), other.parameters(), strict=True))


def test_dropout_is_random_in_training_and_absent_in_evaluation() -> None:
    network = small(dropout=0.5, norm="instance")
    image = torch.randn(1, 2, 8, 8, generator=seeded(1))
    assert not torch.equal(network(image), network(image))
    network.eval()
    assert torch.equal(network(image), network(image))


def test_a_network_that_is_flat_throughout_sees_each_slice_by_itself_and_one_that_is_not_does_not() -> None:
    torch.manual_seed(0)
    image = torch.randn(1, 1, 4, 16, 16)
    changed = image.clone()
    changed[:, :, 3] += 1.0
    for flat, alike in ((2, True), (1, False)):
        shape = Architecture(
            2, dimensions=3, widths=(4, 8), strides=((1, 2, 2),), norm="none", prior=0.3, flat_levels=flat
        )
        network = UNet(shape, torch.Generator().manual_seed(1)).eval()
        with torch.no_grad():
            first, second = network(image), network(changed)
        assert torch.allclose(first[:, :, :3], second[:, :, :3], atol=1e-6) is alike
        assert not torch.allclose(first[:, :, 3], second[:, :, 3])
