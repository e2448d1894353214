"""Runs of voxels and the parts that they form, held against labelling the volume."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from PartialLabelSegLib.relabel.components import component_of, components
from PartialLabelSegLib.relabel.runs import Padded, part_at, runs_of

MASKS = arrays.arrays(bool, st.tuples(*[st.integers(1, 6)] * 3))


def box_of(mask: np.ndarray) -> Padded:
    return Padded((mask.shape[0], mask.shape[1], mask.shape[2]))


def test_runs_of_a_small_slice_are_as_counted_by_hand() -> None:
    mask = np.array([[[1, 1, 0, 1], [0, 0, 1, 0], [0, 0, 0, 0], [1, 0, 0, 0]]], bool)
    box = box_of(mask)
    # A padded line has 5 places.
    assert box.places(mask).tolist() == [0, 1, 3, 7, 15]
    runs = runs_of(box, box.places(mask))
    assert (runs.first.tolist(), runs.last.tolist(), runs.voxels.tolist()) == (
        [0, 3, 7, 15],
        [1, 3, 7, 15],
        [2, 1, 1, 1],
    )
    one, other = runs.touching()
    assert sorted(zip(one.tolist(), other.tolist())) == [(0, 2), (1, 2)]
    count, numbers = runs.parts()
    assert (count, numbers.tolist()) == (2, [0, 0, 0, 1])
    assert part_at(mask, (0, 3, 0)).sum() == 1
    assert part_at(mask, (0, 0, 3)).sum() == 4


def test_voxels_at_opposite_edges_do_not_touch() -> None:
    mask = np.zeros((2, 3, 3), bool)
    mask[0, 0, 2] = mask[0, 1, 0] = True
    mask[0, 2, 1] = mask[1, 0, 1] = False
    runs = runs_of(box_of(mask), box_of(mask).places(mask))
    assert runs.parts()[0] == 2
    mask = np.zeros((2, 3, 3), bool)
    mask[0, 2, 1] = mask[1, 0, 1] = True
    assert runs_of(box_of(mask), box_of(mask).places(mask)).parts()[0] == 2


@given(MASKS)
def test_places_go_there_and_back(mask: np.ndarray) -> None:
    box = box_of(mask)
    places = box.places(mask)
    assert box.flat(places).tolist() == np.flatnonzero(mask).tolist()
    assert np.stack(box.voxel(places), 1).tolist() == np.argwhere(mask).tolist()


@given(MASKS)
def test_parts_are_the_connected_components(mask: np.ndarray) -> None:
    box = box_of(mask)
    runs = runs_of(box, box.places(mask))
    count, numbers = runs.parts()
    labelled, expected = components(mask)
    assert count == expected
    theirs = labelled.reshape(-1)[box.flat(runs.first)]
    # The same grouping, whatever the numbers.
    assert len(set(zip(numbers.tolist(), theirs.tolist()))) == count
    assert int(runs.voxels.sum()) == np.count_nonzero(mask)


@given(MASKS, st.data())
def test_the_part_at_a_voxel_is_its_component(mask: np.ndarray, data: st.DataObject) -> None:
    voxel = tuple(data.draw(st.integers(0, size - 1)) for size in mask.shape)
    seed = int(np.ravel_multi_index(voxel, mask.shape))
    assert np.flatnonzero(part_at(mask, (voxel[0], voxel[1], voxel[2]))).tolist() == component_of(mask, seed).tolist()


def test_a_box_beyond_32_bits_has_wide_places() -> None:
    wide = Padded((3000, 1000, 1000))
    assert wide.size > 2**31
    assert box_of(np.ones((1, 1, 1), bool)).places(np.ones((1, 1, 1), bool)).dtype == np.int32


@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 3, 4)])
def test_an_empty_mask_has_no_runs(shape: tuple[int, int, int]) -> None:
    mask = np.zeros(shape, bool)
    runs = runs_of(box_of(mask), box_of(mask).places(mask))
    assert runs.count == 0
    assert runs.parts()[0] == 0
    assert not part_at(mask, (0, 0, 0)).any()
