"""The instance network's losses: hand-computed values, nothing to learn from, and half precision."""

from __future__ import annotations

from math import log

import pytest
import torch
from torch import Tensor

from PartialLabelSegLib.losses.active_passive import ActivePassive
from PartialLabelSegLib.losses.instance import box_loss, mask_dice, mask_loss, own_masks, score_loss
from PartialLabelSegLib.losses.noise_robust import soft_cross_entropy


def flags(*rows: list[int]) -> Tensor:
    return torch.tensor(rows, dtype=torch.bool)


def test_scores_count_where_a_box_is_one_or_certainly_none() -> None:
    logits = torch.tensor([[0.0, 50.0], [-50.0, 0.0]], requires_grad=True)
    loss = score_loss(logits, flags([1, 0], [0, 0]), flags([0, 0], [1, 1]))
    assert loss.item() == pytest.approx((log(2) + 0 + log(2)) / 3)
    loss.backward()
    assert logits.grad is not None and logits.grad[0, 1] == 0 and logits.grad[0, 0] < 0 < logits.grad[1, 1]


def test_boxes_are_measured_by_smooth_distance_shared_among_all_that_were_looked_at() -> None:
    found, wanted = torch.tensor([[0.5, 0, 0, 3.0]]), torch.zeros(1, 4)
    assert box_loss(found, wanted, 8, 1.0).item() == pytest.approx((0.125 + 2.5) / 8)
    assert box_loss(found, wanted, 8, 0.1).item() == pytest.approx((0.45 + 2.95) / 8)


def test_only_the_mask_of_the_boxes_own_structure_counts() -> None:
    logits = torch.arange(12.0).reshape(2, 3, 1, 2)
    assert own_masks(logits, torch.tensor([2, 0])).tolist() == [[[[4, 5]]], [[[6, 7]]]]
    assert own_masks(logits.half(), torch.tensor([2, 0])).dtype == torch.float32


def test_a_mask_cell_without_weight_contributes_nothing() -> None:
    logits = torch.tensor([[[[0.0, 1e4]]]], requires_grad=True)
    target, weight = torch.tensor([[[[0.25, 0.0]]]]), torch.tensor([[[[1.0, 0.0]]]])
    loss = mask_loss(logits, target, weight, soft_cross_entropy)
    assert loss.item() == pytest.approx(log(2))
    loss.backward()
    assert logits.grad is not None and logits.grad.flatten().tolist() == [0.25, 0]


def test_a_mask_learns_by_the_noise_tolerant_loss_with_its_soft_target() -> None:
    logits = torch.tensor([[[[0.0, 2.0]]]])
    target = torch.tensor([[[[0.4, 1.0]]]])
    loss = ActivePassive(0, 2, 1)
    expected = loss(logits, target).mean()
    assert mask_loss(logits, target, torch.ones_like(target), loss).item() == pytest.approx(expected.item())


def test_dice_is_taken_mask_by_mask_and_passes_over_empty_ones() -> None:
    target = torch.zeros(3, 1, 2, 2)
    target[0, 0, 0] = 1
    target[2] = 1
    weight = torch.ones(3, 1, 2, 2)
    weight[2] = 0
    sure = torch.full((3, 1, 2, 2), 50.0)
    # The first mask predicts 4 of which 2 are right: 1 - (2 * 2 + 1) / (4 + 2 + 1).
    assert mask_dice(sure, target, weight).item() == pytest.approx(1 - 5 / 7)
    assert mask_dice(sure[1:], target[1:], weight[1:]).item() == 0


def test_no_box_at_all_is_no_loss_with_no_gradient() -> None:
    scores = torch.zeros(0, 2, requires_grad=True)
    deltas = torch.zeros(0, 4, requires_grad=True)
    masks = torch.zeros(0, 2, 4, 4, requires_grad=True)
    own = own_masks(masks, torch.zeros(0, dtype=torch.int64))
    empty = torch.zeros(0, 1, 4, 4)
    total = score_loss(scores, torch.zeros(0, 2, dtype=torch.bool), torch.zeros(0, 2, dtype=torch.bool))
    total = total + box_loss(deltas, torch.zeros(0, 4), 0, 1.0)
    total = total + mask_loss(own, empty, empty, soft_cross_entropy) + mask_dice(own, empty, empty)
    assert total.item() == 0
    total.backward()


@pytest.mark.parametrize("precision", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(precision: torch.dtype) -> None:
    logits = torch.tensor([[50.0], [-50.0]], dtype=precision)
    wrong = score_loss(logits, flags([0], [1]), flags([1], [0]))
    assert wrong.dtype == torch.float32 and wrong.item() == pytest.approx(50)
    deltas = torch.full((300, 4), 200.0, dtype=precision)
    assert box_loss(deltas, torch.zeros(300, 4), 300, 1.0).item() == pytest.approx(4 * 199.5)
    with pytest.raises(ValueError, match="logits must be a floating-point"):
        score_loss(logits.long(), flags([0], [1]), flags([1], [0]))
