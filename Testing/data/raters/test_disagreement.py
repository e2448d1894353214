"""Where raters disagree, and the places to look at first, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from PartialLabelSegLib.data.labels import Slices
from PartialLabelSegLib.data.raters.disagreement import disagreement, most_disagreed


def test_disagreement_is_largest_at_half_of_the_votes_and_nothing_where_all_agree() -> None:
    share = np.array([[[0, 0.25, 0.5, 0.75, 1]]], np.float32)
    np.testing.assert_allclose(disagreement(share).ravel(), [0, 0.75, 1, 0.75, 0])
    assert disagreement(share).dtype == np.float32


def test_slices_that_nobody_read_have_no_disagreement() -> None:
    share = np.full((3, 1, 1), 0.5, np.float32)
    assert disagreement(share, Slices(0, (1,))).ravel().tolist() == [0, 1, 0]


def test_the_places_come_by_score_with_a_voxel_of_theirs_as_centre() -> None:
    disagreed = np.zeros((3, 8, 8), np.float32)
    disagreed[1, 1, 1:4] = 0.6
    disagreed[0:2, 5:7, 5:7] = 1.0
    # Touches the block only by a corner, so it belongs to it.
    disagreed[2, 7, 7] = 0.75
    # Below the level.
    disagreed[2, 0, 6] = 0.4
    first, second = most_disagreed(disagreed)
    assert (first.voxels, first.peak) == (9, 1.0) and first.score == pytest.approx(8.75)
    assert first.centre in [tuple(voxel) for voxel in np.argwhere(disagreed == 1.0).tolist()]
    assert (second.voxels, second.centre) == (3, (1, 1, 2))
    assert second.score == pytest.approx(1.8)
    assert most_disagreed(disagreed, most=1) == (first,)
    assert len(most_disagreed(disagreed, level=0.3)) == 3


def test_the_centre_of_a_hollow_place_still_lies_in_it() -> None:
    ring = np.ones((1, 5, 5), np.float32)
    ring[0, 1:4, 1:4] = 0
    (place,) = most_disagreed(ring)
    assert ring[place.centre] == 1.0


def test_without_disagreement_there_is_no_place() -> None:
    assert most_disagreed(np.zeros((2, 2, 2), np.float32), level=0.0) == ()
