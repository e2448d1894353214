"""Masked cross-entropy, masked Dice and the confidence losses: by hand, at the extremes, and where nothing is known."""

from __future__ import annotations

import math
from collections.abc import Callable
from math import log

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from PartialLabelSegLib.losses.masked import (
    bce_and_dice,
    confidence_cross_entropy,
    confidence_regression,
    hard_bce_and_dice,
    has_positive,
    masked_bce,
    masked_bce_per_structure,
    masked_dice_loss,
    masked_soft_dice,
    mean_over,
)

SCALARS = [masked_bce, masked_dice_loss, confidence_regression, confidence_cross_entropy]
LOGIT_3 = log(3)  # sigmoid = 3/4

Loss = Callable[[Tensor, Tensor, Tensor], Tensor]


def fused_total(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """The fused losses as one number, as training sums them."""
    bce, dice, positive = bce_and_dice(logits, target, weight)
    return bce.mean() + mean_over(dice, positive)


def per_structure_total(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """The unfused per-structure losses as one number."""
    return masked_bce_per_structure(logits, target, weight).mean() + masked_soft_dice(logits, target, weight).mean()


ALL: list[Loss] = [*SCALARS, fused_total, per_structure_total]


def a_batch(seed: int = 0, shape: tuple[int, ...] = (2, 3, 4, 5)) -> tuple[Tensor, Tensor, Tensor]:
    """Random logits, soft targets and 0/1 weights in float64."""
    random = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(shape, generator=random, dtype=torch.float64)
    target = torch.rand(shape, generator=random, dtype=torch.float64)
    weight = (torch.rand(shape, generator=random) < 0.6).double()
    return logits, target, weight


def gradient(loss: Loss, logits: Tensor, target: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Value of the loss and its gradient by the logits."""
    logits = logits.detach().clone().requires_grad_()
    value = loss(logits, target, weight)
    value.backward()
    assert logits.grad is not None
    return value.detach(), logits.grad


def two_voxels() -> tuple[Tensor, Tensor]:
    """Probabilities 3/4 and 1/4 with targets 1 and 0, for one structure."""
    return torch.tensor([[[LOGIT_3, -LOGIT_3]]]), torch.tensor([[[1, 0]]], dtype=torch.uint8)


def test_two_voxels_have_the_cross_entropy_computed_by_hand() -> None:
    logits, target = two_voxels()
    everywhere = torch.ones(1, 1, 2)
    assert masked_bce(logits, target, everywhere).item() == pytest.approx(-log(0.75))
    assert masked_bce(logits, 1 - target, everywhere).item() == pytest.approx(-log(0.25))
    one_each = torch.tensor([[[1, 1]]])
    assert masked_bce(logits, one_each, everywhere).item() == pytest.approx((-log(0.75) - log(0.25)) / 2)
    assert masked_bce(logits, one_each, torch.tensor([[[1.0, 3.0]]])).item() == pytest.approx(
        (-log(0.75) - 3 * log(0.25)) / 4
    )


def test_two_voxels_have_the_dice_computed_by_hand() -> None:
    logits, target = two_voxels()
    both = masked_soft_dice(logits, target, torch.ones(1, 1, 2))
    assert both.tolist() == pytest.approx([1 - (2 * 0.75 + 1) / (1 + 1 + 1)])
    first = masked_soft_dice(logits, target, torch.tensor([[[1, 0]]]))
    assert first.tolist() == pytest.approx([1 - (2 * 0.75 + 1) / (0.75 + 1 + 1)])
    assert masked_soft_dice(logits, target, torch.ones(1, 1, 2), smooth=0.5).tolist() == pytest.approx([1 - 2 / 2.5])


def test_the_dice_is_taken_over_the_batch_not_per_image() -> None:
    logits, target = two_voxels()
    as_two_images = (logits.view(2, 1, 1), target.view(2, 1, 1), torch.ones(2, 1, 1))
    assert masked_soft_dice(*as_two_images).tolist() == pytest.approx([1 - 2.5 / 3])


def test_the_sum_is_divided_by_at_least_one_voxel() -> None:
    logits, target = two_voxels()
    little = torch.tensor([[[0.5, 0.0]]])
    assert masked_bce(logits, target, little).item() == pytest.approx(0.5 * -log(0.75))
    assert masked_bce_per_structure(logits, target, little).tolist() == pytest.approx([-log(0.75)])


def test_each_structure_is_divided_by_its_own_known_voxels() -> None:
    logits = torch.full((1, 3, 4), -LOGIT_3)
    target = torch.zeros(1, 3, 4, dtype=torch.bool)
    weight = torch.tensor([[[1, 1, 1, 1], [1, 0, 0, 0], [0, 0, 0, 0]]], dtype=torch.bool)
    assert masked_bce_per_structure(logits, target, weight).tolist() == pytest.approx([-log(0.75), -log(0.75), 0])


def test_the_mean_dice_leaves_out_structures_unknown_or_without_a_positive_voxel() -> None:
    logits = torch.full((1, 3, 2), LOGIT_3)
    target = torch.tensor([[[1, 0], [0, 0], [1, 1]]])
    weight = torch.tensor([[[1, 1], [1, 1], [0, 0]]])
    assert has_positive(target, weight).tolist() == [True, False, False]
    by_hand = 1 - (2 * 0.75 + 1) / (1.5 + 1 + 1)
    value, slope = gradient(masked_dice_loss, logits, target, weight)
    assert value.item() == pytest.approx(by_hand)
    assert slope[0, 0].abs().min() > 0
    assert torch.equal(slope[0, 1:], torch.zeros(2, 2))


def test_confidence_is_regressed_on_known_voxels_only() -> None:
    logits = torch.tensor([[[LOGIT_3, LOGIT_3, 7.0]]])
    target = torch.tensor([[[1.0, 0.25, 0.0]]])
    weight = torch.tensor([[[1, 1, 0]]])
    assert confidence_regression(logits, target, weight).item() == pytest.approx((0.25**2 + 0.5**2) / 2)
    cross_entropy = (-log(0.75) - 0.25 * log(0.75) - 0.75 * log(0.25)) / 2
    assert confidence_cross_entropy(logits, target, weight).item() == pytest.approx(cross_entropy)


@pytest.mark.parametrize("shape", [(2, 3, 4), (2, 3, 4, 5), (1, 2, 3, 2, 2)])
def test_the_fused_losses_equal_the_plain_ones(shape: tuple[int, ...]) -> None:
    batch = a_batch(1, shape)
    bce, dice, positive = bce_and_dice(*batch)
    torch.testing.assert_close(bce, masked_bce_per_structure(*batch))
    torch.testing.assert_close(dice, masked_soft_dice(*batch))
    assert torch.equal(positive, has_positive(*batch[1:]))
    slopes = [gradient(loss, *batch)[1] for loss in (fused_total, per_structure_total)]
    torch.testing.assert_close(*slopes)


def test_a_channels_last_network_output_gives_the_same_loss_and_gradient() -> None:
    logits, target, weight = a_batch(2)
    value, slope = gradient(fused_total, logits, target, weight)
    other_value, other = gradient(fused_total, logits.to(memory_format=torch.channels_last), target, weight)
    torch.testing.assert_close(value, other_value)
    torch.testing.assert_close(slope, other)


@pytest.mark.parametrize("loss", ALL)
def test_the_gradient_agrees_with_finite_differences(loss: Loss) -> None:
    logits, target, weight = a_batch(3, (2, 2, 3))
    assert torch.autograd.gradcheck(lambda z: loss(z, target, weight), logits.requires_grad_())


@pytest.mark.parametrize("loss", ALL)
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), logit=st.floats(-1e4, 1e4), label=st.floats(0, 1))
def test_an_unknown_voxel_changes_neither_loss_nor_gradient(loss: Loss, seed: int, logit: float, label: float) -> None:
    logits, target, weight = (t.float() for t in a_batch(seed))
    unknown = weight == 0
    value, slope = gradient(loss, logits, target, weight)
    other_value, other = gradient(loss, logits.masked_fill(unknown, logit), target.masked_fill(unknown, label), weight)
    assert torch.equal(value, other_value)
    assert torch.equal(slope, other)
    assert (slope[unknown] == 0).all()


@pytest.mark.parametrize("loss", ALL)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_extreme_logits_give_a_finite_float32_loss_and_gradient(loss: Loss, dtype: torch.dtype) -> None:
    logits = torch.tensor([[[50.0, -50.0, 50.0, -50.0]]], dtype=dtype)
    target = torch.tensor([[[1, 1, 0, 0]]], dtype=torch.uint8)
    value, slope = gradient(loss, logits, target, torch.ones(1, 1, 4, dtype=torch.bool))
    assert value.dtype == torch.float32
    assert value.isfinite()
    assert slope.isfinite().all()


def test_a_wrong_answer_at_fifty_costs_fifty() -> None:
    logits = torch.tensor([[[50.0, -50.0]]])
    assert masked_bce(logits, torch.tensor([[[0, 1]]]), torch.ones(1, 1, 2)).item() == pytest.approx(50)


@pytest.mark.parametrize("loss", ALL)
def test_with_nothing_known_loss_and_gradient_are_zero(loss: Loss) -> None:
    logits, target, weight = a_batch(4)
    value, slope = gradient(loss, logits, target, torch.zeros_like(weight))
    assert value.item() == 0
    assert torch.equal(slope, torch.zeros_like(slope))


@pytest.mark.parametrize("loss", ALL)
@pytest.mark.parametrize("shape", [(0, 2, 3, 3), (2, 2, 0, 3)])
def test_an_empty_batch_costs_nothing(loss: Loss, shape: tuple[int, ...]) -> None:
    value, _ = gradient(loss, torch.zeros(shape), torch.zeros(shape), torch.zeros(shape))
    assert value.item() == 0


@pytest.mark.parametrize("loss", ALL)
def test_bool_uint8_and_float_labels_mean_the_same(loss: Loss) -> None:
    logits, target, weight = a_batch(5)
    hard = target > 0.5
    values = {loss(logits, hard.to(t), weight.to(t)).item() for t in (torch.bool, torch.uint8, torch.float32)}
    assert len(values) == 1


@pytest.mark.parametrize("loss", ALL)
def test_the_sums_are_taken_in_float32_inside_autocast(loss: Loss) -> None:
    logits, target, weight = (t.float() for t in a_batch(6))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = loss(logits, target, weight)
    assert torch.equal(inside, loss(logits, target, weight))


@pytest.mark.parametrize("loss", ALL)
def test_a_step_down_the_gradient_lowers_the_loss(loss: Loss) -> None:
    logits, target, weight = a_batch(7)
    value, slope = gradient(loss, logits, target, weight)
    assert loss(logits - 1e-2 * slope, target, weight) < value


def test_hard_cross_entropy_takes_the_positives_and_the_hardest_negatives() -> None:
    # One structure on 4400 voxels: 2 positives, 500 wrongly confident negatives, the rest easy. Wanted: about 3 x 2 + 100 of the hard ones.
    logits = torch.full((1, 1, 44, 100), -9.0, dtype=torch.float64)
    target = torch.zeros_like(logits)
    logits.view(-1)[:2], target.view(-1)[:2] = -2.0, 1.0
    logits.view(-1)[100:600] = torch.linspace(1.0, 3.0, 500, dtype=torch.float64)
    bce, _, positive = hard_bce_and_dice(logits, target, torch.ones_like(logits))
    hardest = functional.softplus(logits.view(-1)[494:600])
    expected = (2 * functional.softplus(torch.tensor(2.0, dtype=torch.float64)) + hardest.sum()) / 108
    assert positive.tolist() == [True]
    assert float(bce) == pytest.approx(float(expected), rel=0.05)


def test_hard_cross_entropy_is_the_plain_one_where_few_voxels_are_known() -> None:
    logits, target, weight = a_batch(3)
    hard = target.round()
    found = hard_bce_and_dice(logits, hard, weight)
    plain = bce_and_dice(logits, hard, weight)
    for one, other in zip(found, plain):
        torch.testing.assert_close(one, other)


def test_easy_background_does_not_thin_out_the_hard_cross_entropy() -> None:
    noise = torch.rand(1, 1, 8, 10_000, generator=torch.Generator().manual_seed(1))
    logits, target = -6 - noise, torch.zeros(1, 1, 8, 10_000)
    target[..., :20], logits[..., :20] = 1.0, -1.0
    ones = torch.ones_like(target)
    many = hard_bce_and_dice(logits, target, ones)[0]
    few = hard_bce_and_dice(logits[..., :1000], target[..., :1000], ones[..., :1000])[0]
    assert float(masked_bce(logits, target, ones)) < 0.1 * float(many)
    assert float(many) == pytest.approx(float(few), rel=0.3)


def test_negatives_without_a_positive_count_as_those_of_a_structure_as_large_as_the_others() -> None:
    # Structure 0 has 500 positives; of structure 1 nothing is known but that these voxels are not it.
    logits = torch.zeros(1, 2, 40, 100)
    target = torch.zeros_like(logits)
    target[0, 0, :5] = 1.0
    weight = torch.ones_like(target)
    weight[0, 1, 5:] = 0
    bce = hard_bce_and_dice(logits, target, weight)[0]
    assert float(bce[0]) == pytest.approx(math.log(2), rel=1e-5)
    assert float(bce[1]) == pytest.approx(500 * math.log(2) / (3 * 500 + 100), rel=1e-5)
    # Where no structure has a positive, a hundred negatives are a whole share.
    alone = hard_bce_and_dice(logits, torch.zeros_like(target), weight)[0]
    assert torch.allclose(alone, torch.full((2,), math.log(2)))


def test_dice_leaves_out_structures_that_nobody_looked_for_in_a_window() -> None:
    generator = torch.Generator().manual_seed(5)
    logits = torch.randn(3, 2, 6, 7, generator=generator)
    target = torch.rand(3, 2, 6, 7, generator=generator) < 0.3
    weight = torch.ones_like(target)
    # Window 1 has accepted suggestions of structure 0 only: positives, and no background.
    weight[1, 0] = target[1, 0]
    looked_for = torch.tensor([[True, True], [False, True], [True, False]])
    bce, dice, positive = hard_bce_and_dice(logits, target, weight, looked_for=looked_for)
    for index, windows in ((0, [0, 2]), (1, [0, 1])):
        kept = (part[windows, index : index + 1] for part in (logits, target, weight))
        alone = masked_soft_dice(next(kept), next(kept), next(kept))
        assert torch.allclose(dice[index], alone[0], atol=1e-6)
    plain = hard_bce_and_dice(logits, target, weight)
    assert torch.equal(bce, plain[0]) and not torch.allclose(dice, plain[1]) and bool(positive.all())
    none = hard_bce_and_dice(logits, target, weight, looked_for=torch.zeros(3, 2, dtype=torch.bool))
    assert not none[2].any()
