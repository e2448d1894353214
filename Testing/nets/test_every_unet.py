"""What holds for both U-Nets: sizes, the continuation of odd images, the prior, gradients, and that they can learn at all."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.nn import functional

from PartialLabelSegLib.losses.masked import masked_bce
from PartialLabelSegLib.nets.architecture import Architecture
from PartialLabelSegLib.nets.unet import UNet
from PartialLabelSegLib.nets.unet_plus_plus import UNetPlusPlus

Kind = type[UNet] | type[UNetPlusPlus]


@pytest.fixture(params=[UNet, UNetPlusPlus])
def kind(request: pytest.FixtureRequest) -> Kind:
    chosen: Kind = request.param
    return chosen


def seeded(seed: int = 0) -> torch.Generator:
    """A generator for weights and images."""
    return torch.Generator().manual_seed(seed)


def small(kind: Kind, dimensions: int = 2, **changes: Any) -> UNet | UNetPlusPlus:
    """A network of three levels that runs in milliseconds."""
    return kind(Architecture(3, 2, dimensions, **{"widths": (4, 6, 8), **changes}), seeded())


@pytest.mark.parametrize("norm", ["batch", "instance", "group", "none"])
@pytest.mark.parametrize("layout", ["plain", "paper"])
@pytest.mark.parametrize("size", [(8, 8), (7, 13), (1, 5), (3, 9, 6), (1, 4, 5)])
def test_logits_and_features_have_the_size_of_any_image(
    kind: Kind, size: tuple[int, ...], layout: str, norm: str
) -> None:
    network = small(kind, len(size), norm=norm, layout=layout)
    image = torch.randn(2, 2, *size, generator=seeded(1))
    assert network(image).shape == (2, 3, *size)
    assert network.features(image).shape == (2, network.feature_count, *size)


def test_an_odd_image_is_continued_by_its_edge_and_cut_back(kind: Kind) -> None:
    network = small(kind, norm="none").eval()
    image = torch.randn(1, 2, 6, 7, generator=seeded(1))
    continued = functional.pad(image, (0, 1, 0, 2), mode="replicate")
    assert torch.equal(network(image), network(continued)[..., :6, :7])


@pytest.mark.parametrize("layout", ["plain", "paper"])
@pytest.mark.parametrize("norm", ["batch", "instance", "none"])
def test_an_untrained_network_predicts_the_prior_of_each_structure(kind: Kind, norm: str, layout: str) -> None:
    prior = (0.01, 0.2, 0.5)
    network = small(kind, norm=norm, layout=layout, prior=prior)
    probability = torch.sigmoid(network(torch.randn(4, 2, 16, 16, generator=seeded(1))))
    assert probability.mean((0, 2, 3)).tolist() == pytest.approx(prior, rel=0.25)


@pytest.mark.parametrize("dimensions", [2, 3])
@pytest.mark.parametrize("layout", ["plain", "paper"])
def test_every_parameter_gets_a_gradient(kind: Kind, dimensions: int, layout: str) -> None:
    network = small(kind, dimensions, norm="instance", layout=layout)
    network(torch.randn(1, 2, *(8,) * dimensions, generator=seeded(1))).square().sum().backward()
    without = [name for name, value in network.named_parameters() if value.grad is None or not value.grad.any()]
    assert without == []


@pytest.mark.parametrize("widths", [(4, 8), (4, 6, 8)])
def test_a_structure_that_is_only_bright_is_learned_in_a_few_steps(kind: Kind, widths: tuple[int, ...]) -> None:
    network = kind(Architecture(1, widths=widths), seeded())
    optimiser = torch.optim.Adam(network.parameters(), lr=0.02)
    image = torch.randn(4, 1, 16, 16, generator=seeded(3))
    bright = image > 0.5
    for _ in range(60):
        optimiser.zero_grad()
        loss = masked_bce(network(image), bright, torch.ones_like(image))
        loss.backward()
        optimiser.step()
    assert ((network(image) > 0) == bright).float().mean() > 0.95
