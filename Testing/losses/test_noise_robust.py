"""Losses for soft and noisy labels: by hand, against the formulas written plainly, at the extremes of every float, and their gradients."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import exp, log

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from PartialLabelSegLib.losses.active_passive import ActivePassive
from PartialLabelSegLib.losses.noise_robust import (
    CLIP,
    VoxelLoss,
    absolute_error,
    generalised_cross_entropy,
    hardened,
    normalised_cross_entropy,
    normalised_reverse_cross_entropy,
    reverse_cross_entropy,
    soft_cross_entropy,
    symmetric_cross_entropy,
)

LOSSES: dict[str, VoxelLoss] = {
    "soft CE": soft_cross_entropy,
    "NSCE": normalised_cross_entropy,
    "soft RCE": reverse_cross_entropy,
    "NRCE": normalised_reverse_cross_entropy,
    "MAE": absolute_error,
    "SCE": symmetric_cross_entropy,
    "GCE": generalised_cross_entropy,
    "APL": ActivePassive(),
    "APL binary": ActivePassive(2.0, 0.0, 1.0),
}
every_loss = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES.keys())
logits_of = st.floats(-40, 40)
shares = st.floats(0, 1)
LOGIT_3 = log(3)  # sigmoid = 3/4


def at(loss: VoxelLoss, logit: float, target: float) -> float:
    """The loss of one voxel, in float64."""
    shape, dtype = (1, 1, 1), torch.float64
    return loss(torch.full(shape, logit, dtype=dtype), torch.full(shape, target, dtype=dtype)).item()


def plainly(logit: float, target: float) -> dict[str, float]:
    """The formulas as they are printed, for one voxel whose logit is small enough for them."""
    p, q = 1 / (1 + exp(-logit)), target
    clipped = min(max(q, CLIP), 1 - CLIP)
    yes, no = -log(p), -log(1 - p)
    reverse = -(p * log(clipped) + (1 - p) * log(1 - clipped))
    both = -log(CLIP) - log(1 - CLIP)
    hard = yes if q >= 0.5 else no
    return {
        "soft CE": q * yes + (1 - q) * no,
        "NSCE": (q * yes + (1 - q) * no) / (yes + no),
        "soft RCE": reverse,
        "NRCE": reverse / both,
        "MAE": abs(p - q),
        "SCE": 0.1 * (q * yes + (1 - q) * no) + reverse,
        "GCE": (q * (1 - p**0.7) + (1 - q) * (1 - (1 - p) ** 0.7)) / 0.7,
        "APL": (hard + q * yes + (1 - q) * no) / (yes + no) + reverse / both,
        "APL binary": 2 * hard / (yes + no) + reverse / both,
    }


def test_one_voxel_has_the_losses_computed_by_hand() -> None:
    # p = 3/4, q = 1/4: -log p = 0.28768, -log(1 - p) = 1.38629.
    assert at(soft_cross_entropy, LOGIT_3, 0.25) == pytest.approx(0.25 * 0.287682 + 0.75 * 1.386294, abs=1e-5)
    assert at(normalised_cross_entropy, LOGIT_3, 0.25) == pytest.approx(1.111641 / 1.673976, abs=1e-5)
    assert at(reverse_cross_entropy, LOGIT_3, 0.25) == pytest.approx(0.75 * 1.386294 + 0.25 * 0.287682, abs=1e-5)
    assert at(normalised_reverse_cross_entropy, LOGIT_3, 0.25) == pytest.approx(1.111641 / 9.210440, abs=1e-5)
    assert at(absolute_error, LOGIT_3, 0.25) == pytest.approx(0.5)
    assert at(symmetric_cross_entropy, LOGIT_3, 0.25) == pytest.approx(0.1 * 1.111641 + 1.111641, abs=1e-5)
    assert at(partial(generalised_cross_entropy, power=0.5), LOGIT_3, 1.0) == pytest.approx(2 * (1 - 0.75**0.5))


def test_a_hard_label_in_the_reverse_cross_entropy_costs_what_the_clip_says() -> None:
    # q = 1 is taken for 0.9999: a wrong answer costs -log 0.0001 = 9.21, a right one next to nothing.
    assert at(reverse_cross_entropy, -40.0, 1.0) == pytest.approx(9.21034, abs=1e-4)
    assert at(reverse_cross_entropy, 40.0, 1.0) == pytest.approx(1.00005e-4, abs=1e-8)
    assert at(partial(reverse_cross_entropy, clip=0.01), -40.0, 1.0) == pytest.approx(-log(0.01))
    with pytest.raises(ValueError, match="clip"):
        reverse_cross_entropy(torch.zeros(1, 1, 1), torch.zeros(1, 1, 1), clip=0.0)


@every_loss
@given(logit=st.floats(-15, 15), target=shares)
def test_every_loss_is_its_printed_formula(loss: VoxelLoss, logit: float, target: float) -> None:
    name = next(name for name, other in LOSSES.items() if other is loss)
    assert at(loss, logit, target) == pytest.approx(plainly(logit, target)[name], rel=1e-6, abs=1e-8)


@given(logits_of, st.booleans())
def test_the_soft_cross_entropy_of_a_hard_label_is_the_binary_one(logit: float, label: bool) -> None:
    logits, target = (torch.full((1, 1, 1), value, dtype=torch.float64) for value in (logit, float(label)))
    expected = functional.binary_cross_entropy_with_logits(logits, target)
    assert at(soft_cross_entropy, logit, float(label)) == pytest.approx(expected.item(), rel=1e-6)


@given(st.floats(0.001, 0.999), logits_of)
def test_the_soft_cross_entropy_is_least_where_the_probability_is_the_target(target: float, logit: float) -> None:
    assert at(soft_cross_entropy, log(target / (1 - target)), target) <= at(soft_cross_entropy, logit, target) + 1e-12


@given(logits_of, shares)
def test_the_absolute_error_is_least_where_the_probability_is_the_target(logit: float, target: float) -> None:
    assert 0 <= at(absolute_error, logit, target) <= 1
    assert at(absolute_error, 0.0, 0.5) == 0


@pytest.mark.parametrize("loss", [normalised_cross_entropy, normalised_reverse_cross_entropy, absolute_error])
@given(logit=logits_of)
def test_normalised_losses_of_both_labels_add_up_to_one(loss: VoxelLoss, logit: float) -> None:
    # That is what makes a loss tolerant of symmetric label noise (Ma et al. 2020, Lemma 1).
    assert at(loss, logit, 0.0) + at(loss, logit, 1.0) == pytest.approx(1, abs=1e-12)


@every_loss
@given(logit=logits_of, target=shares)
def test_a_voxel_and_its_opposite_cost_the_same(loss: VoxelLoss, logit: float, target: float) -> None:
    if isinstance(loss, ActivePassive) and abs(target - 0.5) < 1e-9:
        return  # At one half the hardened label is "yes" for both.
    assert at(loss, logit, target) == pytest.approx(at(loss, -logit, 1 - target), rel=1e-7, abs=1e-9)


def test_the_generalised_cross_entropy_lies_between_the_cross_entropy_and_the_absolute_error() -> None:
    for logit in (-3.0, 0.5, 6.0):
        near_zero = partial(generalised_cross_entropy, power=1e-5)
        assert at(near_zero, logit, 1.0) == pytest.approx(at(soft_cross_entropy, logit, 1.0), rel=1e-3)
        one = partial(generalised_cross_entropy, power=1.0)
        assert at(one, logit, 1.0) == pytest.approx(at(absolute_error, logit, 1.0))
    with pytest.raises(ValueError, match="power"):
        generalised_cross_entropy(torch.zeros(1, 1, 1), torch.zeros(1, 1, 1), power=1.5)


@every_loss
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_logits_of_fifty_and_targets_of_exactly_zero_and_one_stay_finite(loss: VoxelLoss, dtype: torch.dtype) -> None:
    logits = torch.tensor([50.0, -50.0, 50.0, -50.0, 50.0, -50.0], dtype=dtype).view(1, 1, -1).requires_grad_()
    target = torch.tensor([1.0, 1.0, 0.0, 0.0, 0.5, 0.5], dtype=dtype).view(1, 1, -1)
    losses = loss(logits, target)
    losses.sum().backward()
    assert losses.dtype == torch.float32
    assert losses.isfinite().all() and (losses >= 0).all()
    assert logits.grad is not None and logits.grad.isfinite().all()
    exact = loss(logits.detach().double(), target.double())
    torch.testing.assert_close(losses, exact.float(), rtol=1e-5, atol=1e-7)
    right, wrong = losses.flatten()[[0, 3]], losses.flatten()[[1, 2]]
    assert (right < 1e-3).all() and (wrong > 0.5).all()


def test_the_gradient_of_a_wrong_cross_entropy_is_never_cut_off() -> None:
    logits = torch.tensor([[[50.0, -50.0]]], requires_grad=True)
    soft_cross_entropy(logits, torch.tensor([[[0.0, 1.0]]])).sum().backward()
    assert logits.grad is not None and logits.grad.flatten().tolist() == pytest.approx([1, -1])


@every_loss
def test_the_gradient_agrees_with_finite_differences(loss: VoxelLoss) -> None:
    generator = torch.Generator().manual_seed(3)
    logits = 3 * torch.randn(2, 2, 5, generator=generator, dtype=torch.float64)
    target = torch.rand(2, 2, 5, generator=generator, dtype=torch.float64)
    target[0, 0, :2] = torch.tensor([0.0, 1.0], dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda z: loss(z, target), logits.requires_grad_())


@every_loss
def test_bool_uint8_and_float_targets_mean_the_same(loss: VoxelLoss) -> None:
    logits, hard = torch.linspace(-4, 4, 6).view(1, 2, 3), torch.tensor([1, 0, 1, 0, 1, 0]).view(1, 2, 3)
    found = [loss(logits, hard.to(kind)) for kind in (torch.bool, torch.uint8, torch.float32, torch.float16)]
    assert all(torch.equal(found[0], other) for other in found[1:])


@every_loss
def test_the_losses_are_float32_inside_autocast(loss: VoxelLoss) -> None:
    logits, target = torch.linspace(-9, 9, 8).view(1, 1, 8), torch.linspace(0, 1, 8).view(1, 1, 8)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = loss(logits, target)
    assert inside.dtype == torch.float32 and torch.equal(inside, loss(logits, target))


@settings(max_examples=20)
@given(logit=st.floats(-8, 8), label=st.booleans(), alpha=st.tuples(shares, shares, st.floats(0.1, 2)))
def test_the_active_passive_loss_is_the_weighted_sum_of_its_parts(
    logit: float, label: bool, alpha: tuple[float, float, float]
) -> None:
    target = 0.7 if label else 0.2
    parts = (
        at(normalised_cross_entropy, logit, float(label)),
        at(normalised_cross_entropy, logit, target),
        at(normalised_reverse_cross_entropy, logit, target),
    )
    found = at(ActivePassive(*alpha), logit, target)
    assert found == pytest.approx(sum(share * part for share, part in zip(alpha, parts)), rel=1e-6, abs=1e-9)
    assert -1e-9 <= found <= sum(alpha) + 1e-9


@pytest.mark.parametrize(
    "weights", [(-1.0, 1.0, 1.0), (0.0, 0.0, 0.0), (1.0, float("inf"), 1.0), (1.0, 1.0, float("nan"))]
)
def test_weights_below_zero_or_all_zero_are_refused(weights: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="active-passive"):
        ActivePassive(*weights)


def test_a_target_of_one_half_is_hardened_to_yes() -> None:
    assert hardened(torch.tensor([0.49, 0.5, 1.0])).tolist() == [False, True, True]
    flags = torch.tensor([True, False])
    assert hardened(flags) is flags


def test_logits_and_target_of_other_shapes_or_kinds_are_refused() -> None:
    refused: list[Callable[[], Tensor]] = [
        lambda: soft_cross_entropy(torch.zeros(1, 1, 2), torch.zeros(1, 1, 3)),
        lambda: absolute_error(torch.zeros(1, 1, 2, dtype=torch.int32), torch.zeros(1, 1, 2)),
    ]
    for call in refused:
        with pytest.raises(ValueError, match="must"):
            call()
