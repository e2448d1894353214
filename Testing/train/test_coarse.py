"""Coarse scans keep what they hold, and sizes are measured as computed by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from PartialLabelSegLib.losses.region import soft_moments
from PartialLabelSegLib.train.coarse import FULL, _overlap, coarse_spacing, coarsened, combined, slice_moments
from train.making import plan_of, prepared_case, scan_of


@given(st.integers(2, 40), st.integers(2, 40))
def test_coarse_voxels_are_means_and_lose_nothing(old: int, new: int) -> None:
    matrix = _overlap(old, new)
    assert matrix.sum(1) == pytest.approx(1.0, rel=1e-5)
    assert matrix.sum(0) * old / new == pytest.approx(1.0, rel=1e-4)


@pytest.mark.parametrize("dimensions", ["2d", "2.5d", "3d"])
def test_the_occupancy_has_the_volume_of_the_structure(dimensions: str) -> None:
    plan, scan = plan_of(dimensions=dimensions), scan_of(1)
    case = prepared_case(scan.truth, (True, True, False), scan.image)
    coarse = coarsened(case, plan, (2.0 if dimensions != "3d" else 5.0, 5.0, 5.0), np.array([True, True, False]))
    assert coarse.occupancy is not None and coarse.occupancy.dtype == np.uint8
    assert coarse.image.shape[1:] == (10, 10) and coarse.image.dtype == np.float16
    volumes = (coarse.occupancy / FULL).sum((1, 2, 3)) * np.prod(coarse.spacing_mm)
    for index in (0, 1):
        assert volumes[index] == pytest.approx((scan.truth == index + 1).sum() * 8.0, rel=0.01)
    assert volumes[2] == 0
    assert float(coarse.image.mean()) == pytest.approx(float(scan.image.mean()), abs=0.01)


def test_a_scan_that_teaches_nothing_has_no_occupancy() -> None:
    case = prepared_case(scan_of(0).truth, (True, True, True))
    assert coarsened(case, plan_of(), (2.0, 5.0, 5.0), np.zeros(3, bool)).occupancy is None


def test_slices_stay_and_the_longest_side_of_the_plane_decides() -> None:
    plan = replace(plan_of(), spacing_mm=(3.0, 1.0, 1.0))
    assert coarse_spacing(plan, [(90, 128, 64), (10, 60, 60)]) == (3.0, 2.0, 2.0)
    assert coarse_spacing(plan, [(90, 30, 30)]) == (3.0, 1.0, 1.0)
    deep = replace(plan_of(dimensions="3d"), spacing_mm=(3.0, 1.0, 1.0))
    assert coarse_spacing(deep, [(32, 64, 64)]) == (3.0, 3.0, 3.0)


def test_a_slice_is_measured_as_by_hand() -> None:
    mask = np.zeros((2, 6, 8), bool)
    mask[1, 0:2, 4:8] = True
    found = slice_moments(mask, (5.0, 2.0, 0.5))
    assert found[0, 0] == 0 and np.isnan(found[0, 1:]).all()
    # Middle of rows 0 and 1 is 0.5, of the slice 2.5; of columns 4 to 7 5.5, of the slice 3.5.
    assert found[1].tolist() == pytest.approx([8.0, -4.0, 1.0, 4.0, 2.0])


def test_the_attributes_of_a_whole_scan_follow_from_those_of_its_slices() -> None:
    mask = scan_of(3).truth == 1
    spacing = (3.0, 2.0, 1.0)
    found = combined(slice_moments(mask, spacing), spacing[0])
    expected = soft_moments(torch.from_numpy(mask).double()[None, None], torch.tensor(spacing).double())[0, 0]
    assert found == pytest.approx(expected.numpy(), rel=1e-4, abs=1e-3)


def test_an_empty_scan_has_no_place() -> None:
    found = combined(slice_moments(np.zeros((3, 4, 4), bool), (1.0, 1.0, 1.0)), 1.0)
    assert found[0] == 0 and np.isnan(found[1:]).all()
