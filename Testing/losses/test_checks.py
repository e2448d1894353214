"""The predicates at the door of the losses."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from PartialLabelSegLib.losses.checks import check_floating, check_range, check_same_shape
from PartialLabelSegLib.losses.masked import bce_and_dice, masked_bce, masked_soft_dice


def test_a_tensor_of_another_shape_is_named_with_both_shapes() -> None:
    with pytest.raises(ValueError, match=r"weight must have the shape \(1, 2, 3\), got \(1, 1, 3\)"):
        check_same_shape(torch.zeros(1, 2, 3), target=torch.zeros(1, 2, 3), weight=torch.zeros(1, 1, 3))


def test_a_tensor_without_a_spatial_axis_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one spatial axis"):
        check_same_shape(torch.zeros(2, 3))


def test_whole_numbers_are_no_logits() -> None:
    check_floating("logits", torch.zeros(1, dtype=torch.bfloat16))
    with pytest.raises(ValueError, match=r"logits must be a floating-point tensor, got torch\.uint8"):
        check_floating("logits", torch.zeros(1, dtype=torch.uint8))


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_a_value_outside_the_range_is_refused_as_number_and_in_a_tensor(value: float) -> None:
    with pytest.raises(ValueError, match="target must lie in"):
        check_range("target", value, 0, 1)
    with pytest.raises(ValueError, match="target must lie in"):
        check_range("target", torch.tensor([0.5, value]), 0, 1)


@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.float16, torch.float32])
def test_the_ends_of_the_range_and_an_empty_tensor_are_allowed(dtype: torch.dtype) -> None:
    check_range("target", torch.tensor([0, 1], dtype=dtype), 0, 1)
    check_range("target", torch.zeros(0, dtype=dtype), 0, 1)


@pytest.mark.parametrize("loss", [masked_bce, masked_soft_dice, bce_and_dice])
def test_every_loss_refuses_a_target_that_would_silently_broadcast(loss: Callable[..., torch.Tensor]) -> None:
    with pytest.raises(ValueError, match="target must have the shape"):
        loss(torch.zeros(2, 3, 4), torch.zeros(2, 1, 4), torch.ones(2, 3, 4))


def test_a_dice_without_smoothing_is_refused() -> None:
    with pytest.raises(ValueError, match="smooth must lie in"):
        masked_soft_dice(torch.zeros(1, 1, 2), torch.zeros(1, 1, 2), torch.ones(1, 1, 2), smooth=0.0)
