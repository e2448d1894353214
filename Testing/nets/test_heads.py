"""The confidence head and the network around it: what is trained, and what must never move."""

from __future__ import annotations

import pytest
import torch

from PartialLabelSegLib.losses.masked import confidence_regression
from PartialLabelSegLib.nets.architecture import Architecture
from PartialLabelSegLib.nets.heads import ConfidenceHead, ConfidenceNetwork
from PartialLabelSegLib.nets.unet import UNet


def seeded(seed: int = 0) -> torch.Generator:
    """A generator for weights and images."""
    return torch.Generator().manual_seed(seed)


def a_segmentation() -> UNet:
    """A small segmentation network with running statistics."""
    return UNet(Architecture(2, widths=(4, 6)), seeded())


def a_confidence(segmentation: UNet, frozen: bool) -> ConfidenceNetwork:
    """A confidence network with a narrow head."""
    head = ConfidenceHead(4, 2, widths=(6, 4), generator=seeded(1))
    return ConfidenceNetwork(segmentation, head, frozen)


def state(module: torch.nn.Module) -> dict[str, bytes]:
    """Every parameter and running statistic as bytes."""
    return {name: value.detach().numpy().tobytes() for name, value in module.state_dict().items()}


def train_one_step(network: ConfidenceNetwork) -> None:
    """One step of confidence training, in training mode."""
    network.train()
    optimiser = torch.optim.SGD(network.trainable_parameters(), lr=0.1)
    image = torch.randn(2, 1, 8, 8, generator=seeded(2))
    logits = network(image)
    confidence_regression(logits, torch.rand(logits.shape, generator=seeded(3)), torch.ones_like(logits)).backward()
    optimiser.step()


def test_the_paper_head_has_about_0_8_million_parameters() -> None:
    count = sum(parameter.numel() for parameter in ConfidenceHead(64, 7).parameters())
    assert 0.75e6 < count < 0.85e6


@pytest.mark.parametrize("size", [(5, 7), (3, 4, 5)])
@pytest.mark.parametrize("widths", [(6, 4), (3,), ()])
def test_the_head_keeps_the_size_of_the_image(size: tuple[int, ...], widths: tuple[int, ...]) -> None:
    head = ConfidenceHead(4, 2, len(size), widths)
    assert head(torch.zeros(1, 4, *size)).shape == (1, 2, *size)


@pytest.mark.parametrize("frozen", [True, False])
def test_confidence_training_leaves_the_segmentation_byte_identical(frozen: bool) -> None:
    segmentation = a_segmentation()
    before = state(segmentation)
    train_one_step(a_confidence(segmentation, frozen))
    assert state(segmentation) == before


@pytest.mark.parametrize("frozen", [True, False])
def test_the_head_learns_and_the_backbone_only_where_it_is_not_frozen(frozen: bool) -> None:
    network = a_confidence(a_segmentation(), frozen)
    backbone, head = state(network.backbone), state(network.head)
    train_one_step(network)
    assert state(network.head) != head
    assert (state(network.backbone) == backbone) is frozen


def test_a_frozen_backbone_is_neither_offered_to_the_optimiser_nor_put_into_training_mode() -> None:
    network = a_confidence(a_segmentation(), frozen=True).train()
    offered = {id(parameter) for parameter in network.trainable_parameters()}
    assert offered == {id(parameter) for parameter in network.head.parameters()}
    assert not any(module.training for module in network.backbone.modules())
    assert network.head.training


def test_every_offered_parameter_receives_a_gradient() -> None:
    network = a_confidence(a_segmentation(), frozen=False).train()
    network(torch.randn(2, 1, 8, 8, generator=seeded(2))).sum().backward()
    assert all(parameter.grad is not None for parameter in network.trainable_parameters())


def test_before_training_the_copy_sees_the_features_of_the_original() -> None:
    segmentation = a_segmentation().eval()
    network = a_confidence(segmentation, frozen=False)
    image = torch.randn(1, 1, 7, 9, generator=seeded(2))
    assert torch.equal(network(image), network.head(segmentation.features(image)))


def test_confidence_is_float32_and_not_rounded_to_bfloat16_under_autocast() -> None:
    network = a_confidence(a_segmentation(), frozen=True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = network(torch.randn(1, 1, 16, 16, generator=seeded(2)))
    assert logits.dtype == torch.float32
    assert not torch.equal(logits, logits.bfloat16().float())
