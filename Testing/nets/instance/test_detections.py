"""Detections: what is kept, and how masks are laid over a slice."""

from __future__ import annotations

import torch

from nets.instance.small_network import seeded
from PartialLabelSegLib.nets.instance.boxes import encode
from PartialLabelSegLib.nets.instance.detections import Detections, pasted, probability, surest
from PartialLabelSegLib.nets.instance.heads import UNITS
from PartialLabelSegLib.nets.instance.pooling import pool_each
from PartialLabelSegLib.nets.instance.shape import Selection


def test_the_surest_of_each_structure_stay_moved_and_without_doubles() -> None:
    wanted = torch.tensor([[0.0, 0, 8, 8], [0.0, 0, 8, 9], [10.0, 10, 30, 30], [4.0, 4, 4.5, 9]])
    start = torch.tensor([[2.0, 2.0, 9.0, 9.0]] * 4)
    logits = torch.tensor([[2.0, -9], [3.0, 1.0], [-1.0, -9], [9.0, 9.0]])
    boxes, structure, score = surest(start, logits, encode(wanted, start, UNITS), (16, 16), Selection(score=0.2))
    assert structure.tolist() == [0, 1, 0]
    torch.testing.assert_close(score, torch.sigmoid(torch.tensor([3.0, 1.0, -1.0])))
    torch.testing.assert_close(boxes, torch.tensor([[0.0, 0, 8, 9], [0.0, 0, 8, 9], [10.0, 10, 16, 16]]))
    boxes, _, _ = surest(start, logits, encode(wanted, start, UNITS), (16, 16), Selection(score=0.2, detections=1))
    assert len(boxes) == 1


def test_nothing_is_found_among_no_regions() -> None:
    boxes, structure, score = surest(torch.zeros(0, 4), torch.zeros(0, 3), torch.zeros(0, 4), (8, 8), Selection())
    assert boxes.shape == (0, 4) and structure.shape == score.shape == (0,)


def test_a_mask_on_whole_voxels_is_laid_as_it_is() -> None:
    mask = torch.arange(1.0, 5).view(1, 2, 2) / 4
    found = pasted(mask, torch.tensor([[1.0, 2.0, 3.0, 4.0]]), (4, 5))[0]
    expected = torch.zeros(4, 5)
    expected[1:3, 2:4] = mask[0]
    assert torch.equal(found, expected)


def test_a_mask_is_linear_between_its_cells_and_goes_on_to_the_edge_of_its_box() -> None:
    mask = torch.tensor([[[0.0, 1.0]] * 2])
    row = pasted(mask, torch.tensor([[0.0, 0.0, 2.0, 8.0]]), (2, 10))[0, 0]
    torch.testing.assert_close(row, torch.tensor([0, 0, 0.125, 0.375, 0.625, 0.875, 1, 1, 0, 0]))


def test_a_voxel_belongs_to_a_box_when_its_middle_does() -> None:
    found = pasted(torch.ones(1, 4, 4), torch.tensor([[0.4, 1.6, 2.5, 3.4]]), (5, 5))[0]
    assert torch.nonzero(found).tolist() == [[0, 2], [1, 2]]


def test_a_smooth_plane_that_is_pooled_and_laid_back_is_nearly_the_same() -> None:
    rows, columns = torch.meshgrid(torch.linspace(0, 1, 24), torch.linspace(0, 2, 24), indexing="ij")
    plane = torch.sin(rows + columns)
    box = torch.tensor([[3.3, 2.8, 20.1, 21.7]])
    back = pasted(pool_each(plane[None, None], box, 28)[:, 0], box, (24, 24))[0]
    assert (back - plane)[4:20, 4:21].abs().max() < 0.02


def test_the_probability_of_a_voxel_is_the_largest_score_times_mask() -> None:
    boxes = torch.tensor([[0.0, 0, 2, 2], [0.0, 1, 2, 3], [0.0, 0, 1, 1]])
    found = Detections(boxes, torch.tensor([0, 0, 2]), torch.tensor([0.9, 0.5, 0.4]), torch.full((3, 2, 2), 0.5))
    planes = probability(found, 3, (2, 4))
    torch.testing.assert_close(planes[0], torch.tensor([[0.45, 0.45, 0.25, 0]] * 2))
    assert not planes[1].any()
    torch.testing.assert_close(planes[2], torch.tensor([[0.2, 0, 0, 0], [0, 0, 0, 0]]))


def test_without_detections_the_probability_is_zero_everywhere() -> None:
    nothing = Detections(torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64), torch.zeros(0), torch.zeros(0, 4, 4))
    assert torch.equal(probability(nothing, 2, (3, 3)), torch.zeros(2, 3, 3)) and len(nothing) == 0


def test_laying_a_mask_is_done_in_float32_under_autocast() -> None:
    mask = torch.rand(1, 4, 4, generator=seeded())
    box = torch.tensor([[0.0, 0.0, 4.0, 4.0]])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(pasted(mask, box, (4, 4)), mask)
