"""Completed segmentations as nodes: a file of the worker in the place of the one before, and no damaged file reaches Slicer's reader."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from host.slicer_host import SlicerHost
from panel.viewing import GRID, truth
from PartialLabelSegLib.data.seg_nrrd import Segment, write_seg_nrrd
from PartialLabelSegLib.panel.application import nodes_of_class
from PartialLabelSegLib.panel.completed_nodes import load_completed
from PartialLabelSegLib.panel.masks import mask_in
from PartialLabelSegLib.panel.our_nodes import OURS, remove_node
from PartialLabelSegLib.panel.own_segments import SCAN
from PartialLabelSegLib.run.failure import Failure

SEGMENTATION, DISPLAY = "vtkMRMLSegmentationNode", "vtkMRMLSegmentationDisplayNode"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "completed" / "case_1.seg.nrrd"
    path.parent.mkdir()
    write_seg_nrrd(path, [Segment("a", "Liver", (1.0, 0.0, 0.0), "", truth() == 1)], GRID)
    return path


def loaded(host: SlicerHost) -> tuple[int, int]:
    return len(nodes_of_class(host.scene, SEGMENTATION)), len(nodes_of_class(host.scene, DISPLAY))


def test_a_file_becomes_a_node_with_one_display_node_on_its_scan(host: SlicerHost, scan: Any, file: Path) -> None:
    node = load_completed(host.scene, file, "case 1", scan)
    assert (node.GetName(), node.GetAttribute(OURS), node.GetAttribute(SCAN)) == (
        "case 1 completed",
        "completed",
        "case 1",
    )
    assert node.GetScene() is host.scene and node.GetNumberOfDisplayNodes() == 1 and loaded(host) == (1, 1)
    found = mask_in(node, "a", scan)
    assert found is not None and np.count_nonzero(found[1]) == np.count_nonzero(truth() == 1)


def test_it_takes_the_place_of_the_one_before_of_this_scan_only(host: SlicerHost, scan: Any, file: Path) -> None:
    first = load_completed(host.scene, file, "case 1", scan)
    other = load_completed(host.scene, file, "case 2", scan)
    beside = load_completed(host.scene, file, "case 1", scan, "by a saved model")
    second = load_completed(host.scene, file, "case 1", scan)
    assert first.GetScene() is None and loaded(host) == (3, 3)
    assert {node.GetName() for node in nodes_of_class(host.scene, SEGMENTATION)} == {
        "case 2 completed",
        "case 1 by a saved model",
        "case 1 completed",
    }
    for node in (other, beside, second):
        remove_node(node)
    assert loaded(host) == (0, 0)


def test_one_of_a_scan_that_is_not_in_the_scene_has_a_display_node_too(host: SlicerHost, file: Path) -> None:
    node = load_completed(host.scene, file, "case 1")
    assert node.GetNumberOfDisplayNodes() == 1 and node.GetDisplayNode().GetScene() is host.scene


def cut(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def without_content(path: Path) -> None:
    path.write_bytes(path.read_bytes().split(b"\n\n")[0] + b"\n")


def no_segments(path: Path) -> None:
    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((3, 4, 5), np.uint8)), str(path))


@pytest.mark.parametrize(
    "damage",
    [
        cut,
        without_content,
        no_segments,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_text("hello", encoding="utf-8"),
        lambda path: path.write_text("NRRD0004\n", encoding="utf-8"),
    ],
)
def test_a_damaged_file_is_a_sentence_and_leaves_what_was_there(
    host: SlicerHost, scan: Any, file: Path, damage: Callable[[Path], object]
) -> None:
    load_completed(host.scene, file, "case 1", scan)
    damage(file)
    words = r"Case 'case 1': case_1\.seg\.nrrd in \S+/completed cannot be read\. Resume learning: it is written again\."
    with pytest.raises(Failure, match=words):
        load_completed(host.scene, file, "case 1", scan)
    assert loaded(host) == (1, 1)


def test_a_file_that_is_not_there_says_what_to_do(host: SlicerHost, tmp_path: Path) -> None:
    with pytest.raises(Failure, match="Learn to the end, then try again"):
        load_completed(host.scene, tmp_path / "case_1.seg.nrrd", "case 1")
    assert loaded(host) == (0, 0)
