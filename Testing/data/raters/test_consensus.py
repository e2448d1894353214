"""Vote share, majority and smoothing of masks: by hand, and against a plain convolution."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from data.raters.studies import masks, noisy_masks
from PartialLabelSegLib.data.raters.consensus import majority, prepare_votes, svls, svls_on, vote_share
from PartialLabelSegLib.data.raters.rated import RatedScan
from PartialLabelSegLib.data.raters.staple import staple
from PartialLabelSegLib.data.raters.types import Reading


def row(*values: int) -> np.ndarray:
    """A scan of one slice and one row."""
    return np.array([[values]], bool)


def test_a_share_is_the_mean_of_the_votes_of_those_who_read_the_slice() -> None:
    first, second = np.ones((3, 1, 1)), np.zeros((3, 1, 1))
    label = vote_share(masks(first, second, first, slices=[{0, 1}, {1, 2}, {1}]))
    np.testing.assert_allclose(label.plane.ravel(), [1, 2 / 3, 0], rtol=1e-6)
    assert label.readers.tolist() == [1, 3, 1]


def test_half_of_the_votes_are_a_majority_unless_a_tie_is_said_to_be_none() -> None:
    scan = masks(row(1, 1, 1, 0), row(1, 1, 0, 0), row(1, 0, 0, 0), row(0, 0, 0, 0))
    assert majority(scan).plane.ravel().tolist() == [1, 1, 0, 0]
    assert majority(scan, tie=False).plane.ravel().tolist() == [1, 0, 0, 0]


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


def test_a_slice_is_smoothed_alone_as_in_the_whole_scan() -> None:
    scan = masks(*noisy_masks((0.05, 0.2, 0.1)), slices=[{0, 1, 3}, {1}, {0, 4}])
    whole = svls(scan, 1.5).plane
    for index in range(scan.count):
        np.testing.assert_array_equal(svls_on(prepare_votes(scan), index, 1.5), whole[index])


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
