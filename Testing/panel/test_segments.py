"""What is drawn in a segmentation node, which segments share voxels, and which voxels of a scan they cover."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import slicer
import vtk
from hypothesis import given
from hypothesis import strategies as st

from data.small_scans import OBLIQUE, STRAIGHT, blocks, grey_values, turned
from host.slicer_host import SlicerHost
from panel.scene_nodes import add_scan, add_segmentation, as_vtk, bytes_of, full, mask_by_points
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.placing import place_labels
from PartialLabelSegLib.panel.masks import around, mask_in, shape_of, tight, within
from PartialLabelSegLib.panel.our_nodes import BINARY
from PartialLabelSegLib.panel.overlaps import overlap_steps
from PartialLabelSegLib.panel.segments import STRUCTURE_TAG, SURFACE, drawn, labelmaps, labelmaps_in_steps
from PartialLabelSegLib.panel.steps import finish_now
from PartialLabelSegLib.run.failure import Failure

PLACES = {"Liver": (0, 0, 0), "Tumour": (1, 1, 1), "Spleen": (2, 2, 3)}


@pytest.fixture
def scan(host: SlicerHost) -> Any:
    return add_scan(host.scene, OBLIQUE, grey_values(OBLIQUE))


@pytest.mark.parametrize("shared", [False, True])
def test_segments_are_listed_as_they_are(scan: Any, shared: bool) -> None:
    masks = {**blocks(OBLIQUE, **{"Liver": (0, 0, 0), "Spleen": (2, 2, 3)}), "Nothing": np.zeros(OBLIQUE.shape, bool)}
    node = add_segmentation(scan, OBLIQUE, masks, shared=shared)
    node.GetSegmentation().GetSegment("id0").SetTag("PartialLabelSeg.State", "some slices")
    node.GetSegmentation().AddEmptySegment("bare", "Bare")
    before = bytes_of(node)
    found = drawn(node.GetSegmentation())
    assert [(item.id, item.name, item.empty) for item in found] == [
        ("id0", "Liver", False),
        ("id1", "Spleen", False),
        ("id2", "Nothing", True),
        ("bare", "Bare", True),
    ]
    assert found[0].terminology == "code^Liver"
    assert found[0].tags == {"PartialLabelSeg.State": "some slices"}
    assert found[0].color == pytest.approx(node.GetSegmentation().GetSegment("id0").GetColor())
    assert bytes_of(node) == before


def test_a_node_without_segments_has_nothing_drawn(scan: Any) -> None:
    assert drawn(add_segmentation(scan, OBLIQUE, {}).GetSegmentation()) == ()


def test_a_segment_without_a_name_gets_one(scan: Any) -> None:
    node = add_segmentation(scan, OBLIQUE, blocks(OBLIQUE, Liver=(0, 0, 0)))
    node.GetSegmentation().GetSegment("id0").SetName("  ")
    assert drawn(node.GetSegmentation())[0].name == "id0"


def test_segments_that_share_voxels_are_found(scan: Any) -> None:
    node = add_segmentation(scan, OBLIQUE, blocks(OBLIQUE, **PLACES))
    *_, found = overlap_steps(node.GetSegmentation())
    assert found == {frozenset(("id0", "id1"))}
    *_, none = overlap_steps(add_segmentation(scan, OBLIQUE, blocks(OBLIQUE, **PLACES), shared=True).GetSegmentation())
    assert none == frozenset()


def test_cropped_layers_are_compared_where_they_meet(scan: Any) -> None:
    node = add_segmentation(scan, OBLIQUE, blocks(OBLIQUE, **PLACES))
    for key in ("id0", "id1", "id2"):
        image = node.GetSegmentation().GetSegment(key).GetRepresentation("Binary labelmap")
        extent = [0] * 6
        slicer.vtkOrientedImageDataResample.CalculateEffectiveExtent(image, extent)
        cut = slicer.vtkOrientedImageData()
        slicer.vtkOrientedImageDataResample.CopyImage(image, cut, extent)
        image.DeepCopy(cut)
    *_, found = overlap_steps(node.GetSegmentation())
    assert found == {frozenset(("id0", "id1"))}
    for key, name in zip(("id0", "id1", "id2"), PLACES):
        np.testing.assert_array_equal(full(mask_in(node, key, scan), OBLIQUE), blocks(OBLIQUE, **PLACES)[name])


@pytest.mark.parametrize("shared", [False, True])
def test_a_mask_is_what_a_search_through_patient_space_finds(scan: Any, shared: bool) -> None:
    masks = blocks(OBLIQUE, Liver=(0, 0, 0), Spleen=(2, 2, 3))
    node = add_segmentation(scan, OBLIQUE, masks, shared=shared)
    before = bytes_of(node)
    for key, mask in zip(("id0", "id1"), masks.values()):
        found = mask_in(node, key, scan)
        assert found is not None and found[1].shape == (2, 2, 2)
        np.testing.assert_array_equal(full(found, OBLIQUE), mask)
        np.testing.assert_array_equal(full(found, OBLIQUE), mask_by_points(node, key, OBLIQUE))
    assert bytes_of(node) == before
    assert mask_in(node, "unheard of", scan) is None


def test_a_label_map_on_another_grid_is_taken_at_voxel_centres(scan: Any) -> None:
    finer = Grid((17, 23, 9), (0.4, 0.3, 1.1), (9.2, -20.4, 29.5), turned(21, -11))
    rng = np.random.default_rng(0)
    masks = {"Liver": rng.random(finer.shape) < 0.4}
    node = add_segmentation(scan, finer, masks)
    expected = place_labels(masks["Liver"].astype(np.uint8), finer, OBLIQUE).astype(bool)
    assert expected.any()
    np.testing.assert_array_equal(full(mask_in(node, "id0", scan), OBLIQUE), expected)


def test_a_label_map_stored_with_turned_axes_is_exact(scan: Any) -> None:
    mask = blocks(OBLIQUE, Liver=(1, 0, 3))["Liver"]
    matrix = np.reshape(OBLIQUE.direction, (3, 3))
    direction = np.stack([matrix[:, 2], -matrix[:, 0], matrix[:, 1]], axis=1)
    far = np.array(OBLIQUE.origin) + matrix[:, 0] * OBLIQUE.spacing[0] * (OBLIQUE.size[0] - 1)
    flipped = Grid((4, 6, 5), (2.5, 0.7, 0.9), tuple(far.tolist()), tuple(direction.ravel().tolist()))
    stored = place_labels(mask.astype(np.uint8), OBLIQUE, flipped)
    node = add_segmentation(scan, flipped, {"Liver": stored.astype(bool)})
    np.testing.assert_array_equal(full(mask_in(node, "id0", scan), OBLIQUE), mask)


def test_a_segment_that_reaches_beyond_the_scan_is_cut_at_its_border(host: SlicerHost) -> None:
    scan = add_scan(host.scene, STRAIGHT, grey_values(STRAIGHT))
    wider = Grid((10, 9, 8), (1.0, 1.0, 1.0), (-2.0, -2.0, -2.0), STRAIGHT.direction)
    node = add_segmentation(scan, wider, {"Skin": np.ones(wider.shape, bool)})
    assert full(mask_in(node, "id0", scan), STRAIGHT).all()
    beside = Grid((3, 3, 3), (1.0, 1.0, 1.0), (50.0, 0.0, 0.0), STRAIGHT.direction)
    assert mask_in(add_segmentation(scan, beside, {"Skin": np.ones(beside.shape, bool)}), "id0", scan) is None


def test_a_segmentation_under_another_transform_is_where_it_is_seen(host: SlicerHost) -> None:
    scan = add_scan(host.scene, STRAIGHT, grey_values(STRAIGHT))
    mask = blocks(STRAIGHT, Liver=(0, 0, 0))["Liver"]
    node = add_segmentation(scan, STRAIGHT, {"Liver": mask})
    shift = np.eye(4)
    shift[:3, 3] = (-2, -1, 1)
    transform = host.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    transform.SetMatrixTransformToParent(as_vtk(shift))
    node.SetAndObserveTransformNodeID(transform.GetID())
    # Right and anterior are the negative directions of the grid.
    np.testing.assert_array_equal(full(mask_in(node, "id0", scan), STRAIGHT), np.roll(mask, (1, 1, 2), (0, 1, 2)))


def test_a_drawn_surface_is_turned_into_voxels_in_a_copy(host: SlicerHost) -> None:
    grid = Grid((20, 20, 20), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), STRAIGHT.direction)
    scan = add_scan(host.scene, grid, grey_values(grid))
    ball = vtk.vtkSphereSource()
    ball.SetCenter(-10, -10, 10)
    ball.SetRadius(5)
    ball.SetThetaResolution(30)
    ball.SetPhiResolution(30)
    ball.Update()
    node = host.scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "ball")
    node.GetSegmentation().SetSourceRepresentationName("Closed surface")
    node.AddSegmentFromClosedSurfaceRepresentation(ball.GetOutput(), "Ball", [1, 0, 0], "ball")
    found = full(mask_in(node, "ball", scan), grid)
    z, y, x = np.indices(grid.shape)
    away = np.sqrt((x - 10) ** 2 + (y - 10) ** 2 + (z - 10) ** 2)
    assert found[away < 4.3].all() and not found[away > 5.7].any()
    assert not node.GetSegmentation().ContainsRepresentation("Binary labelmap")
    assert [item.empty for item in drawn(node.GetSegmentation())] == [False]


def a_ball(centre: float) -> Any:
    ball = vtk.vtkSphereSource()
    ball.SetCenter(-centre, -centre, centre)
    ball.SetRadius(4)
    ball.SetThetaResolution(20)
    ball.SetPhiResolution(20)
    ball.Update()
    return ball.GetOutput()


def test_drawn_surfaces_are_turned_into_voxels_one_by_one_as_all_at_once(host: SlicerHost) -> None:
    grid = Grid((20, 20, 20), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), STRAIGHT.direction)
    scan = add_scan(host.scene, grid, grey_values(grid))
    node = host.scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "balls")
    segmentation = node.GetSegmentation()
    segmentation.SetSourceRepresentationName(SURFACE)
    for key, centre in (("one", 6.0), ("two", 9.0), ("three", 14.0)):
        node.AddSegmentFromClosedSurfaceRepresentation(a_ball(centre), f"Ball {key}", [1, 0, 0], key)
        segmentation.GetSegment(key).SetTag(STRUCTURE_TAG, key)
    steps = labelmaps_in_steps(node, scan)
    shares = []
    while True:
        try:
            shares.append(next(steps))
        except StopIteration as stop:
            made = stop.value
            break
    assert shares == pytest.approx([1 / 3, 2 / 3, 1.0])
    found = drawn(made)
    assert [(item.id, item.name, item.empty, item.tags) for item in found] == [
        (key, f"Ball {key}", False, {STRUCTURE_TAG: key}) for key in ("one", "two", "three")
    ]
    assert not segmentation.ContainsRepresentation(BINARY)
    assert [segmentation.GetNthSegment(n).GetRepresentation(SURFACE) is not None for n in range(3)] == [True] * 3
    alone = finish_now(labelmaps_in_steps(node, scan, "two"))
    assert alone.GetNumberOfSegments() == 1
    masks = {key: full(mask_in(node, key, scan), grid) for key in ("one", "two", "three")}
    reference = slicer.vtkSegmentationConverter.GetReferenceImageGeometryParameterName()
    node.SetReferenceImageGeometryParameterFromVolumeNode(scan)
    assert segmentation.GetConversionParameter(reference) and segmentation.CreateRepresentation(BINARY)
    for key, mask in masks.items():
        assert 200 < mask.sum() < 320
        np.testing.assert_array_equal(mask, full(mask_in(node, key, scan), grid))


def test_what_cannot_become_voxels_is_a_sentence(host: SlicerHost, watch: Any) -> None:
    scan = add_scan(host.scene, STRAIGHT, grey_values(STRAIGHT), "CT 7")
    node = host.scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "dose")
    node.GetSegmentation().SetSourceRepresentationName("Ribbon model")
    segment = slicer.vtkSegment()
    segment.AddRepresentation("Ribbon model", vtk.vtkPolyData())
    node.GetSegmentation().AddSegment(segment, "a")
    with pytest.raises(Failure, match="'CT 7'.*'Ribbon model'.*Segmentations module"):
        labelmaps(node, scan)
    watch.forgive()


BOXES = st.tuples(*[st.tuples(st.integers(0, 9), st.integers(1, 9)).map(lambda ab: slice(ab[0], ab[0] + ab[1]))] * 3)


@given(BOXES, BOXES)
def test_the_box_around_two_holds_both(first: Any, second: Any) -> None:
    whole = np.zeros((30, 30, 30), bool)
    whole[first] = whole[second] = True
    box = around(first, second)
    found = tight((slice(0, 30),) * 3, whole)
    assert found is not None and found[0] == box
    assert shape_of(box) == found[1].shape
    np.testing.assert_array_equal(whole[box][within(first, box)], np.ones(shape_of(first), bool))


def test_nothing_is_cut_to_nothing() -> None:
    assert tight((slice(0, 2),) * 3, np.zeros((2, 2, 2), bool)) is None
