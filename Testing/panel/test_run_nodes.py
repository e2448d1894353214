"""Scans of a run's folder loaded into the scene: the same voxels in the same place, and what the expert drew of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.small_scans import OBLIQUE, grey_values
from host.slicer_host import SlicerHost
from panel.scene_nodes import mask_by_points
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.label_files import write_image, write_labels
from PartialLabelSegLib.data.labels import EXPERT, Labels, Marks
from PartialLabelSegLib.data.types import Structure
from PartialLabelSegLib.panel.geometry import grid_of
from PartialLabelSegLib.panel.pairs import scans_of, segmentations_of
from PartialLabelSegLib.panel.run_nodes import load_drawn, load_scan
from PartialLabelSegLib.panel.steps import finish_now
from PartialLabelSegLib.panel.volumes import array_of
from PartialLabelSegLib.run.failure import Failure

NAMES = ("Liver", "Spleen", "Aorta")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A case: a spleen that the expert drew, and a liver that was accepted in a round."""
    label = np.random.default_rng(0).integers(0, 3, OBLIQUE.shape).astype(np.uint8)
    origin = np.where(label == 1, 2, label > 0).astype(np.uint8)
    write_labels(tmp_path / "CT_1", Labels(NAMES, label, (False, True, False), origin), OBLIQUE)
    write_image(tmp_path / "CT_1" / "image.nrrd", OBLIQUE.image(grey_values(OBLIQUE)))
    return tmp_path / "CT_1"


@pytest.mark.parametrize("kind", [np.int16, np.float32, np.uint8])
def test_a_loaded_scan_is_the_file(host: SlicerHost, folder: Path, kind: type) -> None:
    array: np.ndarray = (grey_values(OBLIQUE) % 200).astype(kind)
    write_image(folder / "image.nrrd", OBLIQUE.image(array))
    scan = finish_now(load_scan(host.scene, folder / "image.nrrd", "CT 1"))
    np.testing.assert_array_equal(array_of(scan), array)
    assert grid_of(scan).same_as(OBLIQUE)
    assert scan.GetName() == "CT 1" and scan.GetDisplayNode() is not None
    display = scan.GetDisplayNode()
    assert display.GetWindowLevelMin() < display.GetWindowLevelMax()


def test_what_the_expert_drew_is_loaded_and_nothing_else(host: SlicerHost, folder: Path) -> None:
    scan = finish_now(load_scan(host.scene, folder / "image.nrrd", "CT 1"))
    colors = (Structure("Spleen", (0.1, 0.2, 0.3), "code^spleen"),)
    node: Any = finish_now(load_drawn(scan, folder, colors))
    segmentation = node.GetSegmentation()
    assert segmentation.GetNumberOfSegments() == 1
    segment = segmentation.GetNthSegment(0)
    assert (segment.GetName(), segment.GetColor()) == ("Spleen", (0.1, 0.2, 0.3))
    expected = np.random.default_rng(0).integers(0, 3, OBLIQUE.shape) == 2
    np.testing.assert_array_equal(mask_by_points(node, segmentation.GetNthSegmentID(0), OBLIQUE), expected)


def test_voxels_that_two_structures_share_are_in_both(host: SlicerHost, folder: Path) -> None:
    label = np.zeros(OBLIQUE.shape, np.uint8)
    label[1:3, 1:4, 1:4] = 1
    label[3, 2, 2] = 2
    shared = {"Spleen": Marks(np.flatnonzero(label == 1)[[0, 5]], np.array([EXPERT, 2], np.uint8))}
    origin = (label > 0).astype(np.uint8) * np.uint8(EXPERT)
    write_labels(folder, Labels(NAMES, label, (True, True, False), origin, {}, shared), OBLIQUE)
    scan = finish_now(load_scan(host.scene, folder / "image.nrrd", "CT 1"))
    node: Any = finish_now(load_drawn(scan, folder, ()))
    segmentation = node.GetSegmentation()
    found = {
        segmentation.GetNthSegment(place).GetName(): mask_by_points(node, segmentation.GetNthSegmentID(place), OBLIQUE)
        for place in range(segmentation.GetNumberOfSegments())
    }
    spleen = label == 2
    spleen.reshape(-1)[shared["Spleen"].indices[0]] = True
    assert list(found) == ["Liver", "Spleen"]
    np.testing.assert_array_equal(found["Liver"], label == 1)
    np.testing.assert_array_equal(found["Spleen"], spleen, err_msg="without the voxel that was only suggested")


def test_where_nothing_was_drawn_there_is_no_node(host: SlicerHost, folder: Path) -> None:
    write_labels(folder, Labels.expert(NAMES, np.zeros(OBLIQUE.shape, np.uint8), (False, True, False)), OBLIQUE)
    scan = finish_now(load_scan(host.scene, folder / "image.nrrd", "CT 1"))
    assert finish_now(load_drawn(scan, folder, ())) is None


def test_loaded_nodes_are_not_saved_again_and_not_taken_for_new_scans(host: SlicerHost, folder: Path) -> None:
    scan = finish_now(load_scan(host.scene, folder / "image.nrrd", "CT 1"))
    node = finish_now(load_drawn(scan, folder, ()))
    assert not scan.GetSaveWithScene() and not node.GetSaveWithScene()
    assert scans_of(host.scene) == [] and segmentations_of(host.scene) == []
    assert not scan.GetHideFromEditors()


def test_an_absent_or_damaged_scan_is_a_sentence(host: SlicerHost, tmp_path: Path) -> None:
    with pytest.raises(Failure, match="image.nrrd is missing"):
        finish_now(load_scan(host.scene, tmp_path / "image.nrrd", "CT 1"))
    (tmp_path / "image.nrrd").write_bytes(b"no volume")
    with pytest.raises(Failure, match="cannot be read as a scan"):
        finish_now(load_scan(host.scene, tmp_path / "image.nrrd", "CT 1"))
    big = Grid((90, 90, 40), OBLIQUE.spacing, OBLIQUE.origin, OBLIQUE.direction)
    write_image(tmp_path / "image.nrrd", big.image(grey_values(big)))
    whole = (tmp_path / "image.nrrd").read_bytes()
    (tmp_path / "image.nrrd").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(Failure, match="damaged"):
        finish_now(load_scan(host.scene, tmp_path / "image.nrrd", "CT 1"))
    assert scans_of(host.scene) == []
