"""The completed segmentation: what is filled, what stays, and the two rules for shape."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from PartialLabelSegLib.data.labels import EXPERT, Labels, Marks
from PartialLabelSegLib.data.prediction import Prediction
from PartialLabelSegLib.relabel.apply import apply
from PartialLabelSegLib.relabel.complete import Options, completed

NAMES = ("Liver", "Spleen")
BOTH = Options(round_number=4, largest_component=True, fill_holes=True)


def row(*values: int) -> np.ndarray:
    return np.array(values, np.uint8).reshape(1, 1, -1)


def says(label: np.ndarray) -> Prediction:
    empty = np.zeros(label.shape, np.uint16)
    return Prediction(NAMES, label, empty, empty, empty)


def test_a_missing_structure_is_filled_where_its_label_is_open() -> None:
    labels = Labels.expert(NAMES, row(0, 2, 0, 0, 0), (False, True))
    labels = replace(labels, negatives={"Liver": Marks(np.array([3]), np.array([2], np.uint8))})
    result = completed(labels, says(row(1, 1, 1, 1, 2)), options=Options(round_number=4))
    assert result.label_map.ravel().tolist() == [1, 2, 1, 0, 0]
    assert result.origin.ravel().tolist() == [6, 1, 6, 0, 0]
    assert result.known == (True, True)


def test_filling_with_what_was_accepted_leaves_the_rest_unknown() -> None:
    labels = Labels(NAMES, row(1, 2, 0), (False, True), row(3, 1, 0))
    result = completed(labels, None, "accepted")
    assert result.label_map.ravel().tolist() == [1, 2, 0]
    assert result.known == (False, True)


def test_a_suggestion_in_a_structure_that_may_share_stands_beside_it() -> None:
    labels = replace(Labels.expert(NAMES, row(2, 2), (False, True)), overlapping=frozenset({frozenset(NAMES)}))
    result = completed(labels, says(row(1, 0)))
    assert result.label_map.ravel().tolist() == [2, 2]
    assert result.positive("Liver").ravel().tolist() == [True, False]


def test_the_largest_component_and_those_with_the_annotators_voxels_are_kept() -> None:
    labels = Labels(NAMES, row(1, 0, 0, 0, 0, 0, 1, 0, 0), (False, True), row(1, 0, 0, 0, 0, 0, 2, 0, 0))
    prediction = says(row(1, 1, 0, 1, 1, 1, 0, 0, 1))
    assert completed(labels, prediction).label_map.ravel().tolist() == [1, 1, 0, 1, 1, 1, 1, 0, 1]
    result = completed(labels, prediction, options=Options(largest_component=True))
    assert result.label_map.ravel().tolist() == [1, 1, 0, 1, 1, 1, 1, 0, 0]
    lone = Labels(NAMES, row(0, 0, 0, 1), (False, True), row(0, 0, 0, 2))
    assert completed(lone, says(row(1, 1, 0, 0)), options=BOTH).label_map.ravel().tolist() == [1, 1, 0, 0]


def test_holes_are_filled_but_not_over_another_label() -> None:
    shell = np.ones((3, 3, 5), np.uint8)
    shell[1, 1, 1] = 0
    shell[1, 1, 3] = 2
    labels = Labels.expert(NAMES, np.zeros_like(shell), (False, False))
    filled = completed(labels, says(shell), options=Options(fill_holes=True))
    assert filled.label_map[1, 1].tolist() == [1, 1, 1, 2, 1]
    assert completed(labels, says(shell)).label_map[1, 1].tolist() == [1, 0, 1, 2, 1]


def test_a_known_structure_is_left_alone_by_every_rule() -> None:
    drawn = np.ones((3, 3, 5), np.uint8)
    drawn[1, 1, 1] = 0
    drawn[:, :, 3] = 0
    labels = Labels.expert(NAMES, drawn, (True, True))
    result = completed(labels, says(np.full_like(drawn, 2)), options=BOTH)
    assert np.array_equal(result.label_map, drawn)


def test_a_fill_needs_what_it_fills_with() -> None:
    labels = Labels.expert(NAMES, row(0), (False, True))
    with pytest.raises(ValueError, match="needs a prediction"):
        completed(labels, None)
    with pytest.raises(ValueError, match="fill must be one of"):
        completed(labels, None, "everything")
    with pytest.raises(ValueError, match="same structures and shape"):
        completed(labels, says(row(0, 0)))


@given(st.data(), st.sampled_from(["prediction", "accepted"]), st.booleans(), st.booleans())
def test_what_the_annotator_settled_is_byte_identical_in_the_completed_labels(
    drawn: SimpleNamespace, data: st.DataObject, fill: str, largest: bool, holes: bool
) -> None:
    expert = data.draw(drawn.labels())
    first = data.draw(drawn.prediction(expert))
    labels = apply(expert, first, data.draw(drawn.review(first)), "scan", 0)
    prediction = data.draw(drawn.prediction(labels))
    result = completed(labels, prediction, fill, Options(1, largest, holes))
    theirs = expert.origin == EXPERT
    assert result.label_map[theirs].tobytes() == expert.label_map[theirs].tobytes()
    assert np.array_equal(result.origin == EXPERT, theirs)
    assert np.array_equal(result.label_map > 0, result.origin > 0)
    for structure in expert.structures:
        settled = labels.certain(structure) if not largest else expert.certain(structure)
        assert np.array_equal(result.positive(structure)[settled], labels.positive(structure)[settled])
        assert result.is_known(structure) or fill == "accepted"
