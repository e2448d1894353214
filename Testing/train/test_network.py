"""Networks from plans and files: the same weights again, or a sentence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from PartialLabelSegLib.config import Plan, to_json
from PartialLabelSegLib.nets.unet_plus_plus import UNetPlusPlus
from PartialLabelSegLib.run.failure import Failure
from PartialLabelSegLib.train.checkpoint import save
from PartialLabelSegLib.train.network import (
    build_confidence,
    build_segmentation,
    load_segmentation,
    load_weights,
    placed,
    save_network,
)
from train.making import CPU, plan_of


def same(first: nn.Module, second: nn.Module) -> bool:
    theirs = second.state_dict()
    return all(torch.equal(value, theirs[name]) for name, value in first.state_dict().items())


@pytest.mark.parametrize("dimensions", ["2d", "2.5d", "3d"])
def test_a_saved_network_comes_back_with_its_plan(tmp_path: Path, dimensions: str) -> None:
    plan = plan_of(dimensions=dimensions)
    network = placed(build_segmentation(plan, 5), CPU, plan)
    save_network(tmp_path / "segmentation.pt", plan, network.state_dict())
    found, found_plan = load_segmentation(tmp_path / "segmentation.pt")
    assert found_plan == plan and same(found, network)
    size = plan.patch if dimensions == "3d" else plan.patch[1:]
    image = torch.randn(2, plan.channels, *size)
    with torch.no_grad():
        assert torch.allclose(found.eval()(image), network.eval()(image), atol=1e-5)


def test_the_first_weights_depend_on_the_seed_alone() -> None:
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = build_segmentation(plan_of(), 7)
    torch.manual_seed(2)
    assert same(first, build_segmentation(plan_of(), 7)) and not same(first, build_segmentation(plan_of(), 8))
    torch.manual_seed(1)
    build_segmentation(plan_of(), 7)
    assert torch.equal(torch.get_rng_state(), state)


def test_the_output_starts_near_the_prior() -> None:
    plan = replace(plan_of(), prior=0.02)
    with torch.no_grad():
        probability = torch.sigmoid(build_segmentation(plan, 0).eval()(torch.randn(1, 1, 24, 24)))
    assert 0.01 < float(probability.mean()) < 0.04


def test_the_papers_network_is_built_where_the_plan_asks_for_it() -> None:
    plan = replace(plan_of(), architecture="paper")
    assert sum(value.numel() for value in build_segmentation(plan, 0).parameters()) > 30_000_000


@pytest.mark.parametrize("dimensions", ["2d", "2.5d", "3d"])
def test_the_nested_network_is_built_where_the_plan_asks_for_it_and_carries_the_confidence(dimensions: str) -> None:
    plan = plan_of(dimensions=dimensions)
    strides = (*plan.strides, plan.strides[-1])
    plan = replace(plan, architecture="unet++", widths=(4, 6, 8), strides=strides)
    network = build_segmentation(plan, 3)
    assert isinstance(network, UNetPlusPlus) and same(network, build_segmentation(plan, 3))
    image = torch.randn(1, plan.channels, *(plan.patch if dimensions == "3d" else plan.patch[1:]))
    logits = network(image)
    assert logits.shape == (1, len(plan.structures), *image.shape[2:])
    confidence = build_confidence(network, plan, False, 0, correcting=True)
    # A head that corrects begins with a correction of nothing.
    assert torch.equal(confidence(image), logits)


def test_weights_of_another_architecture_are_refused(tmp_path: Path) -> None:
    plan = plan_of()
    save_network(tmp_path / "segmentation.pt", plan, build_segmentation(plan, 0).state_dict())
    for other in (
        replace(plan, widths=(8, 16)),
        replace(plan, architecture="unet++"),
        plan_of(("A", "B")),
        plan_of(dimensions="3d"),
    ):
        with pytest.raises(Failure, match=r"segmentation\.pt.* holds another network.*Delete"):
            load_weights(build_segmentation(other, 0), tmp_path / "segmentation.pt", "the network of a round")


def test_a_network_that_learned_from_something_else_is_refused(tmp_path: Path) -> None:
    plan, path = plan_of(), tmp_path / "segmentation.pt"
    save_network(path, plan, build_segmentation(plan, 0).state_dict(), {"made_with": "these labels"})
    network = build_segmentation(plan, 1)
    with pytest.raises(Failure, match=r"segmentation\.pt"):
        load_weights(network, path, "the network of a round", "other labels")
    load_weights(network, path, "the network of a round", "these labels")
    assert same(network, build_segmentation(plan, 0))


@pytest.mark.parametrize(
    "change",
    [
        lambda plan: {},
        lambda plan: {"plan": "quick"},
        lambda plan: {"plan": {**plan, "widths": [8]}},
        lambda plan: {"plan": {**plan, "norm": "unknown"}},
        lambda plan: {"plan": {**plan, "strides": [[1, 1, 1], [1, 2, 0]]}},
        lambda plan: {"plan": plan, "weights": [1, 2]},
        lambda plan: {"plan": plan},
    ],
)
def test_a_network_file_with_a_damaged_plan_or_no_weights_is_refused(tmp_path: Path, change: Any) -> None:
    save(tmp_path / "segmentation.pt", change(to_json(plan_of())))
    with pytest.raises(Failure, match=r"segmentation\.pt"):
        load_segmentation(tmp_path / "segmentation.pt")


def confidence_of(plan: Plan, frozen: bool, learns: bool = True) -> Any:
    return build_confidence(build_segmentation(plan, 0).requires_grad_(learns), plan, frozen, 0)


@pytest.mark.parametrize("learns", [True, False])
def test_the_copy_learns_with_the_head_even_where_the_judged_network_stays_as_it_is(learns: bool) -> None:
    network = confidence_of(plan_of(), False, learns)
    moving = {name for name, value in network.named_parameters() if value.requires_grad}
    still = {name for name, value in network.named_parameters() if not value.requires_grad}
    assert {name.split(".")[0] for name in moving} == {"backbone", "head"}
    assert still == {"backbone.output.weight", "backbone.output.bias"}


@pytest.mark.parametrize("learns", [True, False])
def test_a_frozen_copy_learns_nothing_but_the_head(learns: bool) -> None:
    network = confidence_of(plan_of(), True, learns)
    assert {name.split(".")[0] for name, value in network.named_parameters() if value.requires_grad} == {"head"}


@pytest.mark.parametrize("frozen", [True, False])
def test_a_correcting_confidence_starts_as_the_probability_and_its_output_learns_unless_frozen(frozen: bool) -> None:
    plan = plan_of()
    segmentation, image = build_segmentation(plan, 0).eval(), torch.randn(2, 1, 24, 24)
    network = build_confidence(segmentation, plan, frozen, 0, correcting=True)
    with torch.no_grad():
        assert torch.allclose(network(image), segmentation(image), atol=1e-6)
    assert all(value.requires_grad is not frozen for value in network.backbone.parameters())
    network(image).sum().backward()
    assert all(value.grad is not None for value in network.parameters() if value.requires_grad)


def test_the_confidence_starts_from_the_judged_network_and_never_moves_it() -> None:
    plan = plan_of()
    segmentation = build_segmentation(plan, 0)
    before = {name: value.clone() for name, value in segmentation.state_dict().items()}
    network = build_confidence(segmentation, plan, False, 0).train()
    assert same(network.backbone, segmentation)
    optimiser = torch.optim.SGD([value for value in network.parameters() if value.requires_grad], 0.1)
    network(torch.randn(2, 1, 24, 24)).square().sum().backward()
    optimiser.step()
    assert not same(network.backbone, segmentation)
    assert all(torch.equal(value, before[name]) for name, value in segmentation.state_dict().items())
