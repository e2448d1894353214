"""The four steps: each by hand on the small knee, and what holds for any readings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.raters.studies import KNEE, TEMPLATE, knee, knee_bone, knee_image, masks, reading
from PartialLabelSegLib.data.raters.rated import RatedScan
from PartialLabelSegLib.data.raters.steps import (
    NEIGHBOUR_RULES,
    SoftSteps,
    prepare,
    preview,
    soft_label,
)
from PartialLabelSegLib.data.raters.types import Reading, Tick

OFF = SoftSteps(False, False, False, False)
FIRST, LAST = (slice(2, 6), slice(2, 5)), (slice(6, 10), slice(8, 11))
"""The voxels of the first and the last cell of the grid on a slice."""


def three_raters() -> RatedScan:
    """Two of three tick the first cell of slice 2, one of them the last cell of slice 3."""
    return knee(reading("anna", (2, 0, 0)), reading("ben", (2, 0, 0), (3, 1, 2)), reading("cara"))


def planes(*values: tuple[int, tuple[slice | int, slice | int], float]) -> np.ndarray:
    """float32 (6, 12, 14) from slices, places on them, and values."""
    result = np.zeros(KNEE.shape, np.float32)
    for index, place, value in values:
        result[index][place] = value
    return result


def test_step_1_is_the_share_of_the_raters_who_read_the_scan() -> None:
    label = soft_label(prepare(three_raters()), replace(OFF, votes=True))
    np.testing.assert_allclose(label.plane, planes((2, FIRST, 2 / 3), (3, LAST, 1 / 3)), rtol=1e-6)
    assert label.changed == {"votes": 24}
    assert label.plane.dtype == np.float32


def test_step_1_counts_only_who_read_that_slice_and_takes_grades_as_they_are() -> None:
    half = Reading("knee-1", "dora", frozenset({2}), (Tick(2, 0, 0, 0.5),))
    scan = knee(reading("anna", (2, 0, 0), (3, 0, 0)), reading("ben", slices={1, 2}), half)
    label = soft_label(prepare(scan), replace(OFF, votes=True))
    assert label.plane[2, 3, 3] == pytest.approx(1.5 / 3)
    assert label.plane[3, 3, 3] == 1.0
    assert label.readers.tolist() == [1, 2, 3, 1, 1, 1]


def test_without_step_1_the_highest_grade_counts() -> None:
    half = Reading("knee-1", "dora", None, (Tick(2, 0, 0, 0.5), Tick(3, 0, 0, 0.25)))
    label = soft_label(prepare(knee(reading("anna", (2, 0, 0)), half)), OFF)
    assert label.plane[2, 3, 3] == 1.0 and label.plane[3, 3, 3] == 0.25


def test_step_2_empties_what_lies_outside_the_bone() -> None:
    scan = knee(reading("anna", (0, 0, 0), (2, 0, 0)))
    label = soft_label(prepare(scan), replace(OFF, votes=True, inside_bone=True))
    np.testing.assert_array_equal(label.plane, planes((2, FIRST, 1.0)))
    assert label.changed == {"votes": 24, "inside_bone": 12}


def test_step_3_makes_bright_bone_in_a_ticked_cell_certain_and_no_other() -> None:
    steps = replace(OFF, votes=True, inside_bone=True, bright=True, bright_percentile=99.0)
    prepared = prepare(three_raters())
    # 2 of the 320 voxels of bone are bright; the 99th percentile is the 316.8th smallest, a dark one.
    assert prepared.bright_level(99.0) == 50.0
    label = soft_label(prepared, steps)
    expected = planes((2, FIRST, 2 / 3), (3, LAST, 1 / 3), (2, (3, 3), 1.0), (3, (8, 9), 1.0))
    np.testing.assert_allclose(label.plane, expected, rtol=1e-6)
    assert label.changed == {"votes": 24, "inside_bone": 0, "bright": 2}
    assert label.bright_level == 50.0
    without = soft_label(prepare(knee(reading("anna", (2, 1, 1)))), steps)
    assert without.plane[2, 3, 3] == 0.0


def test_step_3_wants_more_than_the_percentile_itself() -> None:
    steps = replace(OFF, votes=True, bright=True, bright_percentile=100.0)
    assert soft_label(prepare(three_raters()), steps).changed["bright"] == 0


@pytest.mark.parametrize("percentile", [0.0, 12.3, 50.0, 90.0, 99.7, 100.0])
def test_the_bright_level_is_numpys_percentile_of_the_whole_bone(percentile: float) -> None:
    image = np.random.default_rng(3).normal(size=KNEE.shape).astype(np.float32)
    prepared = prepare(replace(three_raters(), image=image))
    expected = np.percentile(image[knee_bone()].astype(float), percentile)
    assert prepared.bright_level(percentile) == pytest.approx(expected, rel=1e-6)


def test_step_4_raises_by_the_larger_neighbour_with_the_rule_noisy_or() -> None:
    # Step 3 leaves 1/2 on slice 2 and 1 on slice 3 in the first cell; nothing elsewhere.
    scan = knee(reading("anna", (2, 0, 0), (3, 0, 0)), reading("ben", (3, 0, 0)))
    steps = replace(OFF, votes=True, inside_bone=True, neighbours=True, neighbour_weight=0.4)
    column = soft_label(prepare(scan), steps).plane[:, 3, 3]
    # Slice 1: 0.4 x 1/2. Slice 2: 1 - (1 - 1/2)(1 - 0.4 x 1). Slice 4: 0.4 x 1. Slices 0 and 5 are two slices away.
    np.testing.assert_allclose(column, [0, 0.2, 0.7, 1, 0.4, 0], rtol=1e-6)


def test_step_4_with_the_rule_max_takes_the_larger_of_the_two() -> None:
    scan = knee(reading("anna", (2, 0, 0), (3, 0, 0)), reading("ben", (3, 0, 0)))
    steps = replace(OFF, votes=True, inside_bone=True, neighbours=True, neighbour_weight=0.4, neighbour_rule="max")
    np.testing.assert_allclose(soft_label(prepare(scan), steps).plane[:, 3, 3], [0, 0.2, 0.5, 1, 0.4, 0], rtol=1e-6)


def test_step_4_fills_nothing_outside_the_bone_and_nothing_that_nobody_read() -> None:
    scan = knee(reading("anna", (1, 0, 0), (3, 0, 0), slices={0, 1, 3}))
    label = soft_label(prepare(scan), SoftSteps(neighbour_weight=1.0, bright=False))
    assert not label.plane[0].any(), "slice 0 has no bone"
    assert not label.plane[[2, 4]].any(), "nobody read slices 2 and 4"
    assert label.plane[1, 3, 3] == label.plane[3, 3, 3] == 1.0
    where = label.read_slices()
    assert where is not None and where.indices == (0, 1, 3)
    assert label.known()[[0, 1, 3]].all() and not label.known()[[2, 4, 5]].any()


def test_without_step_2_step_4_reaches_slices_without_bone() -> None:
    scan = knee(reading("anna", (1, 0, 0)))
    label = soft_label(prepare(scan), replace(OFF, votes=True, neighbours=True, neighbour_weight=0.5))
    assert label.plane[0, 3, 3] == 0.5


def test_masks_take_the_same_steps_as_ticks() -> None:
    scan = three_raters()
    steps = SoftSteps(bright_percentile=99.0)
    drawn = tuple(Reading("knee-1", one.rater, None, (), mask) for one, mask in zip(scan.readings, _ticked_masks(scan)))
    np.testing.assert_array_equal(
        soft_label(prepare(scan.with_readings(drawn)), steps).plane, soft_label(prepare(scan), steps).plane
    )


def _ticked_masks(scan: RatedScan) -> list[np.ndarray]:
    result = []
    for one in scan.readings:
        mask = np.zeros(KNEE.shape, bool)
        for tick in one.ticks:
            mask[tick.slice] |= TEMPLATE.cells(tick.slice, (12, 14)) == tick.row * 3 + tick.column
        result.append(mask)
    return result


def test_masks_without_a_bone_are_only_voted_and_carried_to_neighbours() -> None:
    mask = np.zeros((3, 1, 1), bool)
    mask[1] = True
    scan = masks(mask, np.zeros((3, 1, 1)))
    label = soft_label(prepare(scan), SoftSteps(neighbour_weight=0.5).without_bone())
    assert label.plane.ravel().tolist() == [0.25, 0.5, 0.25]
    assert label.changed == {"votes": 1, "neighbours": 2}


def test_a_step_without_what_it_needs_is_refused() -> None:
    scan = replace(three_raters(), bone=None)
    with pytest.raises(ValueError, match="bone mask"):
        soft_label(prepare(scan))
    with pytest.raises(ValueError, match="the image"):
        soft_label(prepare(replace(three_raters(), image=None)))
    with pytest.raises(ValueError, match="slice 6 is not"):
        preview(prepare(three_raters()), 6)


@pytest.mark.parametrize(
    "change",
    [{"bright_percentile": 101}, {"neighbour_weight": -0.1}, {"neighbour_rule": "mean"}, {"neighbour_weight": 2}],
)
def test_numbers_that_mean_nothing_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"0\.\.1"):
        replace(SoftSteps(), **change)  # type: ignore[arg-type]


def test_a_preview_shows_every_step_and_what_it_changed() -> None:
    shown = preview(prepare(three_raters()), 2, SoftSteps(bright_percentile=99.0, neighbour_weight=0.6))
    assert list(shown.stages) == ["votes", "inside_bone", "bright", "neighbours"]
    assert shown.changed["votes"].sum() == 12
    assert not shown.changed["inside_bone"].any()
    assert np.argwhere(shown.changed["bright"]).tolist() == [[3, 3]]
    # From slice 3: 11 voxels of 1/3 and the bright one of 1.
    assert shown.changed["neighbours"].sum() == 12
    np.testing.assert_allclose(shown.stages["neighbours"][6, 8], 0.6 / 3, rtol=1e-6)
    np.testing.assert_allclose(shown.stages["neighbours"][8, 9], 0.6, rtol=1e-6)
    assert shown.known and shown.bright_level == 50.0


def test_a_preview_of_a_slice_that_nobody_read_says_so() -> None:
    shown = preview(prepare(knee(reading("anna", (2, 0, 0), slices={2}))), 3)
    assert not shown.known
    assert list(shown.stages) == list(shown.changed) == ["votes", "inside_bone", "bright", "neighbours"]
    assert not any(stage.any() for stage in shown.stages.values())


def test_other_ticks_need_nothing_of_the_image_again() -> None:
    prepared = prepare(three_raters())
    other = prepared.with_readings((reading("anna", (3, 1, 2)),))
    assert other.bone_values is prepared.bone_values
    np.testing.assert_array_equal(soft_label(other).plane, soft_label(prepare(other.scan)).plane)


CELLS = st.tuples(st.integers(0, 5), st.integers(0, 1), st.integers(0, 2))
STEPS = st.builds(
    SoftSteps,
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.floats(0, 100),
    st.sampled_from(NEIGHBOUR_RULES),
    st.floats(0, 1),
)


@st.composite
def readings(draw: st.DrawFn) -> tuple[Reading, ...]:
    """One to four raters, some of whom read only some slices."""
    result = []
    for number in range(draw(st.integers(1, 4))):
        read = draw(st.none() | st.sets(st.integers(0, 5)))
        ticks = {cell for cell in draw(st.sets(CELLS, max_size=8)) if read is None or cell[0] in read}
        result.append(reading(f"r{number}", *sorted(ticks), slices=read))
    return tuple(result)


@settings(max_examples=60)
@given(readings(), STEPS)
def test_a_soft_label_is_a_probability_inside_the_bone_and_unknown_where_nobody_read(
    raters: tuple[Reading, ...], steps: SoftSteps
) -> None:
    label = soft_label(prepare(knee(*raters)), steps)
    assert label.plane.min() >= 0 and label.plane.max() <= 1
    if steps.inside_bone:
        assert not label.plane[~knee_bone()].any()
    unread = [index for index in range(6) if not any(one.slices is None or index in one.slices for one in raters)]
    assert not label.plane[unread].any()
    assert not label.known()[unread].any() and label.known().sum() == (6 - len(unread)) * 12 * 14


@settings(max_examples=60)
@given(readings(), STEPS, CELLS)
def test_one_more_tick_never_lowers_a_probability(
    raters: tuple[Reading, ...], steps: SoftSteps, cell: tuple[int, int, int]
) -> None:
    first, *others = raters
    ticks = {tick.cell for tick in first.ticks} | ({cell} if first.slices is None or cell[0] in first.slices else set())
    more = reading(first.rater, *sorted(ticks), slices=first.slices)
    before = soft_label(prepare(knee(first, *others)), steps).plane
    after = soft_label(prepare(knee(more, *others)), steps).plane
    assert (after >= before - 1e-6).all()


@settings(max_examples=60)
@given(readings(), STEPS)
def test_step_4_never_lowers_what_step_3_left(raters: tuple[Reading, ...], steps: SoftSteps) -> None:
    third = soft_label(prepare(knee(*raters)), replace(steps, neighbours=False)).plane
    assert (soft_label(prepare(knee(*raters)), replace(steps, neighbours=True)).plane >= third).all()


@settings(max_examples=60)
@given(readings(), STEPS, st.integers(0, 5))
def test_a_preview_has_the_values_of_the_whole(raters: tuple[Reading, ...], steps: SoftSteps, index: int) -> None:
    prepared = prepare(knee(*raters))
    shown = preview(prepared, index, steps)
    last = list(shown.stages.values())[-1]
    np.testing.assert_array_equal(last, soft_label(prepared, steps).plane[index])
    image = knee_image()[index]
    if steps.bright and shown.known:
        assert (image[shown.changed["bright"]] > shown.bright_level).all()
