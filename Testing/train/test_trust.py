"""What trusted voxels say: which count, the margin's gradient against another way to it, and slopes read as odds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.func import functional_call

from PartialLabelSegLib.config import Plan
from PartialLabelSegLib.nets.segmenter import Segmenter
from PartialLabelSegLib.train.batches import Batch
from PartialLabelSegLib.train.network import build_segmentation
from PartialLabelSegLib.train.trust import FARTHEST, Trust, decoder_of, inside_and_near, margins, trust_of
from train.making import plan_of


def a_plan(dimensions: str = "2d", **changes: str) -> Plan:
    return replace(plan_of(("Large", "Small"), dimensions), spacing_mm=(12.0, 6.0, 6.0), **changes)  # type: ignore[arg-type]


def a_batch(plan: Plan, seed: int = 0, count: int = 3) -> Batch:
    """Windows with a bright block of the first structure and a dark one of the second."""
    size = (16, 16, 16) if plan.dimensions == "3d" else (16, 16)
    generator = torch.Generator().manual_seed(seed)
    image = torch.randn(count, plan.channels, *size, generator=generator)
    target = torch.zeros(count, 2, *size, dtype=torch.bool)
    target[:, 0, ..., 2:6, 3:8] = target[:, 1, ..., 10:13, 9:14] = True
    image = image + 3 * target[:, :1] - 3 * target[:, 1:]
    return Batch(image, target, torch.ones_like(target))


def a_network(plan: Plan) -> Segmenter:
    return build_segmentation(plan, 1).eval().requires_grad_(False)


def test_inside_and_near_are_counted_in_millimetres_and_only_where_something_is_known() -> None:
    plan = a_plan()
    truth, weight = torch.zeros(1, 2, 12, 12, dtype=torch.bool), torch.ones(1, 2, 12, 12, dtype=torch.bool)
    truth[0, 0, 5, 5] = True
    weight[0, 0, 5, 6] = False
    inside, near = inside_and_near(Batch(torch.zeros(1, 1, 12, 12), truth, weight), plan)
    assert torch.equal(inside, truth)
    expected = torch.zeros(12, 12, dtype=torch.bool)
    # 12 mm are two voxels of 6 mm; the voxel itself is inside, and of one nothing is known.
    expected[3:8, 3:8] = True
    expected[5, 5] = expected[5, 6] = False
    assert torch.equal(near[0, 0], expected) and not near[0, 1].any()


def test_thick_slices_are_nearby_only_where_they_are_near_enough() -> None:
    plan = a_plan("3d")
    truth = torch.zeros(1, 2, 8, 12, 12, dtype=torch.bool)
    truth[0, 1, 4, 5, 5] = True
    _, near = inside_and_near(Batch(torch.zeros(1, 1, 8, 12, 12), truth, torch.ones_like(truth)), plan)
    assert near[0, 1].any((1, 2)).tolist() == [False, False, False, True, True, True, False, False]


def test_the_margin_is_the_difference_of_means_of_structures_that_are_there() -> None:
    plan = a_plan()
    truth = torch.zeros(1, 2, 4, 4, dtype=torch.bool)
    truth[0, 0, :, 0] = True
    logits = torch.arange(32.0).view(1, 2, 4, 4)
    # Inside: 0, 4, 8, 12. Within two voxels: the columns 1 and 2. The second structure is not there.
    value = margins(logits, Batch(torch.zeros(1, 1, 4, 4), truth, torch.ones_like(truth)), plan)["margin"]
    assert float(value) == pytest.approx(7.5 - 6.0)


@pytest.mark.parametrize("dimensions", ["2d", "3d"])
@pytest.mark.parametrize("architecture", ["unet", "unet++"])
def test_the_direction_is_the_gradient_over_all_batches_and_slopes_follow_it(
    dimensions: str, architecture: str
) -> None:
    plan = a_plan(dimensions, architecture=architecture)
    network, batches = a_network(plan), [a_batch(plan, seed) for seed in range(2)]
    trust = trust_of(network, batches, plan)
    assert trust.direction and not any(name.startswith(("down", "encoder")) for name in trust.direction)
    assert sum(float(value.square().sum()) for value in trust.direction.values()) == pytest.approx(1, abs=1e-5)
    ahead, behind = (
        {name: value + sign * 1e-3 * trust.direction[name] for name, value in decoder_of(network).items()}
        for sign in (1, -1)
    )

    def at(parameters: dict[str, Tensor], batch: Batch) -> Tensor:
        logits: Tensor = functional_call(network, parameters, (batch.image,))
        return logits

    slopes = trust.slopes(network, batches[0].image)[1]
    differences = (at(ahead, batches[0]) - at(behind, batches[0])) / 2e-3
    torch.testing.assert_close(slopes, differences, atol=2e-2, rtol=2e-2)
    # Of all directions of length 1 the gradient's is the steepest: the slope of the loss along it is its length, which is above 0.
    rises = [margins(at(ahead, b), b, plan)["margin"] - margins(at(behind, b), b, plan)["margin"] for b in batches]
    assert float(torch.stack(rises).sum()) > 0


def test_slopes_become_log_odds_as_two_normal_distributions_say() -> None:
    trust = Trust({}, torch.tensor([1.0, 0.0]), torch.tensor([2.0, 1.0]), torch.tensor([3.0, 0.0]))
    slopes = torch.tensor([[[1.0, 3.0, -1.0, 100.0], [5.0, 5.0, 5.0, 5.0]]])
    odds = trust.odds(slopes)
    assert odds[0, 1].tolist() == [0, 0, 0, 0]
    assert odds[0, 0].tolist() == pytest.approx([0.0, -3.0, 3.0, -3.0 * FARTHEST])
    # By hand: the middles lie at 1 + 3 (outside) and 1 - 3 (inside), the deviation is 2.
    inside, outside = (-((3.0 - middle) ** 2) / (2 * 2**2) for middle in (-2.0, 4.0))
    assert float(odds[0, 0, 1]) == pytest.approx(inside - outside)


def test_odds_tell_the_trusted_voxels_themselves_from_those_nearby() -> None:
    plan = a_plan()
    network, batch = a_network(plan), a_batch(plan)
    trust = trust_of(network, [batch], plan)
    odds = trust.odds(trust.slopes(network, batch.image)[1])
    inside, near = inside_and_near(batch, plan)
    for k in range(2):
        assert float(odds[:, k][inside[:, k]].mean()) > 0 > float(odds[:, k][near[:, k]].mean())


def test_a_structure_that_no_trusted_batch_shows_gets_odds_of_nothing() -> None:
    plan = a_plan()
    network, batch = a_network(plan), a_batch(plan)
    weight = batch.weight.clone()
    weight[:, 1] = False
    trust = trust_of(network, [replace(batch, weight=weight)], plan)
    odds = trust.odds(trust.slopes(network, batch.image)[1])
    assert float(trust.contrast[1]) == 0 and not odds[:, 1].any() and odds[:, 0].any()


@pytest.mark.parametrize("norm", ["batch", "instance"])
def test_the_network_is_left_as_it_was(norm: str) -> None:
    plan = a_plan(norm=norm)
    network = build_segmentation(plan, 1).eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    trust_of(network, [a_batch(plan)], plan)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert np.all([parameter.grad is None for parameter in network.parameters()])
