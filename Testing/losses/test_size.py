"""The size penalty of Kervadec et al., Eq. 5, against values computed by hand."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from PartialLabelSegLib.losses.size import outside, size_penalty, soft_size

YES = torch.tensor([[True]])


def image_of_size(voxels: int, sides: tuple[int, ...] = (4, 5)) -> Tensor:
    """Logits (1, 1, *sides) of a prediction that is sure of exactly so many voxels."""
    logits = torch.full((1, 1, *sides), -100.0)
    logits.view(-1)[:voxels] = 100.0
    return logits


def bounds(low: float, high: float) -> tuple[Tensor, Tensor]:
    return torch.tensor([[low]]), torch.tensor([[high]])


@pytest.mark.parametrize(
    ("voxels", "expected"), [(8, (8 - 6) ** 2 / 20), (2, (2 - 4) ** 2 / 20), (5, 0.0), (4, 0.0), (6, 0.0)]
)
def test_outside_the_bounds_the_square_of_what_is_missing_counts_over_the_area_and_inside_nothing(
    voxels: int, expected: float
) -> None:
    assert float(size_penalty(image_of_size(voxels), bounds(4, 6), YES)) == pytest.approx(expected)


def test_the_soft_size_is_the_sum_of_the_sigmoids() -> None:
    logits = torch.tensor([[[[0.0, 0.0], [2.0, -2.0]]]])
    assert float(soft_size(logits)) == pytest.approx(2.0)


def test_what_is_not_seen_may_hold_the_rest() -> None:
    part = torch.tensor([False])
    assert float(size_penalty(image_of_size(2), bounds(4, 6), YES, whole=part)) == 0.0
    assert float(size_penalty(image_of_size(8), bounds(4, 6), YES, whole=part)) == pytest.approx(0.2)


def test_padding_counts_neither_for_the_size_nor_for_the_area() -> None:
    inside = torch.zeros(1, 1, 4, 5, dtype=torch.bool)
    inside.view(-1)[:10] = True
    assert float(size_penalty(image_of_size(20), bounds(0, 6), YES, inside=inside)) == pytest.approx((10 - 6) ** 2 / 10)


def test_only_chosen_structures_count_and_they_count_as_a_mean() -> None:
    logits = torch.cat([image_of_size(8), image_of_size(12), image_of_size(20)], 1)
    low, high = torch.tensor([[0.0, 0.0, torch.nan]]), torch.tensor([[6.0, 6.0, torch.nan]])
    chosen = torch.tensor([[True, True, False]])
    assert float(size_penalty(logits, (low, high), chosen)) == pytest.approx((0.2 + 36 / 20) / 2)
    assert float(size_penalty(logits, (low, high), torch.zeros_like(chosen))) == 0.0


@pytest.mark.parametrize("bound", [(-torch.inf, 6.0), (torch.nan, 6.0), (0.0, torch.inf), (0.0, torch.nan)])
def test_a_bound_that_is_no_number_bounds_nothing_and_its_gradient_is_finite(bound: tuple[float, float]) -> None:
    logits = image_of_size(5).clamp(-3, 3).requires_grad_()
    value = size_penalty(logits, bounds(*bound), YES)
    value.backward()
    assert float(value.detach()) == pytest.approx(0.0) and logits.grad is not None and not logits.grad.any()


@pytest.mark.parametrize("limits", [(20.0, 25.0), (1.0, 2.0)])
def test_the_gradient_is_that_of_the_formula(limits: tuple[float, float]) -> None:
    logits = torch.randn(2, 1, 3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    low, high = torch.full((2, 1), limits[0]), torch.full((2, 1), limits[1])
    chosen = torch.ones(2, 1, dtype=torch.bool)
    assert torch.autograd.gradcheck(lambda x: size_penalty(x, (low, high), chosen), logits)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_large_image_keeps_its_size_in_half_precision(dtype: torch.dtype) -> None:
    # 262144 voxels: as half precision sums they would be infinite, or wrong by hundreds.
    logits = torch.zeros(1, 1, 512, 512, dtype=dtype, requires_grad=True)
    with torch.autocast("cpu", dtype=dtype):
        value = size_penalty(logits, bounds(0, 131072 - 512), YES)
    assert value.dtype == torch.float32 and float(value.detach()) == pytest.approx(1.0, rel=1e-5)
    value.backward()
    assert logits.grad is not None and torch.isfinite(logits.grad).all()


def test_bounds_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="low"):
        size_penalty(image_of_size(3), (torch.zeros(1, 2), torch.zeros(1, 1)), YES)


def test_the_distance_keeps_the_shape_of_the_values() -> None:
    value = torch.tensor([1.0, 5.0, 9.0])
    found = outside(value, torch.tensor(4.0), torch.tensor(6.0), torch.tensor([True, True, False]))
    assert found.tolist() == [9.0, 0.0, 0.0]
