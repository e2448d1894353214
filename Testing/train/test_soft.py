"""Soft labels made ready for the network: kept, moved like images, known where they were read, and seen as often as they are likely."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from PartialLabelSegLib.config import Plan
from PartialLabelSegLib.data.labels import Labels, Slices
from PartialLabelSegLib.run.failure import Failure
from PartialLabelSegLib.train.prepared import (
    POINTS_PER_STRUCTURE,
    PreparedCase,
    open_prepared,
    prepare_image,
    prepare_labels,
)
from PartialLabelSegLib.train.soft import spread_by
from train.making import plan_of, straight_grid, write_scan


def opened(folder: Path, labels: Labels, plan: Plan) -> PreparedCase:
    shape = labels.label_map.shape
    grid = straight_grid((shape[2], shape[1], shape[0]))
    case = write_scan(folder / "case", np.zeros(shape, np.float32), labels, grid)
    prepare_image(case, plan, folder)
    prepare_labels(labels, case, plan, folder / "round-0")
    return open_prepared("case", folder, folder / "round-0")


def soft_labels() -> Labels:
    """A lesion that was read on slices 1 to 3, soft with a core that all agree on, and on slice 5 accepted in a round; a bone around it, hard."""
    shape = (6, 7, 9)
    soft = np.full(shape, np.nan, np.float32)
    soft[1:4] = 0
    soft[1:3, 2:5, 2:6], soft[2, 3, 3:5] = 0.6, 1
    label_map = np.zeros(shape, np.uint8)
    label_map[soft >= 0.5] = 2
    label_map[5, 1, 1], label_map[0, 6] = 2, 1
    origin = (label_map > 0).astype(np.uint8)
    origin[5, 1, 1] = 2
    return Labels(
        ("Bone", "Lesion"), label_map, (False, False), origin, {"Lesion": Slices(0, (1, 2, 3))}, soft={"Lesion": soft}
    )


def test_a_soft_label_is_kept_voxel_for_voxel_where_the_grid_is_the_same(tmp_path: Path) -> None:
    labels = soft_labels()
    ready = opened(tmp_path, labels, plan_of(labels.structures))
    assert list(ready.soft) == [2] and ready.soft[2].dtype == np.float16
    np.testing.assert_array_equal(ready.soft[2], labels.soft["Lesion"].astype(np.float16))
    # Hardened at one half, and what was accepted where nobody read.
    assert np.array_equal(ready.positive(2), labels.positive("Lesion"))
    where = ready.looked_at(2)
    assert where is not None and np.array_equal(where, labels.slices["Lesion"].mask((6, 7, 9)))
    assert ready.looked_at(1) is None


def test_only_what_all_raters_agree_on_says_something_of_other_structures(tmp_path: Path) -> None:
    labels = soft_labels()
    ready = opened(tmp_path, labels, plan_of(labels.structures))
    kept = np.asarray(ready.label_map) == 2
    assert np.argwhere(kept).tolist() == [[2, 3, 3], [2, 3, 4], [5, 1, 1]]
    certain = np.unpackbits(ready.planes["certain-2"], axis=-1, count=9).astype(bool)
    expected = labels.slices["Lesion"].mask((6, 7, 9))
    expected[5, 1, 1] = expected[0, 6] = True
    assert np.array_equal(certain, expected)


def test_windows_are_centred_on_soft_voxels_as_often_as_they_are_likely(tmp_path: Path) -> None:
    soft = np.zeros((20, 24, 30), np.float32)
    soft[2:12], soft[12:18] = 0.75, 0.25
    labels = Labels.expert(("A", "B"), (soft >= 0.5).astype(np.uint8), (True, True))
    labels = replace(labels, soft={"A": soft, "B": np.zeros_like(soft)})
    ready = opened(tmp_path, labels, plan_of(("A", "B")))
    assert set(ready.points) == {1} and ready.points[1].dtype == np.int64
    found = soft.reshape(-1)[ready.points[1]]
    assert found.size == POINTS_PER_STRUCTURE and found.min() > 0
    assert np.mean(found == 0.75) == pytest.approx(7.5 / (7.5 + 1.5), abs=0.01)


def test_a_lesion_that_most_raters_missed_can_still_be_centred_on(tmp_path: Path) -> None:
    soft = np.zeros((3, 4, 5), np.float32)
    soft[1, 2, 3] = 0.25
    labels = replace(Labels.expert(("A",), np.zeros(soft.shape, np.uint8), (True,)), soft={"A": soft})
    ready = opened(tmp_path, labels, plan_of(("A",)))
    assert np.unique(ready.points[1]).tolist() == [1 * 20 + 2 * 5 + 3] and not ready.positive(1).any()


def test_on_other_voxels_a_soft_label_is_interpolated_and_unread_slices_have_no_share(tmp_path: Path) -> None:
    soft = np.zeros((6, 8, 8), np.float32)
    soft[2:4] = 0.8
    soft[4:] = np.nan
    labels = Labels.expert(("A",), (soft >= 0.5).astype(np.uint8), (False,), {"A": Slices(0, (0, 1, 2, 3))})
    plan = replace(plan_of(("A",)), spacing_mm=(1.0, 2.0, 2.0))
    ready = opened(tmp_path, replace(labels, soft={"A": soft}), plan)
    # Slices of 2 mm cut in halves, their centres a quarter of a slice from the old ones.
    expected = [0, 0, 0, 0.2, 0.6, 0.8, 0.8, 0.8, *[np.nan] * 4]
    np.testing.assert_allclose(ready.soft[1][:, 4, 4], expected, atol=1e-3)


def test_coarser_voxels_hold_the_mean_of_a_soft_label(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    soft = rng.random((4, 32, 32)).astype(np.float32)
    labels = replace(Labels.expert(("A",), (soft >= 0.5).astype(np.uint8), (True,)), soft={"A": soft})
    ready = opened(tmp_path, labels, replace(plan_of(("A",)), spacing_mm=(2.0, 8.0, 8.0)))
    assert ready.shape == (4, 8, 8)
    # Single voxels vary by 0.29; what is left is the variation of means over some 16 of them.
    assert float(np.std(ready.soft[1].astype(float))) < 0.15
    assert float(np.mean(ready.soft[1].astype(float))) == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("harm", ["cut off", "removed"])
def test_a_damaged_soft_label_is_a_failure_that_names_the_case(tmp_path: Path, harm: str) -> None:
    labels = soft_labels()
    opened(tmp_path, labels, plan_of(labels.structures))
    path = tmp_path / "round-0" / "soft.npy"
    if harm == "removed":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(Failure, match="damaged") as caught:
        open_prepared("scan 7", tmp_path, tmp_path / "round-0")
    assert caught.value.case == "scan 7"


@given(hnp.arrays(np.float32, 60, elements=st.sampled_from([0, 0.25, 0.5, 1])).filter(np.any), st.integers(1, 80))
def test_points_never_lie_where_the_structure_is_impossible(likely: np.ndarray, most: int) -> None:
    found = spread_by(likely, most)
    assert found.size == min(most, int(np.count_nonzero(likely))) and likely[found].all()
    assert np.all(np.diff(found) >= 0)
