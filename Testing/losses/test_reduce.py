"""From voxels to a number: nothing of an unknown voxel counts, each structure has its own mean, and easy background does not drown a lesion."""

from __future__ import annotations

from math import log

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from PartialLabelSegLib.losses.active_passive import ActivePassive
from PartialLabelSegLib.losses.masked import hard_bce_and_dice, masked_bce, masked_bce_per_structure
from PartialLabelSegLib.losses.noise_robust import (
    VoxelLoss,
    absolute_error,
    generalised_cross_entropy,
    soft_cross_entropy,
    symmetric_cross_entropy,
)
from PartialLabelSegLib.losses.reduce import FEWEST_NEGATIVES, balanced, masked, masked_per_structure

LOSSES = [soft_cross_entropy, absolute_error, symmetric_cross_entropy, generalised_cross_entropy, ActivePassive()]
every_loss = pytest.mark.parametrize("loss", LOSSES)


@pytest.mark.parametrize("shape", [(2, 3, 7), (2, 3, 4, 5), (1, 2, 3, 2, 2)])
def test_the_masked_soft_cross_entropy_is_the_masked_binary_one(shape: tuple[int, ...]) -> None:
    generator = torch.Generator().manual_seed(1)
    logits = 3 * torch.randn(shape, generator=generator)
    target, weight = torch.rand(shape, generator=generator), torch.rand(shape, generator=generator) < 0.6
    torch.testing.assert_close(masked(soft_cross_entropy, logits, target, weight), masked_bce(logits, target, weight))
    found = masked_per_structure(soft_cross_entropy, logits, target, weight)
    torch.testing.assert_close(found, masked_bce_per_structure(logits, target, weight))


@every_loss
@settings(max_examples=15)
@given(seed=st.integers(0, 10**6), logit=st.sampled_from([-1e4, 3.0, float("inf"), float("nan")]))
def test_an_unknown_voxel_changes_neither_value_nor_gradient(loss: VoxelLoss, seed: int, logit: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    logits, target = (torch.rand(2, 2, 6, generator=generator) for _ in range(2))
    weight = torch.rand(2, 2, 6, generator=generator) < 0.5
    found = []
    for strange in (False, True):
        given_logits = logits.masked_fill(~weight, logit) if strange else logits.clone()
        given_target = target.masked_fill(~weight, float("nan")) if strange else target
        given_logits.requires_grad_()
        value = (
            masked(loss, given_logits, given_target, weight)
            + masked_per_structure(loss, given_logits, given_target, weight).sum()
        )
        value.backward()
        assert given_logits.grad is not None and not given_logits.grad[~weight].any()
        found.append((value.detach(), given_logits.grad))
    assert torch.equal(found[0][0], found[1][0]) and torch.equal(found[0][1], found[1][1])


@every_loss
def test_with_nothing_known_or_nothing_there_the_loss_is_zero(loss: VoxelLoss) -> None:
    logits = torch.randn(1, 2, 4, requires_grad=True)
    value = masked(loss, logits, torch.ones(1, 2, 4), torch.zeros(1, 2, 4, dtype=torch.bool))
    value.backward()
    assert value.item() == 0 and logits.grad is not None and not logits.grad.any()
    nothing = torch.zeros(0, 2, 4)
    assert masked_per_structure(loss, nothing, nothing, nothing, 3.0).tolist() == [0, 0]


@every_loss
def test_half_precision_logits_are_summed_in_float32(loss: VoxelLoss) -> None:
    # 70 000 voxels at a loss of a few tenths: a sum in float16 would end at infinity, one in bfloat16 far too low.
    logits = torch.full((1, 1, 70_000), -1.0)
    target, weight = torch.ones_like(logits), torch.ones_like(logits, dtype=torch.bool)
    expected = masked(loss, logits.double(), target, weight).item()
    for dtype in (torch.float16, torch.bfloat16):
        found = masked(loss, logits.to(dtype), target.to(dtype), weight)
        assert found.dtype == torch.float32 and found.item() == pytest.approx(expected, rel=1e-5)


def test_the_negatives_together_count_as_often_as_was_asked() -> None:
    target, weight = torch.zeros(1, 3, 10_000), torch.ones(1, 3, 10_000)
    target[0, 0, :50] = 1.0
    weight[0, 2, 300:] = 0
    found = balanced(target, weight, 3.0)
    assert torch.equal(found[target > 0], torch.ones(50))
    negatives = (found * (target == 0)).sum((0, 2))
    expected = [3 * 50 + FEWEST_NEGATIVES, FEWEST_NEGATIVES, FEWEST_NEGATIVES]
    assert negatives.tolist() == pytest.approx(expected)
    assert not found[0, 2, 300:].any()


def test_a_soft_voxel_is_a_positive_only_as_far_as_its_target_says() -> None:
    # 1000 voxels of 0.2 are worth 200 positives and 800 of the 9800 negatives, which together count 3 * 200 + 100.
    target = torch.zeros(1, 1, 10_000)
    target[..., :1000] = 0.2
    found = balanced(target, torch.ones_like(target), 3.0)
    share = (3 * 200 + FEWEST_NEGATIVES) / 9800
    assert found[0, 0, 0].item() == pytest.approx(0.2 + 0.8 * share)
    assert found[0, 0, -1].item() == pytest.approx(share)


def test_few_negatives_keep_their_weight() -> None:
    target = torch.tensor([[[1.0, 0.0, 0.0]]])
    weight = torch.tensor([[[True, True, False]]])
    assert balanced(target, weight, 3.0).tolist() == [[[1.0, 1.0, 0.0]]]


def test_a_balanced_mean_computed_by_hand() -> None:
    # One positive at p = 1/4 and 1000 negatives at p = 1/2, which count as 3 + 100.
    logits, target = torch.zeros(1, 1, 1001), torch.zeros(1, 1, 1001)
    logits[..., 0], target[..., 0] = -log(3), 1.0
    found = masked_per_structure(absolute_error, logits, target, torch.ones_like(target), 3.0)
    assert found.tolist() == pytest.approx([(0.75 + 103 * 0.5) / 104])


def test_the_dice_of_soft_targets_is_least_at_the_targets_themselves() -> None:
    target = torch.tensor([1.0, 0.6, 0.3, 0.0]).view(1, 1, 4)
    weight = torch.ones_like(target)

    def dice(probability: list[float]) -> float:
        logits = torch.logit(torch.tensor(probability).view(1, 1, 4), eps=1e-6)
        return hard_bce_and_dice(logits, target, weight, smooth=1e-4)[1].item()

    assert dice([1.0, 0.6, 0.3, 0.0]) == pytest.approx(0, abs=1e-5)
    # By hand: shared 1 + 0.6 of 2 + 1.9.
    assert dice([1.0, 1.0, 0.0, 0.0]) == pytest.approx(1 - 3.2 / 3.9, abs=1e-4)


def test_the_dice_of_hard_targets_is_the_same_as_floats_and_as_truth_values() -> None:
    generator = torch.Generator().manual_seed(2)
    logits, hard = torch.randn(2, 2, 30, generator=generator), torch.rand(2, 2, 30, generator=generator) < 0.4
    weight = torch.rand(2, 2, 30, generator=generator) < 0.8
    for one, other in zip(hard_bce_and_dice(logits, hard, weight), hard_bce_and_dice(logits, hard.float(), weight)):
        assert torch.equal(one, other)
