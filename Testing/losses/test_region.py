"""Soft centroid and extent against boxes and balls, and the penalty that holds them between bounds."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from PartialLabelSegLib.losses.region import place_penalty, soft_moments

MM = torch.tensor([2.0, 0.5])


def box() -> Tensor:
    """(1, 1, 10, 16): rows 2..4 and columns 8..15."""
    probability = torch.zeros(1, 1, 10, 16)
    probability[..., 2:5, 8:16] = 1
    return probability


def test_a_box_of_voxels_has_its_own_sides_area_and_middle() -> None:
    size, row, column, height, width = soft_moments(box(), MM)[0, 0].tolist()
    assert size == pytest.approx(24 * 1.0)
    assert (row, column) == pytest.approx(((3 - 4.5) * 2.0, (11.5 - 7.5) * 0.5), rel=1e-3)
    assert (height, width) == pytest.approx((6.0, 4.0), rel=1e-3)


def test_a_ball_scatters_as_a_box_of_one_and_a_half_times_its_radius() -> None:
    places = np.stack(np.meshgrid(*(np.arange(41) - 20,) * 3, indexing="ij"), -1)
    ball = torch.from_numpy(np.linalg.norm(places, axis=-1) < 15).float()[None, None]
    found = soft_moments(ball, torch.ones(3))[0, 0]
    assert found[4:].tolist() == pytest.approx([1.549 * 15] * 3, rel=0.01)


def test_an_empty_prediction_has_a_place_and_its_gradient_is_finite() -> None:
    probability = torch.zeros(1, 2, 6, 6, requires_grad=True)
    found = soft_moments(probability, MM)
    assert found[0, 0].tolist() == pytest.approx([0, 0, 0, 2.0, 0.5])
    found.sum().backward()
    assert probability.grad is not None and torch.isfinite(probability.grad).all()


def test_padding_moves_neither_the_middle_nor_anything_else() -> None:
    padded = torch.ones(1, 1, 14, 20)
    padded[..., :10, :16] = box()
    inside = torch.zeros(1, 1, 14, 20, dtype=torch.bool)
    inside[..., :10, :16] = True
    assert torch.allclose(soft_moments(padded, MM, inside), soft_moments(box(), MM))


@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 4)])
def test_the_gradient_of_the_moments_is_that_of_the_formula(shape: tuple[int, ...]) -> None:
    value = torch.rand(1, 2, *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1)).requires_grad_()
    spacing = torch.tensor([2.0, 1.0, 0.5][: len(shape)], dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda x: soft_moments(x, spacing), value)


def test_half_precision_is_summed_in_whole_precision() -> None:
    found = soft_moments(torch.ones(1, 1, 400, 400, dtype=torch.float16), torch.ones(2))
    assert found.dtype == torch.float32
    assert found[0, 0].tolist() == pytest.approx([160000, 0, 0, 400, 400], rel=1e-4, abs=1e-3)


def test_a_centroid_outside_its_bounds_costs_the_square_of_the_voxels_over_the_side_of_the_image() -> None:
    value, chosen = torch.tensor([[[10.0, -4.0]]]), torch.tensor([[True]])
    bounds = (torch.tensor([[[0.0, 0.0]]]), torch.tensor([[[6.0, 4.0]]]))
    image = (torch.tensor([[2.0, 0.5]]), torch.tensor([[10.0, 16.0]]))
    expected = ((4 / 2) ** 2 / 10 + (4 / 0.5) ** 2 / 16) / 2
    assert float(place_penalty(value, bounds, chosen, image)) == pytest.approx(expected)
    assert float(place_penalty(value, bounds, ~chosen, image)) == 0.0
