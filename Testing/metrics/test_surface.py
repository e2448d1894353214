"""Surface distances: by hand, against a distance transform, SimpleITK and MONAI, and as properties."""

from __future__ import annotations

import math

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from scipy import ndimage

from PartialLabelSegLib.metrics.surface import SurfaceDistances, surface_distances, surface_voxels

Masks = tuple[NDArray[np.bool_], NDArray[np.bool_]]
SPACING = st.tuples(*[st.sampled_from([0.5, 0.8, 1.0, 2.5, 5.0])] * 3)


@st.composite
def two_filled_masks(draw: st.DrawFn) -> Masks:
    shape = draw(hnp.array_shapes(min_dims=3, max_dims=3, min_side=2, max_side=6))
    masks = [draw(hnp.arrays(np.bool_, shape)) for _ in range(2)]
    for mask in masks:
        mask[tuple(draw(st.integers(0, side - 1)) for side in shape)] = True
    return masks[0], masks[1]


def volume(*voxels: tuple[int, int, int], shape: tuple[int, int, int] = (4, 5, 6)) -> NDArray[np.bool_]:
    mask = np.zeros(shape, dtype=np.bool_)
    for voxel in voxels:
        mask[voxel] = True
    return mask


def ellipsoid(centre: tuple[float, float, float], radii: tuple[float, float, float]) -> NDArray[np.bool_]:
    z, y, x = np.ogrid[:14, :20, :22]
    scaled = zip((z, y, x), centre, radii, strict=True)
    return np.asarray(sum(((axis - middle) / radius) ** 2 for axis, middle, radius in scaled) <= 1.0)


def surface_by_erosion(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return mask & ~ndimage.binary_erosion(mask, ndimage.generate_binary_structure(mask.ndim, 1), border_value=0)


def distances_by_transform(start: NDArray[np.bool_], target: NDArray[np.bool_], spacing: tuple[float, ...]) -> NDArray:
    to_target = ndimage.distance_transform_edt(~surface_by_erosion(target), sampling=spacing)
    return np.asarray(to_target[surface_by_erosion(start)])


def hausdorff_of_sitk(masks: Masks, spacing: tuple[float, ...]) -> float:
    """SimpleITK measures between whole sets of voxels, so it is given the surfaces (made by its own erosion)."""
    images = []
    for mask in masks:
        image = sitk.GetImageFromArray(np.pad(mask, 1).astype(np.uint8))
        image.SetSpacing([float(side) for side in spacing[::-1]])
        images.append(image - sitk.BinaryErode(image, (1, 1, 1), sitk.sitkCross))
    measure = sitk.HausdorffDistanceImageFilter()
    measure.Execute(*images)
    return float(measure.GetHausdorffDistance())


def test_two_single_voxels_are_apart_by_the_spacing_of_each_axis() -> None:
    result = surface_distances(volume((0, 0, 0)), volume((2, 3, 4)), (3.0, 1.0, 0.5))
    expected = math.sqrt((2 * 3.0) ** 2 + (3 * 1.0) ** 2 + (4 * 0.5) ** 2)
    assert result.hausdorff_mm == expected
    assert result.hausdorff95_mm == expected
    assert result.average_mm == expected


def test_an_anisotropic_case_is_as_computed_by_hand() -> None:
    predicted, reference = volume((0, 0, 0), (0, 0, 1), (0, 0, 2)), volume((0, 0, 0), (1, 0, 0))
    result = surface_distances(predicted, reference, (5.0, 1.0, 2.0))
    assert sorted(result.to_reference_mm) == [0.0, 2.0, 4.0]
    assert sorted(result.to_predicted_mm) == [0.0, 5.0]
    assert result.hausdorff_mm == 5.0
    # Directed 95th percentiles: 2 + 0.9 * 2 of three values, 0.95 * 5 of two.
    assert result.hausdorff95_mm == pytest.approx(max(3.8, 4.75))
    assert result.average_mm == pytest.approx(11.0 / 5)


def test_hd95_is_the_larger_directed_percentile_and_not_that_of_all_distances() -> None:
    result = SurfaceDistances(to_reference_mm=np.full(2, 3.0), to_predicted_mm=np.zeros(198))
    assert np.percentile(np.concatenate([result.to_reference_mm, result.to_predicted_mm]), 95) == 0.0
    assert result.hausdorff95_mm == 3.0


def test_a_cube_shifted_by_one_voxel_is_as_computed_by_hand() -> None:
    predicted, reference = volume(shape=(5, 5, 7)), volume(shape=(5, 5, 7))
    predicted[1:4, 1:4, 1:4] = True
    reference[1:4, 1:4, 2:5] = True
    result = surface_distances(predicted, reference, (1.0, 1.0, 1.0))
    # Of 26 surface voxels, those on the rims of the two planes that the cubes share (2 times 8) are at 0, the others at 1 mm.
    assert len(result.to_reference_mm) == 26
    assert result.hausdorff_mm == 1.0
    assert result.average_mm == pytest.approx((26 - 16) / 26)


def test_only_the_inside_of_a_cube_is_no_surface_and_a_border_voxel_always_is() -> None:
    cube = volume(shape=(5, 5, 5))
    cube[1:4, 1:4, 1:4] = True
    assert {tuple(voxel) for voxel in np.argwhere(cube)} - {tuple(voxel) for voxel in surface_voxels(cube)} == {
        (2, 2, 2)
    }
    full = np.ones((3, 3, 3), dtype=np.bool_)
    assert len(surface_voxels(full)) == 26


def test_a_volume_of_one_slice_is_compared_by_its_outlines() -> None:
    square = np.zeros((1, 7, 7), dtype=np.bool_)
    square[0, 1:6, 1:6] = True
    assert len(surface_voxels(square)) == 16
    inner = np.zeros_like(square)
    inner[0, 2:5, 2:5] = True
    in_plane = surface_distances(square[0], inner[0], (2.0, 2.0))
    whole = surface_distances(square, inner, (9.0, 2.0, 2.0))
    np.testing.assert_array_equal(whole.to_reference_mm, in_plane.to_reference_mm)
    assert whole.hausdorff_mm == pytest.approx(2 * math.sqrt(2))
    assert whole.to_predicted_mm.max() == 2.0


def test_two_empty_masks_are_at_no_distance() -> None:
    result = surface_distances(volume(), volume(), (1.0, 1.0, 1.0))
    assert (result.hausdorff_mm, result.hausdorff95_mm, result.average_mm) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("swap", [False, True])
def test_one_empty_mask_has_no_distance(swap: bool) -> None:
    masks = (volume(), volume((1, 1, 1), (1, 1, 2)))
    result = surface_distances(*(masks[::-1] if swap else masks), spacing_mm=(1.0, 1.0, 1.0))
    assert all(math.isnan(value) for value in (result.hausdorff_mm, result.hausdorff95_mm, result.average_mm))
    assert sorted((len(result.to_reference_mm), len(result.to_predicted_mm))) == [0, 2]


def test_identical_masks_are_at_no_distance() -> None:
    mask = ellipsoid((6, 9, 10), (4, 5, 7))
    result = surface_distances(mask, mask.copy(), (2.5, 0.7, 0.7))
    assert not result.to_reference_mm.any()
    assert (result.hausdorff_mm, result.average_mm) == (0.0, 0.0)


@given(two_filled_masks(), SPACING)
@settings(max_examples=150)
def test_every_distance_agrees_with_a_distance_transform(masks: Masks, spacing: tuple[float, float, float]) -> None:
    result = surface_distances(*masks, spacing_mm=spacing)
    np.testing.assert_allclose(result.to_reference_mm, distances_by_transform(*masks, spacing), atol=1e-9)
    np.testing.assert_allclose(result.to_predicted_mm, distances_by_transform(*masks[::-1], spacing), atol=1e-9)


@given(two_filled_masks(), SPACING)
@settings(max_examples=60)
def test_hausdorff_agrees_with_simpleitk_on_the_surfaces(masks: Masks, spacing: tuple[float, float, float]) -> None:
    assert surface_distances(*masks, spacing_mm=spacing).hausdorff_mm == pytest.approx(
        hausdorff_of_sitk(masks, spacing), abs=1e-4
    )


# MONAI 1.6 warns of an argument that it passes to itself.
@pytest.mark.filterwarnings("ignore:monai.metrics.utils get_mask_edges:FutureWarning")
def test_hausdorff_and_average_agree_with_simpleitk_and_monai_on_organ_like_masks() -> None:
    metrics = pytest.importorskip("monai.metrics", reason="MONAI is one of two oracles")
    torch = pytest.importorskip("torch", reason="MONAI needs torch")
    spacing = (2.5, 0.8, 0.9)
    masks = (ellipsoid((6, 9, 10), (4, 6, 8)), ellipsoid((7, 10, 12), (6, 5, 9.5)))
    result = surface_distances(*masks, spacing_mm=spacing)
    assert result.hausdorff_mm == pytest.approx(hausdorff_of_sitk(masks, spacing), abs=1e-4)
    given_to_monai = {
        "y_pred": torch.from_numpy(masks[0])[None, None],
        "y": torch.from_numpy(masks[1])[None, None],
        "include_background": True,
        "spacing": spacing,
    }
    hausdorff = metrics.compute_hausdorff_distance(**given_to_monai)
    hausdorff95 = metrics.compute_hausdorff_distance(**given_to_monai, percentile=95)
    average = metrics.compute_average_surface_distance(**given_to_monai, symmetric=True)
    assert result.hausdorff_mm == pytest.approx(float(hausdorff), rel=1e-5)
    assert result.hausdorff95_mm == pytest.approx(float(hausdorff95), rel=1e-5)
    assert result.average_mm == pytest.approx(float(average), rel=1e-5)


@given(two_filled_masks(), SPACING)
@settings(max_examples=60)
def test_swapping_the_masks_swaps_the_directions_only(masks: Masks, spacing: tuple[float, float, float]) -> None:
    forth, back = surface_distances(*masks, spacing_mm=spacing), surface_distances(*masks[::-1], spacing_mm=spacing)
    np.testing.assert_array_equal(forth.to_reference_mm, back.to_predicted_mm)
    assert forth.hausdorff_mm == back.hausdorff_mm
    assert forth.hausdorff95_mm == back.hausdorff95_mm
    assert forth.average_mm == pytest.approx(back.average_mm)


@given(two_filled_masks(), st.integers(0, 2))
@settings(max_examples=60)
def test_mirroring_both_masks_changes_no_measure(masks: Masks, axis: int) -> None:
    spacing = (2.5, 1.0, 0.5)
    plain = surface_distances(*masks, spacing_mm=spacing)
    mirrored = surface_distances(np.flip(masks[0], axis), np.flip(masks[1], axis), spacing)
    assert mirrored.hausdorff_mm == pytest.approx(plain.hausdorff_mm)
    assert mirrored.hausdorff95_mm == pytest.approx(plain.hausdorff95_mm)
    assert mirrored.average_mm == pytest.approx(plain.average_mm)


@given(two_filled_masks(), SPACING)
@settings(max_examples=60)
def test_the_measures_are_ordered_and_scale_with_the_spacing(masks: Masks, spacing: tuple[float, float, float]) -> None:
    result = surface_distances(*masks, spacing_mm=spacing)
    assert 0.0 <= result.average_mm <= result.hausdorff_mm
    assert result.hausdorff95_mm <= result.hausdorff_mm
    doubled = surface_distances(*masks, spacing_mm=[2 * side for side in spacing])
    assert doubled.average_mm == pytest.approx(2 * result.average_mm)


def test_a_wrong_input_is_named() -> None:
    mask = volume((1, 1, 1))
    for spacing in ((1.0, 1.0), (1.0, 0.0, 1.0), (1.0, math.nan, 1.0)):
        with pytest.raises(ValueError, match="spacing_mm needs 3 values above 0"):
            surface_distances(mask, mask, spacing)
    with pytest.raises(ValueError, match="must be a boolean array, got uint8"):
        surface_distances(mask.astype(np.uint8), mask, (1.0, 1.0, 1.0))
    with pytest.raises(ValueError, match="at least 0 mm"):
        SurfaceDistances(np.array([-1.0]), np.array([1.0]))
