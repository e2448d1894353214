"""Which windows are drawn, and that what is cut is what lies there."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from PartialLabelSegLib.train.windows import OUTSIDE, Sources, Window, cut_windows, draw_windows
from train.making import plan_of, prepared_case, with_planes, with_soft

DARKEST = -2.0  # (low - mean) / std of the tiny plan
SHAPE = (5, 7, 9)


def numbered_case(shape: tuple[int, int, int] = SHAPE) -> np.ndarray:
    """An image in which every voxel has its own grey value, float16."""
    return (np.arange(np.prod(shape)).reshape(shape) + 1).astype(np.float16)


def padded(array: np.ndarray, fill: float) -> np.ndarray:
    """`array` with 20 voxels of `fill` on every side: the slow way to cut a window, as the oracle."""
    return np.pad(array, 20, constant_values=fill)


def cut_slowly(array: np.ndarray, fill: float, centre: tuple[int, int, int], size: tuple[int, int, int]) -> np.ndarray:
    first = [20 + middle - length // 2 for middle, length in zip(centre, size)]
    return padded(array, fill)[tuple(slice(start, start + length) for start, length in zip(first, size))]


centres = st.tuples(*(st.integers(-3, length + 2) for length in SHAPE))
sizes = st.tuples(*(st.integers(1, 12) for _ in SHAPE))


@given(centres, sizes, st.integers(0, 2**31))
def test_a_window_is_what_lies_there_and_beyond_the_scan_nothing_is_known(
    centre: tuple[int, int, int], size: tuple[int, int, int], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    label_map = rng.integers(0, 3, SHAPE).astype(np.uint8)
    masks = {"certain-1": rng.random(SHAPE) < 0.5, "positive-2": rng.random(SHAPE) < 0.5}
    case = with_planes(prepared_case(label_map, (True, False), numbered_case()), masks)
    cut = cut_windows(Sources((case,), {}), [Window(0, centre)], plan_of(("A", "B"), "3d"), size)
    assert np.array_equal(cut.image[0], cut_slowly(numbered_case(), DARKEST, centre, size))
    assert np.array_equal(cut.label[0], cut_slowly(label_map, OUTSIDE, centre, size))
    for name, mask in masks.items():
        assert np.array_equal(cut.planes[name][0], cut_slowly(mask, False, centre, size))
    assert cut.known.tolist() == [[True, False]]


def test_the_voxel_at_the_centre_of_a_window_is_the_one_that_was_asked_for() -> None:
    case = prepared_case(np.zeros(SHAPE), (True,), numbered_case())
    for size in ((1, 4, 4), (1, 5, 5), (3, 4, 6)):
        cut = cut_windows(Sources((case,), {}), [Window(0, (2, 3, 4))], plan_of(("A",), "3d"), size)
        middle = tuple(length // 2 for length in size)
        assert cut.image[0][middle] == numbered_case()[2, 3, 4]


@pytest.mark.parametrize(("slice_number", "expected"), [(0, [0, 0, 1]), (1, [0, 1, 2]), (3, [2, 3, 4]), (4, [3, 4, 4])])
def test_beyond_the_first_and_last_slice_the_channels_repeat_that_slice(slice_number: int, expected: list[int]) -> None:
    case = prepared_case(np.zeros(SHAPE), (True,), numbered_case())
    plan = plan_of(("A",), "2.5d")
    cut = cut_windows(Sources((case,), {}), [Window(0, (slice_number, 3, 4))], plan, (1, 7, 9))
    assert cut.image.shape == (1, 3, 7, 9) and cut.label.shape == (1, 1, 7, 9)
    assert np.array_equal(cut.image[0], numbered_case()[expected])


def test_a_scan_of_one_slice_fills_all_channels_with_it() -> None:
    image = numbered_case((1, 6, 6))
    case = prepared_case(np.zeros((1, 6, 6)), (True,), image)
    cut = cut_windows(Sources((case,), {}), [Window(0, (0, 3, 3))], plan_of(("A",), "2.5d"), (1, 6, 6))
    assert np.array_equal(cut.image[0], np.repeat(image, 3, axis=0))


def test_channels_beyond_the_plane_of_the_scan_stay_dark_on_every_slice() -> None:
    case = prepared_case(np.zeros(SHAPE), (True,), numbered_case())
    cut = cut_windows(Sources((case,), {}), [Window(0, (0, 0, 0))], plan_of(("A",), "2.5d"), (1, 4, 4))
    assert np.all(cut.image[0, :, :2] == DARKEST) and np.all(cut.image[0, :, :, :2] == DARKEST)
    assert np.all(cut.image[0, :, 2:, 2:] > 0)


def test_a_plane_that_only_one_case_has_is_empty_for_the_others() -> None:
    label_map = np.zeros(SHAPE)
    first = with_planes(prepared_case(label_map, (False,)), {"certain-1": np.ones(SHAPE, bool)})
    second = prepared_case(label_map, (True,))
    cut = cut_windows(
        Sources((first, second), {}), [Window(1, (2, 3, 4)), Window(0, (2, 3, 4))], plan_of(("A",), "3d"), (3, 3, 3)
    )
    assert not cut.planes["certain-1"][0].any() and cut.planes["certain-1"][1].all()
    assert cut.known.tolist() == [[True], [False]]


def test_the_rows_of_a_batch_do_not_touch_each_other() -> None:
    case = prepared_case(np.zeros(SHAPE), (True,), numbered_case())
    plan, sources = plan_of(("A",), "2.5d"), Sources((case,), {})
    windows = [Window(0, (number, 1, 8)) for number in range(5)]
    together = cut_windows(sources, windows, plan, (1, 4, 4))
    for row, window in enumerate(windows):
        alone = cut_windows(sources, [window], plan, (1, 4, 4))
        assert np.array_equal(together.image[row], alone.image[0])
        assert np.array_equal(together.label[row], alone.label[0])


def rare_sources() -> Sources:
    """Structure 1 has 4000 voxels in two scans, structure 2 four voxels in one of them; a third scan shows neither."""
    first, second = np.zeros((10, 20, 20), np.uint8), np.zeros((10, 20, 20), np.uint8)
    first[:5] = second[:5] = 1
    second[9, 9, 9:13] = 2
    empty = np.zeros((10, 20, 20), np.uint8)
    return Sources.of([prepared_case(label_map, (True, True)) for label_map in (first, second, empty)])


def labels_at_centres(sources: Sources, windows: list[Window]) -> Counter[int]:
    return Counter(int(sources.cases[window.case].label_map[window.centre]) for window in windows)


def test_a_structure_a_thousand_times_rarer_is_drawn_as_often() -> None:
    sources = rare_sources()
    found = labels_at_centres(sources, draw_windows(sources, 4000, 1.0, np.random.default_rng(0)))
    assert found[0] == 0 and found[1] + found[2] == 4000
    # Within 4 standard deviations of a fair coin.
    assert abs(found[2] - 2000) < 4 * np.sqrt(4000 / 4)


@pytest.mark.parametrize("share", [0.0, 0.25, 0.67, 1.0])
def test_the_share_of_windows_on_structures_is_kept_in_every_batch(share: float) -> None:
    sources = rare_sources()
    for seed in range(5):
        windows = draw_windows(sources, 12, share, np.random.default_rng(seed))
        foreground = round(12 * share)
        drawn = labels_at_centres(sources, windows[:foreground])
        assert len(windows) == 12 and drawn[0] == 0


def test_the_rest_of_the_windows_lies_anywhere_in_any_scan() -> None:
    sources = rare_sources()
    windows = draw_windows(sources, 3000, 0.0, np.random.default_rng(1))
    assert set(Counter(window.case for window in windows)) == {0, 1, 2}
    centres = np.array([window.centre for window in windows])
    assert centres.min(0).tolist() == [0, 0, 0] and centres.max(0).tolist() == [9, 19, 19]
    assert np.all(np.abs(centres.mean(0) - np.array([4.5, 9.5, 9.5])) < 0.6)


def test_scans_that_teach_nothing_are_never_drawn() -> None:
    label_map = np.zeros(SHAPE, np.uint8)
    label_map[1, 2, 3] = 1
    silent = prepared_case(np.zeros(SHAPE), (False,), name="silent")
    sources = Sources.of([silent, prepared_case(label_map, (False,), name="teacher"), silent])
    assert [case.name for case in sources.cases] == ["teacher"]
    windows = draw_windows(sources, 10, 0.5, np.random.default_rng(0))
    assert {window.case for window in windows} == {0}
    assert all(window.centre == (1, 2, 3) for window in windows[:5])


def test_where_no_structure_is_drawn_all_windows_lie_anywhere() -> None:
    sources = Sources.of([prepared_case(np.zeros(SHAPE), (True,))])
    assert not sources.holders
    assert len(draw_windows(sources, 6, 1.0, np.random.default_rng(0))) == 6


def test_a_soft_label_is_cut_with_its_window_and_there_is_none_elsewhere() -> None:
    soft = np.linspace(0, 1, int(np.prod(SHAPE))).reshape(SHAPE)
    hard = prepared_case(np.ones(SHAPE, np.uint8), (True, True))
    cut = cut_windows(
        Sources((with_soft(hard, {2: soft}), hard), {}),
        [Window(0, (0, 0, 0)), Window(1, (1, 1, 1))],
        plan_of(("A", "B"), "3d"),
        (3, 4, 5),
    )
    assert list(cut.soft) == [2] and cut.soft[2].dtype == np.float16
    expected = cut_slowly(soft.astype(np.float16).astype(float), np.nan, (0, 0, 0), (3, 4, 5))
    np.testing.assert_array_equal(cut.soft[2][0].astype(float), expected)
    assert np.isnan(cut.soft[2][1]).all()


def test_without_soft_labels_nothing_soft_is_cut() -> None:
    case = prepared_case(np.ones(SHAPE, np.uint8), (True,))
    assert cut_windows(Sources((case,), {}), [Window(0, (1, 1, 1))], plan_of(("A",)), (1, 4, 4)).soft == {}
