"""RoIAlign against its definition, sample by sample, and the choice of the level."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from PartialLabelSegLib.nets.instance.pooling import level_of, plain_roi_align, pool_each, pool_pyramid, roi_align


def bilinear(plane: Tensor, y: float, x: float) -> float:
    """torchvision's rule: 0 beyond one cell outside, the border's value up to there."""
    height, width = plane.shape
    if y < -1 or y > height or x < -1 or x > width:
        return 0.0
    y, x = min(max(y, 0.0), height - 1), min(max(x, 0.0), width - 1)
    top, left = int(y), int(x)
    bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
    dy, dx = y - top, x - left
    upper = float(plane[top, left]) * (1 - dx) + float(plane[top, right]) * dx
    lower = float(plane[bottom, left]) * (1 - dx) + float(plane[bottom, right]) * dx
    return upper * (1 - dy) + lower * dy


def by_definition(plane: Tensor, box: list[float], size: int, samples: int) -> list[list[float]]:
    """The mean of the samples of each cell (aligned=True)."""
    top, left, bottom, right = box
    step = ((bottom - top) / size, (right - left) / size)
    count = [samples if samples > 0 else math.ceil(length) for length in step]
    result = []
    for row in range(size):
        line = []
        for column in range(size):
            total = sum(
                bilinear(
                    plane,
                    top - 0.5 + (row + (i + 0.5) / count[0]) * step[0],
                    left - 0.5 + (column + (j + 0.5) / count[1]) * step[1],
                )
                for i in range(count[0])
                for j in range(count[1])
            )
            line.append(total / max(1, count[0] * count[1]))
        result.append(line)
    return result


@pytest.mark.parametrize("samples", [-1, 1, 2, 3])
def test_pooling_is_what_its_definition_says_inside_and_beyond_the_image(samples: int) -> None:
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(2, 2, 7, 9, generator=generator)
    low = torch.rand(24, 2, generator=generator) * 14 - 4
    boxes = torch.cat([low, low + torch.rand(24, 2, generator=generator) * 9], 1)
    boxes[0] = torch.tensor([2.0, 3.0, 2.0, 3.0])
    image = torch.arange(24) % 2
    found = plain_roi_align(features, boxes, image, 3, samples)
    expected = [
        [by_definition(plane, box, 3, samples) for plane in features[which]]
        for box, which in zip(boxes.tolist(), image.tolist())
    ]
    torch.testing.assert_close(found, torch.tensor(expected), atol=1e-5, rtol=1e-4)


def test_a_box_on_whole_cells_gives_those_cells() -> None:
    features = torch.arange(30, dtype=torch.float32).reshape(1, 1, 5, 6)
    box, image = torch.tensor([[1.0, 2.0, 3.0, 4.0]]), torch.zeros(1, dtype=torch.int64)
    assert torch.equal(roi_align(features, box, image, 2, samples=1), features[:, :, 1:3, 2:4])


def test_its_gradient_agrees_with_finite_differences() -> None:
    boxes = torch.tensor([[0.3, -1.2, 4.1, 3.0], [1.0, 1.0, 2.5, 5.5]], dtype=torch.float64)
    features = torch.randn(
        2, 2, 4, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64, requires_grad=True
    )
    image = torch.tensor([1, 0])
    assert torch.autograd.gradcheck(lambda one: plain_roi_align(one, boxes, image, 2), (features,))


def test_no_box_gives_nothing_and_keeps_the_shape() -> None:
    assert plain_roi_align(torch.ones(1, 3, 4, 4), torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64), 2).shape == (
        0,
        3,
        2,
        2,
    )
    assert pool_each(torch.ones(0, 2, 4, 4), torch.zeros(0, 4), 3).shape == (0, 2, 3, 3)


def test_half_precision_features_are_pooled_in_float32_under_autocast_too() -> None:
    features = torch.randn(1, 2, 8, 8, generator=torch.Generator().manual_seed(2)).bfloat16()
    box, image = torch.tensor([[1.0, 1.0, 6.0, 7.0]]), torch.zeros(1, dtype=torch.int64)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = roi_align(features, box, image, 3)
    assert found.dtype == torch.float32
    assert torch.equal(found, plain_roi_align(features.float(), box, image, 3))


def test_each_box_has_planes_of_its_own() -> None:
    planes = torch.randn(3, 2, 6, 6, generator=torch.Generator().manual_seed(3))
    boxes = torch.tensor([[0.0, 0.0, 3.0, 4.0], [1.5, 1.0, 5.0, 5.0], [2.0, 2.0, 8.0, 8.0]])
    torch.testing.assert_close(pool_each(planes, boxes, 2), plain_roi_align(planes, boxes, torch.arange(3), 2))


def test_a_box_twice_as_long_is_pooled_one_level_down() -> None:
    sides = torch.tensor([1.0, 8.0, 11.0, 12.0, 16.0, 33.0, 500.0])
    boxes = torch.stack([torch.zeros(7), torch.zeros(7), sides, sides], 1)
    assert level_of(boxes, [(2, 2), (4, 4), (8, 8)], 4.0).tolist() == [0, 0, 0, 1, 1, 2, 2]


def test_a_pyramid_is_pooled_image_after_image_each_box_at_its_level() -> None:
    fine = torch.zeros(2, 1, 16, 8) + torch.tensor([1.0, 2.0]).view(2, 1, 1, 1)
    coarse = fine[:, :, :8, :4] + 10
    small, large = [2.0, 2.0, 10.0, 6.0], [0.0, 0.0, 30.0, 14.0]
    found = pool_pyramid(
        [fine, coarse], [torch.tensor([small, large]), torch.tensor([large, small])], [(2, 2), (4, 4)], 4.0, 2
    )
    assert found[:, 0].flatten(1).T.tolist() == [[1, 11, 12, 2]] * 4


def test_the_pyramids_steps_may_differ_between_rows_and_columns() -> None:
    level = torch.arange(8.0).view(1, 1, 8, 1).expand(1, 1, 8, 4)
    box = torch.tensor([[4.0, 0.0, 8.0, 4.0]])
    assert pool_pyramid([level], [box], [(2, 1)], 4.0, 2)[0, 0].tolist() == [[2, 2], [3, 3]]


def test_images_without_any_box_are_passed_over() -> None:
    level = torch.zeros(3, 4, 8, 8)
    assert pool_pyramid([level], [torch.zeros(0, 4)] * 3, [(2, 2)], 4.0, 7).shape == (0, 4, 7, 7)
