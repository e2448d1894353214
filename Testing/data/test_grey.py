"""Grey values: CT has one scale, MR one for every scan; the same scan on another scale looks the same to the network."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from PartialLabelSegLib.config import Intensity
from PartialLabelSegLib.data.grey import Scale, intensity_of, normalised, on_own_scale, scale_of, scales_differ


def scan(seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(100, 20, (6, 20, 20)) + 80 * (rng.random((6, 20, 20)) < 0.1)


def test_the_scale_of_a_scan_by_hand() -> None:
    """Of 0..1000 the percentiles are 5 and 995; clipping moves five values on each side by 15 in all, so that the mean stays 500."""
    scale = scale_of(np.arange(1001, dtype=np.int16).reshape(7, 11, 13))
    assert scale.mean == pytest.approx(500) and scale.reach == pytest.approx(990)
    assert scale.std == pytest.approx(np.clip(np.arange(1001), 5, 995).std())


@given(st.floats(0.01, 1000), st.floats(-1000, 1000))
def test_a_scan_on_another_scale_becomes_the_same(factor: float, shift: float) -> None:
    plain, other = scan(), scan() * factor + shift
    assert np.allclose(on_own_scale(plain, scale_of(plain)), on_own_scale(other, scale_of(other)), atol=2e-2)


def test_voxels_that_are_not_numbers_and_scans_of_one_value_do_no_harm() -> None:
    holed = scan()
    holed[0, 0, :5] = np.nan
    assert np.isfinite(scale_of(holed).std)
    flat = scale_of(np.full((3, 4, 5), 7, np.int16))
    assert flat == Scale(7.0, 1.0, 0.0)
    assert not np.any(on_own_scale(np.full((3, 4, 5), 7, np.int16), flat))
    assert scale_of(np.full((2, 2, 2), np.nan)) == Scale(0.0, 1.0, 0.0)


def test_of_a_large_scan_only_a_part_is_looked_at() -> None:
    large = np.tile(scan().astype(np.float32), (25, 10, 10))
    assert large.size > 5_000_000
    assert scale_of(large).std == pytest.approx(scale_of(scan()).std, rel=0.02)


def test_ct_with_air_bone_or_padding_has_one_scale_and_mr_has_many() -> None:
    def reaching(*values: float) -> list[Scale]:
        return [Scale(0.0, 1.0, value) for value in values]

    assert not scales_differ(reaching(1200, 1500, 2100, 3900, 0))
    assert scales_differ(reaching(100, 110, 900))
    assert not scales_differ(reaching()) and not scales_differ(reaching(0, 0))


def test_grey_values_are_clipped_centred_and_scaled_and_what_is_no_number_is_dark() -> None:
    values = np.array([-5000, -100, 50, 300, 9000, np.nan, np.inf, -np.inf], np.float32)
    found = normalised(values, Intensity(-100, 300, 100, 50))
    assert found.dtype == np.float32
    assert found.tolist() == [-4, -4, -1, 4, 4, -4, 4, -4]


def test_the_range_goes_beyond_the_labelled_values_by_a_quarter() -> None:
    found = intensity_of(np.arange(1001, dtype=np.float32))
    assert (found.low, found.high) == pytest.approx((5 - 990 / 4, 995 + 990 / 4))
    assert found.mean == pytest.approx(500) and found.std == pytest.approx(np.arange(1001).std())
