"""The candidates, their rank and the share gamma: by hand, against a plain implementation, and for speed."""

from __future__ import annotations

import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from PartialLabelSegLib.data.labels import FIRST_ROUND, Labels, Marks, Slices
from PartialLabelSegLib.data.prediction import Prediction, fixed_point
from PartialLabelSegLib.relabel.apply import apply
from PartialLabelSegLib.relabel.select import (
    accepted,
    accepted_at,
    candidates,
    open_at,
    rank_volume,
    select,
    suggested,
    suggested_at,
    threshold,
)

NAMES = ("Liver", "Spleen")


def row(*values: float, kind: type = np.uint8) -> np.ndarray:
    """One row of voxels as a volume (1, 1, n)."""
    return np.array(values, kind).reshape(1, 1, -1)


def predicted(labels: Labels, label: np.ndarray, confidence: np.ndarray) -> Prediction:
    stored = fixed_point(confidence)
    return Prediction(labels.structures, label, stored, stored, rank_volume(labels, label, confidence))


def test_candidates_are_predicted_voxels_that_nothing_settles() -> None:
    # voxel 1 is drawn as the spleen, voxel 4 is marked as not the liver
    labels = Labels.expert(NAMES, row(0, 2, 0, 0, 0), (False, True))
    labels = replace(labels, negatives={"Liver": Marks(np.array([4]), np.array([2], np.uint8))})
    assert candidates(labels, row(1, 1, 1, 2, 1), "Liver").ravel().tolist() == [True, False, True, False, False]


def test_a_structure_that_is_known_has_no_candidates() -> None:
    labels = Labels.expert(NAMES, row(0, 2, 0), (True, True))
    assert not candidates(labels, row(1, 1, 1), "Liver").any()
    assert not rank_volume(labels, row(1, 1, 2), row(1, 1, 1, kind=np.float32)).any()


def test_on_slices_that_were_looked_at_there_are_no_candidates() -> None:
    labels = Labels.expert(NAMES, row(0, 0, 0, 0), (False, True), {"Liver": Slices(2, (0, 3))})
    assert candidates(labels, row(1, 1, 1, 1), "Liver").ravel().tolist() == [False, True, True, False]


def test_a_label_of_a_structure_that_may_share_voxels_settles_nothing() -> None:
    labels = replace(Labels.expert(NAMES, row(2, 2), (False, True)), overlapping=frozenset({frozenset(NAMES)}))
    assert candidates(labels, row(1, 0), "Liver").ravel().tolist() == [True, False]


def test_the_rank_of_four_candidates_is_as_computed_by_hand() -> None:
    labels = Labels.expert(NAMES, row(0, 0, 0, 0, 0), (False, True))
    rank = rank_volume(labels, row(1, 1, 1, 1, 0), row(0.2, 0.9, 0.2, 0.4, 0.99, kind=np.float32))
    # order: voxels 1, 3, 0, 2 (a tie goes to the smaller index); (n - p - 1/2) / n = 7/8, 5/8, 3/8, 1/8 of 65535, rounded up
    assert rank.ravel().tolist() == [24576, 57344, 8192, 40960, 0]
    prediction = Prediction(NAMES, row(1, 1, 1, 1, 0), rank, rank, rank)
    found = [suggested_at(prediction, "Liver", gamma).tolist() for gamma in (0, 0.25, 0.5, 0.75, 1)]
    assert found == [[], [1], [1, 3], [0, 1, 3], [0, 1, 2, 3]]


def test_voxels_accepted_earlier_come_first_and_count_towards_the_share() -> None:
    # voxels 0, 1, 2 were accepted; 2 is no longer predicted as the liver. The pool has 6 voxels: 2 (first), 1, 0, then 4, 3, 5.
    origin = row(2, 2, 2, 0, 0, 0)
    labels = Labels(NAMES, row(1, 1, 1, 0, 0, 0), (False, True), origin)
    prediction = predicted(labels, row(1, 1, 0, 1, 1, 1), row(0.1, 0.2, 0, 0.8, 0.9, 0.7, kind=np.float32))
    assert accepted(labels, "Liver").tolist() == [0, 1, 2]
    assert np.flatnonzero(select(prediction, labels, "Liver", 0.5)).tolist() == [0, 1, 2]
    assert np.flatnonzero(select(prediction, labels, "Liver", 4 / 6)).tolist() == [0, 1, 2, 4]
    assert np.flatnonzero(select(prediction, labels, "Liver", 1)).tolist() == [0, 1, 2, 3, 4, 5]


def test_the_ranks_of_two_structures_do_not_mix() -> None:
    labels = Labels.expert(NAMES, row(0, 0, 0, 0), (False, False))
    prediction = predicted(labels, row(1, 2, 1, 2), row(0.9, 0.3, 0.8, 0.2, kind=np.float32))
    assert suggested(prediction, 0.5).ravel().tolist() == [1, 2, 0, 0]


@pytest.mark.parametrize("gamma", [-0.1, 1.1, float("nan")])
def test_a_share_outside_0_to_1_is_refused(gamma: float) -> None:
    with pytest.raises(ValueError, match=r"gamma must lie in 0\.\.1"):
        threshold(gamma)


@pytest.mark.parametrize("value", [1.5, -0.5, np.nan])
def test_a_confidence_outside_0_to_1_is_refused(value: float) -> None:
    labels = Labels.expert(NAMES, row(0, 0), (False, True))
    with pytest.raises(ValueError, match=r"confidence must lie in 0\.\.1"):
        rank_volume(labels, row(1, 1), row(0.5, value, kind=np.float32))


@given(st.data())
def test_the_sparse_questions_agree_with_the_labels(drawn: SimpleNamespace, data: st.DataObject) -> None:
    labels = data.draw(drawn.labels())
    prediction = data.draw(drawn.prediction(labels))
    labels = apply(labels, prediction, data.draw(drawn.review(prediction)), "scan", 0)
    everywhere = np.arange(labels.label_map.size)
    for value, structure in enumerate(labels.structures, 1):
        values = np.full(everywhere.shape, value, np.uint8)
        assert np.array_equal(open_at(labels, everywhere, values), ~labels.certain(structure).ravel())
        assert np.array_equal(np.flatnonzero(accepted_at(labels, everywhere, values)), accepted(labels, structure))


@given(st.data(), st.floats(0, 1))
def test_the_selection_is_the_share_of_the_pool_in_plain_words(
    drawn: SimpleNamespace, data: st.DataObject, gamma: float
) -> None:
    labels = data.draw(drawn.labels())
    first = data.draw(drawn.prediction(labels))
    labels = apply(labels, first, data.draw(drawn.review(first)), "scan", 0)
    prediction = data.draw(drawn.prediction(labels))
    for structure in labels.structures:
        assert np.array_equal(
            np.flatnonzero(select(prediction, labels, structure, gamma)), _plain(prediction, labels, structure, gamma)
        )


def _plain(prediction: Prediction, labels: Labels, structure: str, gamma: float) -> np.ndarray:
    """The same by a sort in Python of (accepted first, confidence, index)."""
    taken = set(accepted(labels, structure).tolist())
    label, confidence = prediction.label.ravel(), prediction.confidence.ravel()
    now = label == labels.value(structure)
    gone = sorted(place for place in taken if not now[place])
    if labels.is_known(structure):
        return np.array(gone, np.int64)
    new = np.flatnonzero(candidates(labels, prediction.label, structure)).tolist()
    rest = sorted([*(taken - set(gone)), *new], key=lambda place: (place not in taken, -int(confidence[place]), place))
    pool = gone + rest
    # position p is in where (p + 1/2) / n < gamma, up to the 65535 steps of a rank
    inside = [
        place
        for p, place in enumerate(pool)
        if -((-65535 * (2 * (len(pool) - p) - 1)) // (2 * len(pool))) > int((1 - gamma) * 65535)
    ]
    return np.array(sorted({*gone, *inside}), np.int64)


@given(st.integers(1, 3000), st.floats(0, 1))
def test_the_share_is_within_half_a_voxel_of_gamma(voxels: int, gamma: float) -> None:
    labels = Labels.expert(("Liver",), np.zeros((1, 1, voxels), np.uint8), (False,))
    confidence = np.random.default_rng(voxels).random((1, 1, voxels), np.float32)
    prediction = predicted(labels, np.ones((1, 1, voxels), np.uint8), confidence)
    count = suggested_at(prediction, "Liver", gamma).size
    assert abs(count - gamma * voxels) <= 0.5 + 2 * voxels / 65535
    assert (
        count == 0
        or confidence.ravel()[suggested_at(prediction, "Liver", gamma)].min() >= np.sort(confidence.ravel())[-count]
    )


def test_a_large_pool_is_cut_at_its_share_to_one_step_of_a_rank() -> None:
    voxels = 300_000
    labels = Labels.expert(("Liver",), np.zeros((1, 1, voxels), np.uint8), (False,))
    confidence = np.random.default_rng(0).random((1, 1, voxels), np.float32)
    prediction = predicted(labels, np.ones((1, 1, voxels), np.uint8), confidence)
    for gamma in (0.001, 0.33, 0.66, 0.999):
        assert abs(suggested_at(prediction, "Liver", gamma).size - gamma * voxels) <= 1 + voxels / 65535
    assert suggested_at(prediction, "Liver", 1).size == voxels
    assert suggested_at(prediction, "Liver", 0).size == 0


def test_an_accepted_voxel_beside_another_label_is_found() -> None:
    labels = Labels.expert(NAMES, row(2, 2), (False, True))
    marks = Marks(np.array([1]), np.array([FIRST_ROUND + 3], np.uint8))
    labels = replace(labels, overlaps={"Liver": marks}, overlapping=frozenset({frozenset(NAMES)}))
    assert accepted(labels, "Liver").tolist() == [1]
    assert accepted(labels, "Spleen").tolist() == []


def test_seven_structures_at_a_share_take_well_under_a_second(capsys: pytest.CaptureFixture[str]) -> None:
    """Prints the time; a quarter of 512 x 512 x 300, so that the test itself stays small."""
    names = tuple(f"organ {number}" for number in range(7))
    label = np.zeros((75, 512, 512), np.uint8)
    for value in range(1, 8):
        label[5:70, 60 * value : 60 * value + 50, 100:400] = value
    labels = Labels.expert(names, np.zeros_like(label), (False,) * 7)
    confidence = np.random.default_rng(0).random(label.shape, np.float32)
    start = time.perf_counter()
    prediction = predicted(labels, label, confidence)
    ranked = time.perf_counter()
    shown = suggested(prediction, 0.33)
    end = time.perf_counter()
    with capsys.disabled():
        print(f"\n75x512x512, 7 structures: ranks {ranked - start:.2f} s, selection {end - ranked:.3f} s")
    share = np.bincount(shown.ravel())[1:] / np.bincount(label.ravel())[1:]
    assert share == pytest.approx(0.33, abs=1e-4)
