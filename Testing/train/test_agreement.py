"""What views and teacher say at once: the gradient of the whole graph, without keeping it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from PartialLabelSegLib.losses.consistency import between_views, with_teacher
from PartialLabelSegLib.nets.architecture import Architecture
from PartialLabelSegLib.nets.unet import UNet
from PartialLabelSegLib.train.agreement import Agreement, agreement, carried
from PartialLabelSegLib.train.meta import learned_parameters
from PartialLabelSegLib.train.views import View

VIEWS = (View(1.25), View(0.8), View(0.65, 1, (1, 0)))


def a_network(norm: str, dimensions: int = 2) -> nn.Module:
    generator = torch.Generator().manual_seed(1)
    return UNet(Architecture(2, 1, dimensions, (4, 6), norm=norm, prior=0.3), generator).double().train()


def drawn(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(5), dtype=torch.float64)


def found(
    network: nn.Module, image: Tensor, views: tuple[View, ...], teacher: Tensor | None, weight: float
) -> Agreement:
    return agreement(network, learned_parameters(network), image, views, teacher, weight)


@pytest.mark.parametrize("norm", ["batch", "instance"])
@pytest.mark.parametrize("size", [(12, 11), (6, 10, 9)])
@pytest.mark.parametrize("views", [(), VIEWS])
def test_terms_and_gradient_are_those_of_one_graph(norm: str, size: tuple[int, ...], views: tuple[View, ...]) -> None:
    network = a_network(norm, len(size))
    image, teacher = drawn(2, 1, *size), drawn(2, 2, *size)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    quick = found(network, image, views, teacher, 0.5)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert all(value.grad is None for value in network.parameters())
    said = [torch.sigmoid(network(image)), *(view.back(torch.sigmoid(network(view.of(image))), size) for view in views)]
    terms = {"consistency_teacher": 0.5 * with_teacher(said[0], teacher)}
    if views:
        seen = [torch.ones(size, dtype=torch.bool), *(view.seen(size) for view in views)]
        terms["consistency_views"] = 0.5 * between_views(said, seen)
    torch.stack(list(terms.values())).sum().backward()
    assert {name: float(value) for name, value in quick.terms.items()} == pytest.approx(
        {name: float(value.detach()) for name, value in terms.items()}, rel=1e-10
    )
    assert not any(value.requires_grad for value in (*quick.terms.values(), quick.probability))
    for name, value in network.named_parameters():
        assert value.grad is not None and torch.allclose(quick.gradient[name], value.grad, rtol=1e-8, atol=1e-14)


def test_without_views_the_pseudo_labels_are_those_of_the_plain_prediction() -> None:
    network, image = a_network("batch"), drawn(2, 1, 12, 10)
    assert torch.equal(found(network, image, (), drawn(2, 2, 12, 10), 1.0).probability, torch.sigmoid(network(image)))


def test_without_weight_there_is_no_term_but_the_mean_over_the_views() -> None:
    network, image = a_network("instance"), drawn(2, 1, 12, 10)
    found_here = found(network, image, VIEWS, drawn(2, 2, 12, 10), 0.0)
    assert not found_here.terms and not found_here.gradient
    with_terms = found(network, image, VIEWS, None, 1.0)
    assert list(with_terms.terms) == ["consistency_views"]
    assert torch.allclose(found_here.probability, with_terms.probability)
    corner = torch.sigmoid(network(image))[..., 0, 0]
    assert not torch.allclose(found_here.probability[..., 5, 5], torch.sigmoid(network(image))[..., 5, 5])
    # The outermost corner is seen by no other view.
    assert torch.allclose(found_here.probability[..., 0, 0], corner)


def test_under_autocast_views_are_computed_again_in_the_same_precision() -> None:
    network, image = a_network("batch").float(), drawn(2, 1, 12, 10).float()
    exact = found(network, image, VIEWS, None, 1.0)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = found(network, image, VIEWS, None, 1.0)
        network(image).sum().backward()
    assert float(rounded.terms["consistency_views"]) == pytest.approx(float(exact.terms["consistency_views"]), rel=0.1)
    assert all(value.grad is not None and value.grad.any() for value in network.parameters())


def test_a_carried_gradient_arrives_and_the_value_stays() -> None:
    network = a_network("instance")
    gradient = {name: torch.rand_like(value) for name, value in network.named_parameters()}
    term = carried(torch.tensor(0.25, dtype=torch.float64), gradient, network)
    assert term.item() == 0.25
    (2 * term).backward()
    for name, value in network.named_parameters():
        assert value.grad is not None and torch.allclose(value.grad, 2 * gradient[name])


def test_a_carried_gradient_that_is_not_a_number_leaves_the_value_one() -> None:
    network = a_network("instance")
    gradient = {name: torch.full_like(value, torch.nan) for name, value in network.named_parameters()}
    term = carried(torch.tensor(0.25), gradient, network)
    assert term.item() == 0.25
    term.backward()
    assert all(value.grad is not None and value.grad.isnan().all() for value in network.parameters())
