"""Drawings become labels: every drawn voxel stays positive, shared ones for both, and small structures stay visible."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from data.small_scans import OBLIQUE
from PartialLabelSegLib.data.importers.drawing import Drawing, boxes, drawn_in, shared_voxels
from PartialLabelSegLib.data.importers.settle import settled
from PartialLabelSegLib.data.labels import Slices
from PartialLabelSegLib.data.types import State

NAMES = ("Liver", "Tumour", "Spleen")
MASKS = st.fixed_dictionaries({name: hnp.arrays(bool, OBLIQUE.shape) for name in NAMES})
LABELLED = dict.fromkeys(NAMES, State.LABELLED)


def drawing_of(masks: dict[str, np.ndarray], said: dict[str, State], **more: object) -> Drawing:
    drawn = {}
    for name, mask in masks.items():
        drawn.update(drawn_in(mask.astype(np.uint8), {name: (1,)}))
    return Drawing(drawn, said, **more)  # type: ignore[arg-type]


@given(MASKS, st.booleans())
def test_every_drawn_voxel_is_positive_for_its_structure(masks: dict[str, np.ndarray], may_overlap: bool) -> None:
    pairs = frozenset(frozenset((a, b)) for a in NAMES for b in NAMES if a < b) if may_overlap else frozenset()
    labels, _ = settled(drawing_of(masks, LABELLED), NAMES, pairs, OBLIQUE)
    assert labels is not None
    for name, mask in masks.items():
        np.testing.assert_array_equal(labels.positive(name), mask)
        assert labels.voxels(name) == mask.sum()
    np.testing.assert_array_equal(labels.label_map > 0, np.logical_or.reduce(list(masks.values())))
    np.testing.assert_array_equal(labels.origin > 0, labels.label_map > 0)


@given(MASKS)
def test_shared_voxels_are_counted_by_pair(masks: dict[str, np.ndarray]) -> None:
    found = shared_voxels(drawing_of(masks, LABELLED).drawn)
    for one, other in (("Liver", "Tumour"), ("Liver", "Spleen"), ("Tumour", "Spleen")):
        assert found.get(frozenset((one, other)), 0) == np.count_nonzero(masks[one] & masks[other])


def test_the_smaller_of_two_shows_in_the_label_map() -> None:
    masks = {name: np.zeros(OBLIQUE.shape, bool) for name in NAMES[:2]}
    masks["Liver"][:3] = True
    masks["Tumour"][2, 2, 2:4] = True
    labels, _ = settled(drawing_of(masks, LABELLED), NAMES, frozenset(), OBLIQUE)
    assert labels is not None
    assert np.count_nonzero(labels.label_map == 2) == 2
    assert labels.overlaps["Liver"].indices.size == 2
    assert "Tumour" not in labels.overlaps


@given(hnp.arrays(np.int32, OBLIQUE.shape, elements=st.integers(-2, 4)))
def test_boxes_hold_every_value_but_0(labels: np.ndarray) -> None:
    for array in (labels, np.abs(labels).astype(np.uint8)):
        found = boxes(array)
        assert set(found) == {int(value) for value in np.unique(array)} - {0}
        for value, box in found.items():
            assert np.count_nonzero(array[box] == value) == np.count_nonzero(array == value)


def test_a_structure_of_several_values_is_their_union() -> None:
    array = np.zeros(OBLIQUE.shape, np.uint8)
    array[0, 0, 0], array[3, 4, 5], array[1, 1, 1] = 1, 2, 3
    drawn = drawn_in(array, {"both": (1, 2), "none": (9,)})
    assert set(drawn) == {"both"}
    assert drawn["both"].voxels == 2
    assert drawn["both"].slices(0) == [0, 3]


@given(hnp.arrays(bool, OBLIQUE.shape), hnp.arrays(np.uint8, OBLIQUE.shape, elements=st.integers(0, 3)))
def test_beside_ignored_voxels_everything_is_certain(ignored: np.ndarray, array: np.ndarray) -> None:
    array = np.where(ignored, 0, array)
    drawn = drawn_in(array, {name: (value,) for value, name in enumerate(NAMES, 1)})
    said = {name: State.LABELLED if name in drawn else State.MISSING for name in NAMES}
    labels, _ = settled(Drawing(drawn, said, {}, ignored), NAMES, frozenset({frozenset(NAMES[:2])}), OBLIQUE)
    assert labels is not None
    for name in NAMES:
        if ignored.any():
            np.testing.assert_array_equal(labels.certain(name), ~ignored)
        np.testing.assert_array_equal(labels.positive(name), array == NAMES.index(name) + 1)
        if name in labels.negatives:
            assert not (labels.negatives[name].mask(OBLIQUE.shape) & labels.positive(name)).any()


@pytest.mark.parametrize("state", [State.MISSING, State.ABSENT])
def test_a_contradiction_leaves_no_labels(state: State) -> None:
    mask = np.zeros(OBLIQUE.shape, bool)
    mask[0, 0, 0] = True
    labels, problems = settled(drawing_of({"Liver": mask}, {"Liver": state}), NAMES, frozenset(), OBLIQUE)
    assert labels is None
    assert problems[0].message.startswith(f"it is said to be {state.value}, but 1 voxel of it is drawn.")


def test_slices_with_nothing_on_them_are_known_to_be_empty() -> None:
    drawing = Drawing({}, {"Liver": State.SOME_SLICES}, {"Liver": Slices(0, (1,))})
    labels, problems = settled(drawing, NAMES, frozenset(), OBLIQUE)
    assert labels is not None
    assert labels.certain("Liver").sum() == 30
    assert [problem.severity for problem in problems] == ["warning"]
