"""A scan of the scene written for the worker: what the importer then reads is what is in the scene."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
import slicer

from data.small_scans import OBLIQUE, STRAIGHT, blocks, grey_values
from host.slicer_host import SlicerHost
from panel.scene_nodes import add_scan, add_segmentation, as_vtk, bytes_of, mask_by_points, oriented
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.image_io import read_scan
from PartialLabelSegLib.data.importers import read_cohort
from PartialLabelSegLib.data.placing import Fit, fit, place_labels
from PartialLabelSegLib.data.seg_nrrd import SegmentationFile, read_seg_nrrd
from PartialLabelSegLib.data.types import State
from PartialLabelSegLib.panel.scan_files import write_scan
from PartialLabelSegLib.panel.steps import finish_now
from PartialLabelSegLib.run.failure import Failure

PLACES = {"Liver": (0, 0, 0), "Tumour": (1, 1, 1), "Spleen": (2, 2, 3)}


@pytest.fixture
def scan(host: SlicerHost) -> Any:
    return add_scan(host.scene, OBLIQUE, grey_values(OBLIQUE))


def on_scan(stored: SegmentationFile, grid: Grid) -> dict[str, np.ndarray]:
    """The stored masks on a scan's grid."""
    return {
        segment.name: place_labels(segment.mask.astype(np.uint8), stored.grid, grid).astype(bool)
        for segment in stored.segments
    }


def written(folder: Path, scan: Any, node: Any) -> SegmentationFile:
    _, path = finish_now(write_scan(folder, "CT_1", scan, node))
    assert path is not None
    return read_seg_nrrd(path)


@pytest.mark.parametrize("shared", [False, True])
def test_the_importer_reads_what_is_in_the_scene(scan: Any, tmp_path: Path, shared: bool) -> None:
    masks = blocks(OBLIQUE, **PLACES)
    if shared:
        masks["Liver"] &= ~masks["Tumour"]
    node = add_segmentation(scan, OBLIQUE, masks, shared=shared)
    before = bytes_of(node)
    stored = written(tmp_path, scan, node)
    assert bytes_of(node) == before
    for name, mask in on_scan(stored, OBLIQUE).items():
        np.testing.assert_array_equal(mask, masks[name])
    assert [(segment.id, segment.name, segment.terminology) for segment in stored.segments] == [
        (f"id{number}", name, f"code^{name}") for number, name in enumerate(masks)
    ]
    for number, segment in enumerate(stored.segments):
        assert segment.color == pytest.approx(node.GetSegmentation().GetNthSegment(number).GetColor(), abs=1e-6)
    cohort = read_cohort(tmp_path)
    (source,) = cohort.sources
    image = source.read_image()
    assert Grid.from_image(image).same_as(OBLIQUE)
    labels = source.read_labels(Grid.from_image(image))
    assert {name: labels.state(name) for name in labels.structures} == dict.fromkeys(masks, State.LABELLED)
    np.testing.assert_array_equal(labels.positive("Spleen"), masks["Spleen"])


def test_slicer_itself_reads_the_file(scan: Any, tmp_path: Path) -> None:
    masks = blocks(OBLIQUE, **PLACES)
    finish_now(write_scan(tmp_path, "a", scan, add_segmentation(scan, OBLIQUE, masks)))
    node = slicer.modules.segmentations.logic().LoadSegmentationFromFile(str(tmp_path / "a.seg.nrrd"), True)
    assert node.GetSegmentation().GetNumberOfSegments() == 3
    for name, mask in masks.items():
        key = node.GetSegmentation().GetSegmentIdBySegmentName(name)
        np.testing.assert_array_equal(mask_by_points(node, key, OBLIQUE), mask)


def test_the_scan_is_written_exactly(scan: Any, tmp_path: Path) -> None:
    image, path = finish_now(write_scan(tmp_path, "CT_1", scan))
    assert path is None and image == tmp_path / "CT_1.nrrd"
    found = read_scan(image)
    assert Grid.from_image(found).same_as(OBLIQUE)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(found), grey_values(OBLIQUE))


def test_tags_that_say_what_is_drawn_are_written(scan: Any, tmp_path: Path) -> None:
    node = add_segmentation(scan, OBLIQUE, blocks(OBLIQUE, Liver=(0, 0, 0)))
    segment = node.GetSegmentation().GetSegment("id0")
    segment.SetTag("PartialLabelSeg.State", "some slices")
    segment.SetTag("PartialLabelSeg.Slices", "0-1")
    segment.SetTag("Private", "x|y\nz")
    assert dict(written(tmp_path, scan, node).segments[0].tags) == {
        "PartialLabelSeg.State": "some slices",
        "PartialLabelSeg.Slices": "0-1",
    }


def test_empty_segments_and_voxels_of_no_segment(scan: Any, tmp_path: Path) -> None:
    masks = {**blocks(OBLIQUE, Liver=(0, 0, 0), Gone=(2, 2, 3)), "Nothing": np.zeros(OBLIQUE.shape, bool)}
    node = add_segmentation(scan, OBLIQUE, masks, shared=True)
    node.GetSegmentation().AddEmptySegment("bare", "Bare")
    image = node.GetSegmentation().GetSegment("id1").GetRepresentation("Binary labelmap")
    node.GetSegmentation().RemoveSegment("id1")
    image.SetScalarComponentFromDouble(5, 4, 3, 0, 9)
    found = on_scan(written(tmp_path, scan, node), OBLIQUE)
    assert {name: int(mask.sum()) for name, mask in found.items()} == {"Liver": 8, "Nothing": 0, "Bare": 0}


def test_a_segmentation_in_which_nothing_is_drawn_is_a_file_too(scan: Any, tmp_path: Path) -> None:
    node = add_segmentation(scan, OBLIQUE, {})
    assert finish_now(write_scan(tmp_path, "CT_1", scan, node))[1] is None
    node.GetSegmentation().AddEmptySegment("bare", "Bare")
    stored = written(tmp_path, scan, node)
    assert [(segment.name, bool(segment.mask.any())) for segment in stored.segments] == [("Bare", False)]
    assert fit(stored.grid, OBLIQUE) is Fit.COINCIDES
    finish_now(write_scan(tmp_path, "CT_1", scan))
    assert not (tmp_path / "CT_1.seg.nrrd").exists()


def test_a_drawing_on_another_grid_keeps_its_own(scan: Any, tmp_path: Path) -> None:
    finer = Grid((17, 23, 9), (0.4, 0.3, 1.1), (9.2, -20.4, 29.5), OBLIQUE.direction)
    mask = np.random.default_rng(0).random(finer.shape) < 0.4
    stored = written(tmp_path, scan, add_segmentation(scan, finer, {"Liver": mask}))
    np.testing.assert_array_equal(on_scan(stored, finer)["Liver"], mask)


def test_drawings_on_several_grids_are_laid_on_the_scan(scan: Any, tmp_path: Path) -> None:
    mask = blocks(OBLIQUE, Liver=(0, 0, 0))["Liver"]
    node = add_segmentation(scan, OBLIQUE, {"Liver": mask})
    finer = Grid((17, 23, 9), (0.4, 0.3, 1.1), (9.2, -20.4, 29.5), OBLIQUE.direction)
    ball = np.random.default_rng(0).random(finer.shape) < 0.4
    segment = slicer.vtkSegment()
    segment.SetName("Ball")
    segment.AddRepresentation("Binary labelmap", oriented(ball.astype(np.uint8), finer))
    node.GetSegmentation().AddSegment(segment, "ball")
    found = on_scan(written(tmp_path, scan, node), OBLIQUE)
    np.testing.assert_array_equal(found["Liver"], mask)
    np.testing.assert_array_equal(found["Ball"], place_labels(ball.astype(np.uint8), finer, OBLIQUE).astype(bool))


def test_large_label_values_do_not_meet_small_ones(scan: Any, tmp_path: Path) -> None:
    masks = blocks(OBLIQUE, Liver=(0, 0, 0), Spleen=(2, 2, 3))
    node = add_segmentation(scan, OBLIQUE, masks)
    layer = np.zeros(OBLIQUE.shape, np.int16)
    layer[masks["Liver"]], layer[masks["Spleen"]], layer[0, 4, 5], layer[0, 4, 4] = 1000, 232, 744, -24
    image = oriented(layer, OBLIQUE)
    for key, value in (("id0", 1000), ("id1", 232)):
        segment = node.GetSegmentation().GetSegment(key)
        segment.AddRepresentation("Binary labelmap", image)
        segment.SetLabelValue(value)
    for name, mask in on_scan(written(tmp_path, scan, node), OBLIQUE).items():
        np.testing.assert_array_equal(mask, masks[name])


def test_a_drawing_under_another_transform_is_written_where_it_is_seen(host: SlicerHost, tmp_path: Path) -> None:
    scan = add_scan(host.scene, STRAIGHT, grey_values(STRAIGHT))
    mask = blocks(STRAIGHT, Liver=(0, 0, 0))["Liver"]
    node = add_segmentation(scan, STRAIGHT, {"Liver": mask})
    shift, shear = np.eye(4), np.eye(4)
    shift[:3, 3] = (-2, -1, 1)
    shear[0, 1] = 0.5
    transform = host.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    transform.SetMatrixTransformToParent(as_vtk(shift))
    node.SetAndObserveTransformNodeID(transform.GetID())
    expected = np.roll(mask, (1, 1, 2), (0, 1, 2))
    np.testing.assert_array_equal(on_scan(written(tmp_path, scan, node), STRAIGHT)["Liver"], expected)
    scan.SetAndObserveTransformNodeID(transform.GetID())
    np.testing.assert_array_equal(on_scan(written(tmp_path, scan, node), STRAIGHT)["Liver"], mask)
    scan.SetAndObserveTransformNodeID(None)
    transform.SetMatrixTransformToParent(as_vtk(shear))
    with pytest.raises(Failure, match="shears"):
        finish_now(write_scan(tmp_path, "CT_1", scan, node))


def test_a_scan_that_cannot_be_one_is_a_sentence_and_writes_nothing(host: SlicerHost, tmp_path: Path) -> None:
    photo = add_scan(host.scene, STRAIGHT, np.zeros((*STRAIGHT.shape, 3), np.uint8), "photo")
    with pytest.raises(Failure, match="3 values a voxel"):
        finish_now(write_scan(tmp_path, "photo", photo))
    assert list(tmp_path.iterdir()) == []


def test_it_goes_in_steps_that_can_be_given_up(host: SlicerHost, tmp_path: Path) -> None:
    grid = Grid((200, 200, 40), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), STRAIGHT.direction)
    scan = add_scan(host.scene, grid, np.zeros(grid.shape, np.int16))
    node = add_segmentation(scan, grid, {"Liver": np.ones(grid.shape, bool)})
    shares = list(write_scan(tmp_path, "a", scan, node))
    assert len(shares) > 20 and shares == sorted(shares) and shares[-1] == 1.0
    steps = write_scan(tmp_path, "b", scan, node)
    while not (tmp_path / "b.nrrd").exists():
        next(steps)
    next(steps)
    steps.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.nrrd", "a.seg.nrrd", "b.nrrd"]
