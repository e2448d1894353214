"""What is minimised: the loss that the plan names, over what is known, with hard and with soft labels."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from PartialLabelSegLib.config import LOSSES
from PartialLabelSegLib.losses.active_passive import ActivePassive
from PartialLabelSegLib.losses.masked import hard_bce_and_dice, masked_bce, mean_over
from PartialLabelSegLib.losses.noise_robust import (
    VoxelLoss,
    absolute_error,
    generalised_cross_entropy,
    symmetric_cross_entropy,
)
from PartialLabelSegLib.losses.reduce import masked_per_structure
from PartialLabelSegLib.train.batches import Batch
from PartialLabelSegLib.train.objective import ConfidenceObjective, segmentation_objective
from train.making import plan_of


class Given(nn.Module):
    """Answers with the logits that it holds."""

    def __init__(self, logits: Tensor) -> None:
        super().__init__()
        self.logits = nn.Parameter(logits)

    def forward(self, image: Tensor) -> Tensor:
        return self.logits


def a_batch(soft: bool) -> tuple[Given, Batch]:
    generator = torch.Generator().manual_seed(4)
    shape = (2, 3, 8, 9)
    target = torch.rand(shape, generator=generator)
    target = target * (torch.rand(shape, generator=generator) < 0.5) if soft else target > 0.7
    weight = torch.rand(shape, generator=generator) < 0.8
    weight[:, 2] = False
    looked_for = torch.tensor([[True, True, False]] * 2)
    image = torch.zeros(2, 1, 8, 9)
    return Given(torch.randn(shape, generator=generator)), Batch(image, target, weight, looked_for)


@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_of_a_plan_is_finite_and_a_step_down_its_gradient_lowers_it(loss: str, soft: bool) -> None:
    network, batch = a_batch(soft)
    objective = segmentation_objective(replace(plan_of(), loss=loss))
    terms = objective(network, batch)
    assert ("dice" in terms) == loss.endswith("+dice") and loss.split("+")[0] in terms
    before = torch.stack(list(terms.values())).sum()
    before.backward()
    slope = network.logits.grad
    assert slope is not None and slope.isfinite().all() and not slope[~batch.weight].any()
    after = objective(Given(network.logits.detach() - 0.1 * slope), batch)
    assert torch.stack(list(after.values())).sum() < before


def test_the_usual_loss_is_cross_entropy_with_dice_and_without_its_weight_the_plain_one() -> None:
    network, batch = a_batch(soft=False)
    bce, dice, positive = hard_bce_and_dice(network.logits, batch.target, batch.weight, looked_for=batch.looked_for)
    terms = segmentation_objective(replace(plan_of(), dice_weight=0.5))(network, batch)
    assert torch.equal(terms["dice"], 0.5 * mean_over(dice, positive))
    assert torch.equal(terms["bce"], mean_over(bce, torch.tensor([True, True, False])))
    plain = masked_bce(network.logits, batch.target, batch.weight)
    for plan in (replace(plan_of(), dice_weight=0.0), replace(plan_of(), loss="bce")):
        found = segmentation_objective(plan)(network, batch)
        assert list(found) == ["bce"] and torch.equal(found["bce"], plain)


def test_the_weights_of_the_plan_reach_the_loss() -> None:
    network, batch = a_batch(soft=True)
    plan = replace(
        plan_of(), apl_weights=(0.0, 2.0, 1.0), sce_weights=(0.5, 2.0), gce_power=0.3, negatives=2.0, dice_weight=0.0
    )
    expected: dict[str, VoxelLoss] = {
        "apl": ActivePassive(0.0, 2.0, 1.0),
        "mae": absolute_error,
        "sce": lambda logits, target: symmetric_cross_entropy(logits, target, (0.5, 2.0)),
        "gce": lambda logits, target: generalised_cross_entropy(logits, target, 0.3),
    }
    for name, loss in expected.items():
        losses = masked_per_structure(loss, network.logits, batch.target, batch.weight, 2.0)
        found = segmentation_objective(replace(plan, loss=f"{name}+dice"))(network, batch)
        assert list(found) == [name]
        torch.testing.assert_close(found[name], losses[:2].mean())


def test_the_confidence_in_a_soft_truth_is_how_likely_the_prediction_is_right() -> None:
    # Predicted everywhere; the raters agree by 0.2 and 0.8, and of the last voxel nobody says anything.
    target = torch.tensor([0.2, 0.8, 0.0]).view(1, 1, 3)
    weight = torch.tensor([True, True, False]).view(1, 1, 3)
    batch = Batch(torch.zeros(1, 1, 3), target, weight)
    confidence, segmentation = torch.logit(torch.tensor([0.2, 0.8, 0.9])).view(1, 1, 3), Given(torch.ones(1, 1, 3))
    network = Given(confidence)
    ConfidenceObjective(segmentation, "correctness")(network, batch)["confidence"].backward()
    assert network.logits.grad is not None and network.logits.grad.abs().max() < 1e-6
    # The True Class Probability is that of the hardened label: 1 - p where the raters say no, p where they say yes.
    p = torch.sigmoid(torch.tensor(1.0))
    found = ConfidenceObjective(segmentation, "tcp")(
        Given(torch.logit(torch.stack([1 - p, p, p])).view(1, 1, 3)), batch
    )
    assert found["confidence"].item() == pytest.approx(0, abs=1e-9)
