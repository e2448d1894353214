"""Grids, cells and outlines as lines; slices and windows; dragging corners: by hand and against the data room."""

from __future__ import annotations

from unittest.mock import MagicMock

import numpy as np
import pytest
import slicer
import vtk
from hypothesis import given, settings
from hypothesis.extra import numpy as arrays

from data.small_scans import turned
from host.slicer_host import SlicerHost
from panel.rated_scene import GRID, add_knee, bone
from panel.scene_nodes import add_scan, as_vtk, oriented, to_ras
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.raters.placement import Placement
from PartialLabelSegLib.data.raters.template import GridTemplate, drawn_in
from PartialLabelSegLib.panel.geometry import point_of
from PartialLabelSegLib.panel.raters.drawn_grid import around, cell_quads, grid_lines, outline
from PartialLabelSegLib.panel.raters.drawn_masks import DrawnMasks
from PartialLabelSegLib.panel.raters.mouse import Mouse
from PartialLabelSegLib.panel.raters.placing import WHOLE, box_of, dragged, fitted, slice_axis, taken_hold
from PartialLabelSegLib.panel.raters.planes import count_along, nearest_view, shown_slice, voxel, voxels_to_world
from PartialLabelSegLib.panel.raters.rating import Drawing
from PartialLabelSegLib.panel.raters.tools import _between
from PartialLabelSegLib.panel.slicer_application import SlicerApplication
from PartialLabelSegLib.panel.steps import finish_now
from PartialLabelSegLib.run.failure import Failure

CORNERS = ((10.0, 12.0), (14.0, 60.0), (55.0, 50.0), (50.0, 8.0))


def test_the_cells_that_are_drawn_are_those_of_the_data_room() -> None:
    plain = Placement.plain(np.array(CORNERS), 3, 4)
    placement = drawn_in(plain, bone()[6])
    for one in (plain, placement):
        quads = cell_quads(one, [(row, column) for row in range(3) for column in range(4)])
        expected = [one.polygon(row, column) for row in range(3) for column in range(4)]
        np.testing.assert_allclose(quads, expected)


def test_a_cell_is_drawn_in_by_a_share_of_itself() -> None:
    placement = Placement.plain(np.array([(0.0, 0.0), (0.0, 10.0), (20.0, 10.0), (20.0, 0.0)]), 2, 1)
    np.testing.assert_allclose(cell_quads(placement, [(1, 0)], 0.1), [[[11, 1], [11, 9], [19, 9], [19, 1]]])
    assert cell_quads(placement, []).shape == (0, 4, 2)


def test_a_grid_has_a_line_between_all_neighbours_and_around() -> None:
    placement = Placement.plain(np.array([(0.0, 0.0), (0.0, 10.0), (20.0, 10.0), (20.0, 0.0)]), 2, 2)
    lines = {tuple(map(tuple, np.round(line, 6))) for line in grid_lines(placement)}
    level = {((u, 0.0), (u, 10.0)) for u in (0.0, 10.0, 20.0)}
    upright = {((first, v), (first + 10.0, v)) for first in (0.0, 10.0) for v in (0.0, 5.0, 10.0)}
    assert lines == level | upright


def test_the_outline_of_two_voxels_runs_along_their_edges() -> None:
    mask = np.zeros((4, 5), bool)
    mask[1, 2:4] = True
    lines = {tuple(map(tuple, line)) for line in outline(mask)}
    assert lines == {
        ((0.5, 1.5), (0.5, 3.5)),
        ((1.5, 1.5), (1.5, 3.5)),
        ((0.5, 1.5), (1.5, 1.5)),
        ((0.5, 3.5), (1.5, 3.5)),
    }


@settings(max_examples=60, deadline=None)
@given(arrays.arrays(bool, arrays.array_shapes(min_dims=2, max_dims=2, max_side=7)))
def test_an_outline_is_as_long_as_the_edges_between_inside_and_outside(mask: np.ndarray) -> None:
    lines = outline(mask)
    padded = np.pad(mask, 1)
    edges = np.count_nonzero(padded[1:] != padded[:-1]) + np.count_nonzero(padded[:, 1:] != padded[:, :-1])
    assert np.abs(np.diff(lines, axis=1)).sum() == edges


def test_the_sides_of_a_quadrilateral_close_it() -> None:
    quad = np.array([[[0.0, 0.0], [0.0, 1.0], [1.0, 1.0], [1.0, 0.0]]])
    lines = around(quad)
    assert lines.shape == (4, 2, 2) and np.array_equal(lines[3], [[1, 0], [0, 0]])


def test_a_fast_mouse_leaves_no_cell_out() -> None:
    assert _between((2, 1), (2, 4)) == ((2, 2), (2, 3), (2, 4))
    assert _between((0, 0), (2, 2)) == ((1, 1), (2, 2))
    assert _between((3, 3), (3, 2)) == ((3, 2),)


def test_the_mouse_takes_hold_of_the_nearest_corner_or_of_the_whole() -> None:
    corners = np.array([(100.0, 100.0), (200.0, 100.0), (200.0, 200.0), (100.0, 200.0)])
    assert taken_hold(corners, (108, 95)) == 0 and taken_hold(corners, (195, 205)) == 2
    assert taken_hold(corners, (150, 150)) == WHOLE and taken_hold(corners[::-1], (150, 150)) == WHOLE
    assert taken_hold(corners, (150, 220)) is None


def test_a_corner_is_not_dragged_across_the_grid() -> None:
    template = GridTemplate(2, 2, {4: CORNERS})
    start = template.corners(4)
    moved = dragged(template, 4, 0, start, (1.0, -2.0))
    assert moved is not None and tuple(moved.corners(4)[0]) == (11.0, 10.0)
    assert dragged(template, 4, 0, start, (60.0, 60.0)) is None
    whole = dragged(template, 9, WHOLE, start, (3.0, 3.0))
    assert whole is not None and set(whole.keys) == {4, 9}
    np.testing.assert_allclose(whole.corners(9), start + 3)


def test_the_grid_is_laid_around_the_bone_in_three_ways() -> None:
    mask = np.zeros((6, 20, 30), bool)
    mask[2, 5:10, 8:12] = True
    mask[3, 6:15, 9:20] = True
    once = fitted(None, mask, "one box", 0)
    assert list(once.keys) == [3] and once.keys[3] == ((3.5, 6.5), (3.5, 20.5), (15.5, 20.5), (15.5, 6.5))
    assert set(fitted(once, mask, "every slice", 0).keys) == {2, 3}
    here = fitted(once, mask, "this slice", 2)
    assert here.keys[2] == box_of(mask[2]) and here.keys[3] == once.keys[3]
    with pytest.raises(ValueError, match="no bone"):
        fitted(once, mask, "this slice", 5)
    with pytest.raises(ValueError, match="no bone"):
        fitted(None, np.zeros_like(mask), "one box", 0)


def test_thick_slices_are_counted_along_their_axis() -> None:
    assert slice_axis((4.0, 0.5, 0.5)) == 0 and slice_axis((0.5, 0.5, 3.0)) == 2 and slice_axis((1.0, 1.0, 1.0)) == 0


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("direction", [GRID.direction, tuple(float(v) for v in np.eye(3)[[2, 0, 1]].ravel())])
def test_a_point_of_a_slice_lies_in_the_window_where_the_view_says(
    host: SlicerHost, axis: int, direction: tuple[float, ...]
) -> None:
    grid = Grid((30, 34, 38), (1.0, 2.0, 3.0), (-10.0, 5.0, 7.0), direction)
    scan = add_scan(host.scene, grid, np.zeros(grid.shape, np.int16))
    views = [logic.GetSliceNode() for logic in host.slice_logics.values()]
    world = voxels_to_world(scan)
    view = nearest_view(world, axis, views)
    place = voxel(axis, 11, (6.0, 9.0))
    view.JumpSliceByOffsetting(*point_of(scan, place))
    shown = shown_slice(world, axis, count_along(scan, axis), view)
    assert shown is not None and shown.index == 11
    x, y = shown.window(np.array([6.0, 9.0]))
    ras = view.GetXYToRAS().MultiplyPoint((float(x), float(y), 0.0, 1.0))[:3]
    np.testing.assert_allclose(ras, point_of(scan, place), atol=1e-6)
    np.testing.assert_allclose(shown.point(float(x), float(y)), (6.0, 9.0))
    others = [other for other in views if other is not view]
    assert all(shown_slice(world, axis, count_along(scan, axis), other) is None for other in others)


def test_a_view_beyond_the_scan_or_tilted_shows_no_slice(host: SlicerHost) -> None:
    scan, _ = add_knee(host.scene)
    view = host.slice_logics["Red"].GetSliceNode()
    world = voxels_to_world(scan)
    view.JumpSliceByOffsetting(0, 0, 500)
    assert shown_slice(world, 0, 14, view) is None
    tilted = add_scan(
        host.scene, Grid(GRID.size, GRID.spacing, GRID.origin, turned(9, 4)), np.zeros(GRID.shape, np.int16)
    )
    view.JumpSliceByOffsetting(0, 0, 0)
    assert shown_slice(voxels_to_world(tilted), 0, 14, view) is None


def test_a_transform_moves_the_grid_with_the_scan_and_a_bent_one_is_refused(host: SlicerHost) -> None:
    scan, _ = add_knee(host.scene)
    node = host.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    matrix = vtk.vtkMatrix4x4()
    matrix.SetElement(2, 3, 8.0)
    node.SetMatrixTransformToParent(matrix)
    before = voxels_to_world(scan)
    scan.SetAndObserveTransformNodeID(node.GetID())
    np.testing.assert_allclose(voxels_to_world(scan) - before, [[0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 8], [0, 0, 0, 0]])
    bent = host.scene.AddNewNodeByClass("vtkMRMLBSplineTransformNode")
    spline = vtk.vtkThinPlateSplineTransform()
    bent.SetAndObserveTransformToParent(spline)
    scan.SetAndObserveTransformNodeID(bent.GetID())
    with pytest.raises(Failure, match="bends space"):
        voxels_to_world(scan)


def test_a_label_map_on_other_voxels_is_laid_on_the_scan(host: SlicerHost) -> None:
    scan, _ = add_knee(host.scene)
    mask = bone()
    coarse = Grid((48, 56, 14), (2.0, 2.0, 4.0), (-47.5, -55.5, -28.0), GRID.direction)
    node = host.scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "reader")
    slicer_image = oriented((mask[:, ::2, ::2] * 3).astype(np.uint8), coarse)
    node.SetIJKToRASMatrix(as_vtk(to_ras(coarse)))
    slicer_image.SetSpacing(1, 1, 1)
    slicer_image.SetOrigin(0, 0, 0)
    slicer_image.SetImageToWorldMatrix(as_vtk(np.eye(4)))
    node.SetAndObserveImageData(slicer_image)
    masks = DrawnMasks(host.scene)
    drawing = Drawing(node.GetID(), "", "reader")
    assert masks.mask(scan, drawing) is None and not masks.is_fresh(scan, drawing)
    finish_now(masks.read(scan, drawing))
    found = masks.mask(scan, drawing)
    assert found is not None and masks.is_fresh(scan, drawing)
    np.testing.assert_array_equal(found, np.repeat(np.repeat(mask[:, ::2, ::2], 2, axis=1), 2, axis=2))


def test_slicer_is_asked_to_draw_only_the_views_that_it_has(host: SlicerHost, monkeypatch: pytest.MonkeyPatch) -> None:
    manager = MagicMock()
    manager.sliceViewNames.return_value = ("Red", "Green")
    monkeypatch.setattr(slicer.app, "layoutManager", lambda: manager)
    SlicerApplication(host.scene).redraw_slices(["Red", "Purple"])
    manager.sliceWidget.assert_called_once_with("Red")
    manager.sliceWidget("Red").sliceView().scheduleRender.assert_called_once_with()


class Hands:
    """Takes presses in the left half."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def pressed(self, view: str, x: int, y: int) -> bool:
        self.told.append(f"pressed {view} {x}")
        return x < 50

    def moved(self, view: str, x: int, y: int) -> None:
        self.told.append(f"moved {x}")

    def released(self, view: str) -> None:
        self.told.append("released")


def test_what_is_taken_of_the_mouse_goes_no_further_and_the_rest_does() -> None:
    interactor = vtk.vtkGenericRenderWindowInteractor()
    hands, others = Hands(), []
    mouse = Mouse(interactor, "Red", hands)
    for event in ("LeftButtonPressEvent", "MouseMoveEvent", "LeftButtonReleaseEvent", "LeftButtonDoubleClickEvent"):
        interactor.AddObserver(event, lambda _, name: others.append(name))

    def happens(event: str, x: int, control: int = 0, shift: int = 0) -> None:
        interactor.SetEventInformation(x, 10, control, shift)
        interactor.InvokeEvent(event)

    for event in ("LeftButtonPressEvent", "LeftButtonDoubleClickEvent", "MouseMoveEvent", "LeftButtonReleaseEvent"):
        happens(event, 20)
    assert hands.told == ["pressed Red 20", "moved 20", "released"] and others == []
    happens("MouseMoveEvent", 20)
    happens("LeftButtonPressEvent", 70)
    happens("LeftButtonReleaseEvent", 70)
    assert others == ["MouseMoveEvent", "LeftButtonPressEvent", "LeftButtonReleaseEvent"]
    hands.told.clear()
    happens("LeftButtonPressEvent", 20, control=1)
    happens("LeftButtonPressEvent", 20, shift=1)
    assert hands.told == [] and others[3:] == ["LeftButtonPressEvent"] * 2
    mouse.release()
    happens("LeftButtonPressEvent", 20)
    assert hands.told == [] and len(others) == 6
