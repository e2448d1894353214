"""Detection: components, matching and average precision by hand, and against second implementations."""

from __future__ import annotations

import math

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import average_precision_score

from PartialLabelSegLib.metrics.detection import (
    Instance,
    Scored,
    average_precision,
    detection,
    instances_of,
    iou_table,
    match,
)


def lesion(*voxels: int, score: float = 1.0) -> Instance:
    return Instance(np.array(voxels, np.int64), score)


def test_components_touch_by_corners_and_are_scored_by_their_mean_probability() -> None:
    mask = np.zeros((2, 3, 4), bool)
    mask[0, 0, 0] = mask[1, 1, 1] = mask[0, 0, 3] = True
    probability = np.zeros(mask.shape, np.float32)
    probability[0, 0, 0], probability[1, 1, 1], probability[0, 0, 3] = 0.5, 1.0, 0.625
    first, second = instances_of(mask, probability)
    assert first.indices.tolist() == [0, 17] and first.score == 0.75
    assert second.indices.tolist() == [3] and second.score == 0.625
    assert [item.indices.tolist() for item in instances_of(mask, probability, smallest=2)] == [[0, 17]]
    assert [item.score for item in instances_of(mask)] == [1.0, 1.0]


@given(hnp.arrays(np.bool_, (3, 5, 4)))
def test_the_components_are_those_of_simpleitk(mask: np.ndarray) -> None:
    labels = sitk.GetArrayFromImage(sitk.ConnectedComponent(sitk.GetImageFromArray(mask.astype(np.uint8)), True))
    theirs = {tuple(np.flatnonzero(labels == value)) for value in range(1, int(labels.max()) + 1)}
    assert {tuple(item.indices) for item in instances_of(mask)} == theirs


def test_iou_is_counted_voxel_by_voxel() -> None:
    table = iou_table([lesion(0, 1, 2), lesion(9)], [lesion(1, 2, 3), lesion(4)])
    assert table.tolist() == [[0.5, 0.0], [0.0, 0.0]]
    assert iou_table([], [lesion(1)]).shape == (0, 1) and iou_table([lesion(1)], []).shape == (1, 0)


@given(
    st.lists(hnp.arrays(np.bool_, 12).filter(np.any), max_size=3),
    st.lists(hnp.arrays(np.bool_, 12).filter(np.any), max_size=3),
)
def test_iou_is_that_of_the_masks(first: list[np.ndarray], second: list[np.ndarray]) -> None:
    sides = [[lesion(*np.flatnonzero(mask)) for mask in side] for side in (first, second)]
    expected = [[(a & b).sum() / (a | b).sum() for b in second] for a in first]
    assert iou_table(*sides) == pytest.approx(np.reshape(expected, (len(first), len(second))))


def test_a_lesion_is_found_once_by_the_surest_detection() -> None:
    reference = [lesion(0, 1, 2, 3)]
    scored = match([lesion(0, 1, 2, 3, score=0.6), lesion(0, 1, 2, score=0.9)], reference, 0.5)
    assert scored == [Scored(0.9, 0.75), Scored(0.6, 0.0)]


def test_a_detection_takes_the_lesion_that_it_covers_best_and_leaves_the_other() -> None:
    reference = [lesion(0, 1, 2), lesion(3, 4)]
    scored = match([lesion(2, 3, 4, score=0.9), lesion(0, 1, score=0.8)], reference, 0.5)
    assert scored == [Scored(0.9, 2 / 3), Scored(0.8, 2 / 3)]


def test_detections_of_one_score_do_not_depend_on_their_order() -> None:
    reference, detected = [lesion(0, 1, 2)], [lesion(1, 2), lesion(0, 1, 2)]
    assert (
        match(detected, reference, 0.5) == match(detected[::-1], reference, 0.5) == [Scored(1.0, 1.0), Scored(1.0, 0)]
    )


def test_ap50_and_ap75_of_two_scans_are_as_computed_by_hand() -> None:
    # Three lesions. By falling score: IoU 0.8 (found), nothing (wrong), IoU 0.6 (found at 0.5 only); one lesion is missed.
    scans = [
        ([lesion(0, 1, 2, 3, score=0.9), lesion(50, score=0.8)], [lesion(0, 1, 2, 3, 4)]),
        ([lesion(10, 11, 12, score=0.7)], [lesion(10, 11, 12, 13, 14), lesion(90, 91)]),
    ]
    at50, at75 = detection(scans, 0.5), detection(scans, 0.75)
    # Precision 1, 1/2, 2/3 at recall 1/3, 1/3, 2/3.
    assert at50.average_precision == pytest.approx(1 / 3 * 1 + 1 / 3 * 2 / 3)
    assert (at50.found, at50.wrong, at50.missed) == (2, 1, 1)
    assert at50.precision == pytest.approx(2 / 3) and at50.recall == pytest.approx(2 / 3)
    assert at50.matched_iou == pytest.approx(0.7)
    assert at75.average_precision == pytest.approx(1 / 3)
    assert (at75.found, at75.wrong, at75.missed) == (1, 2, 2) and at75.matched_iou == pytest.approx(0.8)


def test_precision_counts_as_the_best_that_is_reached_later() -> None:
    # Wrong, found, found of two lesions: precision 0, 1/2, 2/3; both steps of recall count 2/3.
    scored = [Scored(0.9, 0), Scored(0.8, 1), Scored(0.7, 1)]
    assert average_precision(scored, 2) == pytest.approx(2 / 3)


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=12), st.integers(0, 3))
def test_it_is_at_least_the_average_precision_without_the_envelope(items: list[tuple[int, bool]], missed: int) -> None:
    scored = [Scored(score / 5, float(hit)) for score, hit in items]
    hits = [item.iou > 0 for item in scored]
    found = average_precision(scored, sum(hits) + missed)
    if not any(hits):
        assert math.isnan(found) or found == 0
        return
    plain = average_precision_score(hits, [item.score for item in scored]) * sum(hits) / (sum(hits) + missed)
    assert plain - 1e-12 <= found <= sum(hits) / (sum(hits) + missed) + 1e-12
    assert average_precision(scored[::-1], sum(hits) + missed) == found


@given(st.lists(st.booleans(), min_size=1, max_size=10), st.integers(0, 3))
def test_it_is_the_area_under_the_envelope_drawn_point_by_point(hits: list[bool], missed: int) -> None:
    lesions = sum(hits) + missed
    scored = [Scored(1 - place / 20, float(hit)) for place, hit in enumerate(hits)]
    points = [(sum(hits[: n + 1]) / max(1, lesions), sum(hits[: n + 1]) / (n + 1)) for n in range(len(hits))]
    area, before = 0.0, 0.0
    for recall in sorted({point[0] for point in points}):
        area += (recall - before) * max(precision for reached, precision in points if reached >= recall)
        before = recall
    if lesions:
        assert average_precision(scored, lesions) == pytest.approx(area)


def test_empty_sides_have_the_answers_that_they_promise() -> None:
    nothing = detection([([], [])], 0.5)
    assert all(math.isnan(value) for value in (nothing.average_precision, nothing.precision, nothing.recall))
    missed = detection([([], [lesion(1)])], 0.5)
    assert missed.average_precision == 0 and missed.recall == 0 and math.isnan(missed.precision)
    assert math.isnan(missed.matched_iou)
    wrong = detection([([lesion(1)], [])], 0.5)
    assert math.isnan(wrong.average_precision) and wrong.precision == 0 and math.isnan(wrong.recall)


def test_what_is_no_instance_is_refused() -> None:
    for voxels in ([], [2, 1], [1, 1]):
        with pytest.raises(ValueError, match="sorted voxel indices"):
            lesion(*voxels)
    with pytest.raises(ValueError, match="finite"):
        lesion(1, score=math.nan)
    with pytest.raises(ValueError, match="boolean mask"):
        instances_of(np.ones((2, 2, 2), bool), np.ones((2, 2, 1)))
    with pytest.raises(ValueError, match="IoU threshold"):
        detection([], 0.0)
