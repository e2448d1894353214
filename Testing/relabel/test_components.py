"""Connected parts: by hand, and equal to the plain whole-volume operation."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from PartialLabelSegLib.relabel.components import (
    bounding_box,
    boxes,
    component_of,
    fill_holes,
    flat_indices,
    largest_component,
)

masks = hnp.arrays(np.bool_, hnp.array_shapes(min_dims=3, max_dims=3, min_side=1, max_side=5), elements=st.booleans())


@given(masks)
def test_the_bounding_box_holds_the_mask_and_no_more(mask: np.ndarray) -> None:
    box = bounding_box(mask)
    assert box == ndimage.find_objects(mask.astype(np.uint8), 1)[0]
    if box is not None:
        assert np.array_equal(flat_indices(mask[box], box, mask.shape), np.flatnonzero(mask))


def test_the_boxes_of_a_label_map_are_named_by_value() -> None:
    label_map = np.zeros((2, 3, 4), np.uint8)
    label_map[1, 2, 1:3] = 3
    assert boxes(label_map, 3) == [None, None, (slice(1, 2), slice(2, 3), slice(1, 3))]


@given(masks, st.data())
def test_the_component_of_a_voxel_is_all_that_touches_it(mask: np.ndarray, data: st.DataObject) -> None:
    seed = data.draw(st.integers(-1, mask.size))
    inside = 0 <= seed < mask.size and bool(mask.ravel()[seed])
    reached = np.zeros(mask.shape, bool)
    if inside:
        reached.ravel()[seed] = True
        reached = ndimage.binary_dilation(reached, np.ones((3, 3, 3)), iterations=-1, mask=mask)
    assert np.array_equal(component_of(mask, seed), np.flatnonzero(reached))


def test_the_largest_component_keeps_what_touches_by_a_corner() -> None:
    mask = np.zeros((3, 5, 5), bool)
    mask[0, 0, 0] = mask[1, 1, 1] = mask[2, 2, 2] = True
    mask[0, 4, 3:5] = True
    assert np.argwhere(largest_component(mask)).tolist() == [[0, 0, 0], [1, 1, 1], [2, 2, 2]]
    assert not largest_component(np.zeros((2, 2, 2), bool)).any()


def test_of_two_equal_components_the_first_is_kept() -> None:
    mask = np.zeros((1, 1, 5), bool)
    mask[0, 0, [1, 4]] = True
    assert np.flatnonzero(largest_component(mask)).tolist() == [1]


@given(masks)
def test_holes_are_filled_as_in_the_whole_volume(mask: np.ndarray) -> None:
    assert np.array_equal(fill_holes(mask), ndimage.binary_fill_holes(mask))


def test_a_hole_that_opens_to_a_side_is_none() -> None:
    mask = np.ones((3, 3, 3), bool)
    mask[1, 1, 1] = False
    assert fill_holes(mask).all()
    mask[1, 1, 2] = False
    assert np.array_equal(fill_holes(mask), mask)


def test_a_component_that_holds_a_voxel_to_keep_stays_beside_the_largest() -> None:
    mask, keep = np.zeros((1, 1, 9), bool), np.zeros((1, 1, 9), bool)
    mask[0, 0, [0, 2, 3, 4, 6, 8]] = True
    keep[0, 0, [1, 6]] = True
    assert np.flatnonzero(largest_component(mask, keep)).tolist() == [2, 3, 4, 6]
