"""Slicer's own storage node reads what is written here, and what it writes is read here: names, colours, terminology, every voxel."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from data.small_scans import GRIDS, STRAIGHT, blocks, write_segments
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.placing import Fit, fit, place_labels
from PartialLabelSegLib.data.seg_nrrd import read_seg_nrrd

LIVER = "Segmentation category and type - 3D Slicer General Anatomy list~SCT^123037004^Anatomical Structure~SCT^10200004^Liver~^^~Anatomic codes - DICOM master list~^^~^^"


@pytest.fixture(scope="module")
def slicer() -> Iterator[ModuleType]:
    """Slicer's data classes, with the rules that turn segments into label maps."""
    import slicer as module

    logic = module.vtkSlicerSegmentationsModuleLogic()
    yield module
    del logic


@pytest.fixture
def scene(slicer: ModuleType) -> Any:
    return slicer.vtkMRMLScene()


@pytest.fixture(params=sorted(GRIDS))
def grid(request: pytest.FixtureRequest) -> Grid:
    return GRIDS[request.param]


def masks_of(grid: Grid) -> dict[str, np.ndarray]:
    """A liver, a tumour partly in it, a spleen beside, and a segment without a voxel."""
    return {
        **blocks(grid, Liver=(0, 0, 0), Tumour=(1, 1, 1), Spleen=(2, 2, 3)),
        "Leber é \\ rest": np.zeros(grid.shape, bool),
    }


def image_to_world(grid: Grid) -> np.ndarray:
    """Voxel (x, y, z, 1) to right-anterior-superior mm."""
    matrix = np.eye(4)
    matrix[:3, :3] = np.reshape(grid.direction, (3, 3)) * np.array(grid.spacing)
    matrix[:3, 3] = grid.origin
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ matrix


def mask_in(node: Any, identifier: str, grid: Grid, slicer: ModuleType) -> np.ndarray:
    """A segment's voxels on `grid`, found voxel by voxel through patient space."""
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkCommonMath import vtkMatrix4x4

    result = np.zeros(grid.shape, bool)
    image = slicer.vtkOrientedImageData()
    node.GetBinaryLabelmapRepresentation(identifier, image)
    extent = image.GetExtent()
    if extent[1] < extent[0]:
        return result
    shape = [extent[2 * axis + 1] - extent[2 * axis] + 1 for axis in (2, 1, 0)]
    array = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(shape)
    found = np.argwhere(array > 0)[:, ::-1] + np.array(extent[::2])
    matrix = vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    to_world = np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])
    indices = np.c_[found, np.ones(len(found))] @ (np.linalg.inv(image_to_world(grid)) @ to_world).T
    np.testing.assert_allclose(indices, np.rint(indices), atol=1e-3)
    x, y, z = np.rint(indices[:, :3]).astype(int).T
    result[z, y, x] = True
    return result


def load(path: Path, scene: Any, slicer: ModuleType) -> Any:
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    storage = slicer.vtkMRMLSegmentationStorageNode()
    scene.AddNode(storage)
    storage.SetFileName(str(path))
    assert storage.ReadData(node) == 1
    return node


def save(node: Any, path: Path, scene: Any, slicer: ModuleType, cropped: bool) -> None:
    storage = slicer.vtkMRMLSegmentationStorageNode()
    scene.AddNode(storage)
    storage.SetFileName(str(path))
    storage.SetCropToMinimumExtent(cropped)
    assert storage.WriteData(node) == 1


def tag(segment: Any, name: str) -> str:
    import vtkmodules.vtkCommonCore as core

    text = core.reference("")
    return str(text) if segment.GetTag(name, text) else ""


def oriented(mask: np.ndarray, grid: Grid, slicer: ModuleType) -> Any:
    """A mask as Slicer holds it."""
    from vtkmodules.util.numpy_support import numpy_to_vtk
    from vtkmodules.vtkCommonMath import vtkMatrix4x4

    image = slicer.vtkOrientedImageData()
    image.SetDimensions(*grid.size)
    image.GetPointData().SetScalars(numpy_to_vtk(mask.astype(np.uint8).ravel(), deep=True))
    matrix = vtkMatrix4x4()
    for row, values in enumerate(image_to_world(grid)):
        for column, value in enumerate(values):
            matrix.SetElement(row, column, value)
    image.SetImageToWorldMatrix(matrix)
    return image


def test_slicer_reads_what_is_written_here(tmp_path: Path, grid: Grid, scene: Any, slicer: ModuleType) -> None:
    masks = masks_of(grid)
    path = write_segments(
        tmp_path / "a.seg.nrrd",
        grid,
        masks,
        {"Liver": {"PartialLabelSeg.State": "some slices", "PartialLabelSeg.Slices": "y: 1-3"}},
    )
    node = load(path, scene, slicer)
    segmentation = node.GetSegmentation()
    assert segmentation.GetNumberOfSegments() == len(masks)
    assert segmentation.GetNumberOfLayers() == 2
    for number, (name, mask) in enumerate(masks.items()):
        segment = segmentation.GetNthSegment(number)
        assert segment.GetName() == name
        assert segment.GetColor() == pytest.approx((number / 10, 0.5, 0.25))
        assert tag(segment, "TerminologyEntry") == f"code^{name}"
        np.testing.assert_array_equal(mask_in(node, segmentation.GetNthSegmentID(number), grid, slicer), mask)
    assert tag(segmentation.GetSegment("S0"), "PartialLabelSeg.Slices") == "y: 1-3"


@pytest.mark.parametrize("cropped", [False, True])
def test_what_slicer_writes_is_read_here(
    tmp_path: Path, grid: Grid, scene: Any, slicer: ModuleType, cropped: bool
) -> None:
    masks = masks_of(grid)
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    for number, (name, mask) in enumerate(masks.items()):
        segment = slicer.vtkSegment()
        segment.SetName(name)
        segment.SetColor(0.25, 0.5, number / 8)
        segment.SetTag("TerminologyEntry", LIVER)
        segment.SetTag("PartialLabelSeg.State", "labelled")
        segment.AddRepresentation("Binary labelmap", oriented(mask, grid, slicer))
        node.GetSegmentation().AddSegment(segment, f"id{number}")
    save(node, tmp_path / "a.seg.nrrd", scene, slicer, cropped)
    found = read_seg_nrrd(tmp_path / "a.seg.nrrd")
    assert fit(found.grid, grid) in ((Fit.COINCIDES,) if cropped else (Fit.SAME, Fit.COINCIDES))
    for number, (segment, (name, mask)) in enumerate(zip(found.segments, masks.items(), strict=True)):
        assert (segment.id, segment.name, segment.terminology) == (f"id{number}", name, LIVER)
        assert segment.color == pytest.approx((0.25, 0.5, number / 8))
        assert segment.tags["PartialLabelSeg.State"] == "labelled"
        np.testing.assert_array_equal(place_labels(segment.mask.astype(np.uint8), found.grid, grid), mask)


def test_a_file_goes_through_slicer_and_back_unchanged(
    tmp_path: Path, grid: Grid, scene: Any, slicer: ModuleType
) -> None:
    path = write_segments(tmp_path / "a.seg.nrrd", grid, masks_of(grid))
    save(load(path, scene, slicer), tmp_path / "b.seg.nrrd", scene, slicer, cropped=True)
    first, second = read_seg_nrrd(path), read_seg_nrrd(tmp_path / "b.seg.nrrd")
    for one, other in zip(first.segments, second.segments, strict=True):
        assert (one.id, one.name, one.terminology, dict(one.tags)) == (
            other.id,
            other.name,
            other.terminology,
            dict(other.tags),
        )
        assert one.color == pytest.approx(other.color, abs=1e-6)
        np.testing.assert_array_equal(place_labels(other.mask.astype(np.uint8), second.grid, first.grid), one.mask)


def test_a_single_segment_without_a_voxel_is_read_by_slicer(tmp_path: Path, scene: Any, slicer: ModuleType) -> None:
    path = write_segments(tmp_path / "a.seg.nrrd", STRAIGHT, {"Liver": np.zeros(STRAIGHT.shape, bool)})
    node = load(path, scene, slicer)
    assert node.GetSegmentation().GetNthSegment(0).GetName() == "Liver"
    assert not mask_in(node, "S0", STRAIGHT, slicer).any()
