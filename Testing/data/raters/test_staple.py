"""STAPLE of masks and ticks: against SimpleITK, and raters who did not read everything."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from data.raters.studies import knee, knee_bone, masks, noisy_masks, reading
from PartialLabelSegLib.data.raters.consensus import majority
from PartialLabelSegLib.data.raters.staple import staple, staple_in_steps


@pytest.mark.parametrize("errors", [(0.05, 0.1, 0.2, 0.15), (0.02, 0.3, 0.3), (0.1, 0.1)])
def test_staple_agrees_with_simpleitk_where_every_rater_read_everything(errors: tuple[float, ...]) -> None:
    readers = noisy_masks(errors)
    found = staple(masks(*readers))
    oracle = sitk.STAPLEImageFilter()
    oracle.SetForegroundValue(1)
    expected = oracle.Execute([sitk.GetImageFromArray(mask.astype(np.uint8)) for mask in readers])
    np.testing.assert_allclose(found.label.plane, sitk.GetArrayFromImage(expected), atol=1e-4)
    np.testing.assert_allclose(found.sensitivity, oracle.GetSensitivity(), atol=1e-4)
    np.testing.assert_allclose(found.specificity, oracle.GetSpecificity(), atol=1e-4)


def test_staple_finds_the_error_of_each_rater() -> None:
    errors = (0.02, 0.1, 0.25, 0.05)
    generator = np.random.default_rng(5)
    truth = np.arange(12)[:, None, None] >= np.full((12, 30, 30), 6)
    found = staple(masks(*[np.where(generator.random(truth.shape) < error, ~truth, truth) for error in errors]))
    np.testing.assert_allclose(found.sensitivity, [1 - error for error in errors], atol=0.02)
    np.testing.assert_allclose(found.specificity, [1 - error for error in errors], atol=0.02)
    assert ((found.label.plane > 0.5) != truth).mean() < min(errors), "better than the best rater alone"


def test_staple_of_the_slices_that_all_read_is_staple_of_those_slices() -> None:
    readers = noisy_masks((0.05, 0.1, 0.2))
    some = staple(masks(*readers, slices=[{1, 2, 3}] * 3))
    cut = staple(masks(*[mask[1:4] for mask in readers]))
    np.testing.assert_allclose(some.label.plane[1:4], cut.label.plane, atol=1e-6)
    assert not some.label.plane[[0, 4]].any()
    np.testing.assert_allclose(some.sensitivity, cut.sensitivity, atol=1e-6)


def test_a_rater_is_not_blamed_for_a_slice_that_was_not_read() -> None:
    # The third rater agrees with the others on the slices read, and says nothing of slice 3, where they mark much.
    readers = noisy_masks((0.03, 0.03, 0.03))
    unread = readers[2].copy()
    unread[3] = False
    honest = staple(masks(*readers[:2], unread, slices=[None, None, {0, 1, 2, 4}]))
    blamed = staple(masks(*readers[:2], unread))
    assert honest.sensitivity[2] > 0.9 > blamed.sensitivity[2]


def test_staple_within_a_region_is_staple_of_that_region_and_elsewhere_a_majority() -> None:
    readers = noisy_masks((0.05, 0.1, 0.2))
    region = np.zeros(readers[0].shape, bool)
    region[:, 2:12, 2:12] = True
    found = staple(masks(*readers), region)
    cut = staple(masks(*[mask[:, 2:12, 2:12] for mask in readers]))
    np.testing.assert_allclose(found.label.plane[:, 2:12, 2:12], cut.label.plane, atol=1e-6)
    outside = found.label.plane[~region]
    np.testing.assert_array_equal(outside, majority(masks(*readers)).plane[~region])


def test_staple_where_nobody_marks_anything_says_nothing_is_there() -> None:
    found = staple(masks(np.zeros((2, 3, 3)), np.zeros((2, 3, 3))))
    assert not found.label.plane.any()
    assert all(np.isnan(found.sensitivity)) and found.specificity == (1.0, 1.0)


def test_staple_lets_others_have_a_turn_after_every_slice() -> None:
    scan = masks(*noisy_masks((0.05, 0.1, 0.2)), slices=[None, {0, 1, 2}, {1}])
    steps = staple_in_steps(scan, np.ones(scan.shape, bool))
    shares = []
    while True:
        try:
            shares.append(next(steps))
        except StopIteration as stop:
            found = stop.value
            break
    assert len(shares) > 3 * scan.count and all(0 <= share <= 1 for share in shares)
    np.testing.assert_array_equal(found.label.plane, staple(scan, np.ones(scan.shape, bool)).label.plane)


def test_staple_refuses_more_raters_than_it_can_count() -> None:
    with pytest.raises(ValueError, match="at most 20"):
        staple(masks(*[np.zeros((1, 1, 1))] * 21))


def test_staple_takes_ticks_as_the_masks_of_their_cells() -> None:
    scan = knee(reading("anna", (2, 0, 0)), reading("ben", (2, 0, 0), (3, 1, 2)), reading("cara", (2, 0, 0)))
    found = staple(scan, knee_bone())
    assert found.label.plane[2, 3, 3] > 0.99
    assert found.specificity[1] < found.specificity[0]
