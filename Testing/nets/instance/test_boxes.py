"""Boxes: areas, overlaps, and the way from an anchor to a box and back."""

from __future__ import annotations

from math import log

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from PartialLabelSegLib.nets.instance.boxes import areas, at_least, clipped, decode, encode, iou, share_inside


def boxes(*rows: tuple[float, float, float, float]) -> torch.Tensor:
    return torch.tensor(rows, dtype=torch.float32).reshape(-1, 4)


def test_overlaps_of_boxes_computed_by_hand() -> None:
    first = boxes((0, 0, 4, 4), (10, 10, 12, 14))
    second = boxes((2, 2, 6, 6), (0, 0, 4, 2), (20, 20, 21, 21))
    assert areas(first).tolist() == [16, 8]
    torch.testing.assert_close(iou(first, second), torch.tensor([[4 / 28, 0.5, 0], [0, 0, 0]]))
    torch.testing.assert_close(share_inside(second, first)[:, 0], torch.tensor([0.25, 1, 0]))


def test_boxes_that_only_touch_or_are_empty_share_nothing() -> None:
    assert iou(boxes((0, 0, 2, 2)), boxes((0, 2, 2, 4), (1, 1, 1, 2))).tolist() == [[0, 0]]
    assert iou(boxes((1, 1, 1, 1)), boxes((1, 1, 1, 1))).tolist() == [[0]]
    assert iou(boxes(), boxes((0, 0, 1, 1))).shape == (0, 1)


def test_iou_agrees_with_counting_the_voxels_of_whole_boxes() -> None:
    generator = torch.Generator().manual_seed(0)
    low = torch.randint(0, 8, (20, 2), generator=generator)
    every = torch.cat([low, low + torch.randint(1, 6, (20, 2), generator=generator)], 1)
    masks = torch.zeros(20, 16, 16, dtype=torch.bool)
    for mask, (top, left, bottom, right) in zip(masks, every.tolist()):
        mask[top:bottom, left:right] = True
    both = (masks[:, None] & masks[None]).sum((2, 3)).float()
    either = (masks[:, None] | masks[None]).sum((2, 3)).float()
    torch.testing.assert_close(iou(every.float(), every.float()), both / either)


def test_a_step_computed_by_hand() -> None:
    anchor, box = boxes((0, 0, 4, 8)), boxes((2, 0, 10, 4))
    wanted = [[1.0, -0.25, log(2), log(0.5)]]
    torch.testing.assert_close(encode(box, anchor), torch.tensor(wanted))
    torch.testing.assert_close(decode(torch.tensor(wanted), anchor), box)


side = st.floats(0.5, 200, width=32)
place = st.floats(-100, 500, width=32)
a_box = st.tuples(place, place, side, side).map(lambda one: (one[0], one[1], one[0] + one[2], one[1] + one[3]))


@given(first=a_box, second=a_box, units=st.sampled_from([(1.0, 1.0), (10.0, 5.0)]))
def test_the_way_there_and_back_ends_at_the_same_box(
    first: tuple[float, float, float, float], second: tuple[float, float, float, float], units: tuple[float, float]
) -> None:
    anchor, box = boxes(first).double(), boxes(second).double()
    step = encode(box, anchor, units)
    # A side never grows more than 62.5 times in one step, and deltas are computed in float32.
    if (step[:, 2:] / units[1]).max() < log(60):
        torch.testing.assert_close(decode(step, anchor, units), box, atol=1e-2, rtol=1e-4)


def test_a_wild_step_stays_a_number() -> None:
    found = decode(torch.tensor([[0.0, 0.0, 1e4, 88.0]]), boxes((0, 0, 1, 1)))
    assert found.isfinite().all() and areas(found) == pytest.approx(62.5**2, rel=1e-3)


def test_half_precision_deltas_are_decoded_in_float32() -> None:
    anchor = boxes((100, 100, 108, 116))
    assert decode(torch.zeros(1, 4, dtype=torch.bfloat16), anchor).tolist() == anchor.tolist()


def test_boxes_are_cut_at_the_image_and_thin_ones_are_told() -> None:
    found = clipped(boxes((-3, 2, 5, 30), (50, 50, 60, 60)), (10, 20))
    assert found.tolist() == [[0, 2, 5, 20], [10, 20, 10, 20]]
    assert at_least(found, 1.0).tolist() == [True, False]
