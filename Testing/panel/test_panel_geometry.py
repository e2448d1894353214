"""Where voxels lie: between MRML's right-anterior-superior and our left-posterior-superior grids, under transforms too."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import vtk

from data.small_scans import GRIDS, OBLIQUE, STRAIGHT, grey_values
from host.slicer_host import SlicerHost
from panel.scene_nodes import add_scan, add_segmentation, as_vtk, to_ras
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.panel import geometry
from PartialLabelSegLib.run.failure import Failure


@pytest.fixture(params=sorted(GRIDS))
def grid(request: pytest.FixtureRequest) -> Grid:
    return GRIDS[request.param]


def moved(scene: Any, matrix: np.ndarray) -> Any:
    node = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "moved")
    node.SetMatrixTransformToParent(as_vtk(matrix))
    return node


def bent(scene: Any) -> Any:
    """A transform that no matrix says."""
    spline = vtk.vtkThinPlateSplineTransform()
    spline.SetBasisToR()
    for points, ends in ((vtk.vtkPoints(), spline.SetSourceLandmarks), (vtk.vtkPoints(), spline.SetTargetLandmarks)):
        for r, a, s in ((0, 0, 0), (10, 0, 0), (0, 10, 0), (0, 0, 10), (5, 5, 5)):
            points.InsertNextPoint(r, a, s + (3 if ends == spline.SetTargetLandmarks and r == 5 else 0))
        ends(points)
    node = scene.AddNewNodeByClass("vtkMRMLTransformNode", "bent")
    node.SetAndObserveTransformToParent(spline)
    return node


SHIFT = np.array([[0.0, -1, 0, 12], [1, 0, 0, -7], [0, 0, 1, 5], [0, 0, 0, 1]])


def test_a_volume_nodes_grid_is_that_of_its_file(host: SlicerHost, grid: Grid) -> None:
    found = geometry.grid_of(add_scan(host.scene, grid, grey_values(grid)))
    assert found.size == grid.size
    for one, other in zip(
        (*found.spacing, *found.origin, *found.direction), (*grid.spacing, *grid.origin, *grid.direction)
    ):
        assert one == pytest.approx(other, abs=1e-9)


def test_a_grid_goes_to_a_matrix_and_back(grid: Grid) -> None:
    matrix = geometry.ijk_to_ras(grid)
    np.testing.assert_allclose(matrix, to_ras(grid), atol=1e-12)
    assert geometry.grid_of_matrix(matrix, grid.size).same_as(grid)
    np.testing.assert_array_equal(geometry.matrix_array(geometry.vtk_matrix(matrix)), matrix)


def test_a_voxel_of_a_scan_is_found_at_its_place_in_the_views(host: SlicerHost, grid: Grid) -> None:
    scan = add_scan(host.scene, grid, grey_values(grid))
    ras = geometry.point_of(scan, (4, 1, 3))
    np.testing.assert_allclose(ras, (to_ras(grid) @ [4, 1, 3, 1])[:3], atol=1e-9)
    assert geometry.voxel_at(scan, ras) == (4, 1, 3)
    scan.SetAndObserveTransformNodeID(moved(host.scene, SHIFT).GetID())
    np.testing.assert_allclose(geometry.point_of(scan, (4, 1, 3)), (SHIFT @ [*ras, 1])[:3], atol=1e-9)
    assert geometry.voxel_at(scan, geometry.point_of(scan, (4, 1, 3))) == (4, 1, 3)
    scan.SetAndObserveTransformNodeID(bent(host.scene).GetID())
    assert geometry.voxel_at(scan, geometry.point_of(scan, (2, 2, 2))) == (2, 2, 2)


def test_under_one_transform_or_none_nothing_lies_between_two_nodes(host: SlicerHost) -> None:
    scan = add_scan(host.scene, OBLIQUE, grey_values(OBLIQUE))
    drawn = add_segmentation(scan, OBLIQUE, {})
    np.testing.assert_array_equal(geometry.into_volume(drawn, scan), np.eye(4))
    transform = bent(host.scene)
    for node in (scan, drawn):
        node.SetAndObserveTransformNodeID(transform.GetID())
    np.testing.assert_array_equal(geometry.into_volume(drawn, scan), np.eye(4))


def test_between_nodes_under_different_transforms_lies_their_quotient(host: SlicerHost) -> None:
    scan = add_scan(host.scene, OBLIQUE, grey_values(OBLIQUE))
    drawn = add_segmentation(scan, OBLIQUE, {})
    drawn.SetAndObserveTransformNodeID(moved(host.scene, SHIFT).GetID())
    np.testing.assert_allclose(geometry.into_volume(drawn, scan), SHIFT, atol=1e-12)
    scan.SetAndObserveTransformNodeID(moved(host.scene, SHIFT @ SHIFT).GetID())
    np.testing.assert_allclose(geometry.into_volume(drawn, scan), np.linalg.inv(SHIFT), atol=1e-12)


def test_a_bent_difference_is_a_sentence(host: SlicerHost) -> None:
    scan = add_scan(host.scene, OBLIQUE, grey_values(OBLIQUE), "CT 7")
    drawn = add_segmentation(scan, OBLIQUE, {}, "organs")
    drawn.SetAndObserveTransformNodeID(bent(host.scene).GetID())
    with pytest.raises(Failure, match="'organs'.*bends space.*Transforms module"):
        geometry.into_volume(drawn, scan)


def test_what_we_add_follows_the_scan(host: SlicerHost) -> None:
    scan = add_scan(host.scene, OBLIQUE, grey_values(OBLIQUE))
    ours = host.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
    transform = moved(host.scene, SHIFT)
    scan.SetAndObserveTransformNodeID(transform.GetID())
    geometry.follow(ours, scan)
    assert ours.GetTransformNodeID() == transform.GetID()
    scan.SetAndObserveTransformNodeID(None)
    geometry.follow(ours, scan)
    assert ours.GetTransformNodeID() is None


def test_a_volume_without_voxels_and_a_sheared_one_are_sentences(host: SlicerHost) -> None:
    empty = host.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "empty")
    with pytest.raises(Failure, match="'empty': it has no voxels"):
        geometry.grid_of(empty)
    scan = add_scan(host.scene, STRAIGHT, grey_values(STRAIGHT), "tilted")
    sheared = to_ras(STRAIGHT)
    sheared[1, 2] += 0.3
    scan.SetIJKToRASMatrix(as_vtk(sheared))
    with pytest.raises(Failure, match="'tilted'.*sheared grid.*Resample"):
        geometry.grid_of(scan)


def test_a_grid_lies_on_a_volume_only_where_every_corner_does(host: SlicerHost) -> None:
    scan = add_scan(host.scene, OBLIQUE, grey_values(OBLIQUE))
    shifted = Grid(OBLIQUE.size, OBLIQUE.spacing, (10.02, -20.0, 30.0), OBLIQUE.direction)
    smaller = Grid((5, 5, 4), OBLIQUE.spacing, OBLIQUE.origin, OBLIQUE.direction)
    assert geometry.lies_on(OBLIQUE, scan)
    assert not geometry.lies_on(shifted, scan)
    assert not geometry.lies_on(smaller, scan)
    assert not geometry.lies_on(OBLIQUE, host.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode"))


def test_only_whole_shifts_are_steps() -> None:
    matrix = np.eye(4)
    matrix[:3, 3] = (3.001, -2.0, 0.0)
    assert geometry.whole_step(matrix) == (3, -2, 0)
    matrix[0, 3] = 3.4
    assert geometry.whole_step(matrix) is None
    assert geometry.whole_step(np.diag([1.0, -1.0, 1.0, 1.0])) is None


def test_slicer_agrees_on_where_a_transformed_voxel_is(host: SlicerHost) -> None:
    """Slicer's own hardening is the oracle."""
    scan = add_scan(host.scene, OBLIQUE, grey_values(OBLIQUE))
    scan.SetAndObserveTransformNodeID(moved(host.scene, SHIFT).GetID())
    expected = geometry.point_of(scan, (5, 0, 2))
    scan.HardenTransform()
    matrix = vtk.vtkMatrix4x4()
    scan.GetIJKToRASMatrix(matrix)
    np.testing.assert_allclose(matrix.MultiplyPoint((5, 0, 2, 1))[:3], expected, atol=1e-9)
