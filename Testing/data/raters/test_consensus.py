"""Vote share, majority, STAPLE and smoothing of masks: by hand, and against SimpleITK and a plain convolution."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from data.raters.studies import knee, knee_bone, masks, reading
from PartialLabelSegLib.data.raters.consensus import majority, staple, svls, vote_share
from PartialLabelSegLib.data.raters.rated import RatedScan
from PartialLabelSegLib.data.raters.types import Reading


def row(*values: int) -> np.ndarray:
    """A scan of one slice and one row."""
    return np.array([[values]], bool)


def noisy_masks(
    errors: tuple[float, ...], shape: tuple[int, int, int] = (5, 14, 15), seed: int = 1
) -> list[np.ndarray]:
    """Readers who mark a block, each wrong in a share of all voxels."""
    generator = np.random.default_rng(seed)
    truth = np.zeros(shape, bool)
    truth[1:4, 4:11, 3:10] = True
    return [np.where(generator.random(shape) < error, ~truth, truth) for error in errors]


def test_a_share_is_the_mean_of_the_votes_of_those_who_read_the_slice() -> None:
    first, second = np.ones((3, 1, 1)), np.zeros((3, 1, 1))
    label = vote_share(masks(first, second, first, slices=[{0, 1}, {1, 2}, {1}]))
    np.testing.assert_allclose(label.plane.ravel(), [1, 2 / 3, 0], rtol=1e-6)
    assert label.readers.tolist() == [1, 3, 1]


def test_half_of_the_votes_are_a_majority_unless_a_tie_is_said_to_be_none() -> None:
    scan = masks(row(1, 1, 1, 0), row(1, 1, 0, 0), row(1, 0, 0, 0), row(0, 0, 0, 0))
    assert majority(scan).plane.ravel().tolist() == [1, 1, 0, 0]
    assert majority(scan, tie=False).plane.ravel().tolist() == [1, 0, 0, 0]


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


def test_staple_refuses_more_raters_than_it_can_count() -> None:
    with pytest.raises(ValueError, match="at most 20"):
        staple(masks(*[np.zeros((1, 1, 1))] * 21))


def test_staple_takes_ticks_as_the_masks_of_their_cells() -> None:
    scan = knee(reading("anna", (2, 0, 0)), reading("ben", (2, 0, 0), (3, 1, 2)), reading("cara", (2, 0, 0)))
    found = staple(scan, knee_bone())
    assert found.label.plane[2, 3, 3] > 0.99
    assert found.specificity[1] < found.specificity[0]


def plain_svls(mask: np.ndarray, sigma: float) -> np.ndarray:
    """The kernel as its authors write it, on one mask that was read whole."""
    place = np.mgrid[-1:2, -1:2, -1:2]
    kernel = np.exp(-(place**2).sum(axis=0) / (2 * sigma**2))
    kernel /= kernel.sum()
    kernel[1, 1, 1] = 1 - kernel[1, 1, 1]
    return ndimage.correlate(mask.astype(float), kernel / kernel.sum(), mode="nearest")


@pytest.mark.parametrize("sigma", [0.5, 1.0, 2.0])
def test_smoothing_is_the_mean_of_the_authors_kernel_on_each_mask(sigma: float) -> None:
    readers = noisy_masks((0.05, 0.2))
    expected = np.mean([plain_svls(mask, sigma) for mask in readers], axis=0)
    np.testing.assert_allclose(svls(masks(*readers), sigma).plane, expected, atol=1e-5)


def test_the_centre_weighs_half_so_that_smoothing_turns_no_label_over() -> None:
    mask = np.zeros((5, 5, 5), bool)
    mask[2, 2, 2] = True
    assert svls(masks(mask)).plane[2, 2, 2] == pytest.approx(0.5)
    assert svls(masks(np.ones((3, 3, 3)))).plane.min() == pytest.approx(1.0)


def test_a_slice_that_nobody_read_takes_no_part_in_the_smoothing() -> None:
    full = np.ones((4, 3, 3))
    label = svls(masks(full, slices=[{0, 1, 3}]))
    np.testing.assert_allclose(label.plane[[0, 1, 3]], 1.0, atol=1e-6)
    assert not label.plane[2].any()


def test_smoothing_by_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="above 0"):
        svls(masks(row(1)), 0.0)


@settings(max_examples=30)
@given(st.integers(1, 5), st.integers(0, 2), st.integers(0, 2**32 - 1))
def test_every_consensus_is_a_probability_along_every_axis(raters: int, axis: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    shape = (3, 4, 5)
    readings = tuple(
        Reading(
            "a",
            str(number),
            None
            if generator.random() < 0.5
            else frozenset(np.flatnonzero(generator.random(shape[axis]) < 0.6).tolist()),
            (),
            generator.random(shape) < 0.4,
            axis,
        )
        for number in range(raters)
    )
    scan = RatedScan(readings, shape)
    unread = np.flatnonzero(scan.readers() == 0)
    for label in (vote_share(scan), majority(scan), staple(scan).label, svls(scan)):
        assert label.plane.dtype == np.float32 and label.plane.shape == shape
        assert label.plane.min() >= 0 and label.plane.max() <= 1
        assert not np.moveaxis(label.plane, axis, 0)[unread].any()
