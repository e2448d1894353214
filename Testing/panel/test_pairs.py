"""Which segmentation belongs to which scan of the scene."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from data.small_scans import OBLIQUE, STRAIGHT, blocks, grey_values
from host.slicer_host import SlicerHost
from panel.scene_nodes import add_scan, add_segmentation
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.panel.accepted import accepted_segments
from PartialLabelSegLib.panel.our_nodes import new_volume
from PartialLabelSegLib.panel.pairs import BY_NAME, BY_PLACE, BY_REFERENCE, guess_pairs, plain_name, unique_names

REFERENCE = "referenceImageGeometryRef"


def a_scan(host: SlicerHost, name: str, shift: float = 0.0) -> Any:
    grid = Grid(OBLIQUE.size, OBLIQUE.spacing, (OBLIQUE.origin[0] + shift, *OBLIQUE.origin[1:]), OBLIQUE.direction)
    return add_scan(host.scene, grid, grey_values(grid), name)


def a_drawing(scan: Any, name: str, refers: bool = False, shift: float = 0.0) -> Any:
    grid = Grid(OBLIQUE.size, OBLIQUE.spacing, (OBLIQUE.origin[0] + shift, *OBLIQUE.origin[1:]), OBLIQUE.direction)
    node = add_segmentation(scan, grid, blocks(grid, Liver=(0, 0, 0)), name)
    if not refers:
        node.SetNodeReferenceID(REFERENCE, None)
    return node


def named(host: SlicerHost) -> dict[str, tuple[str, str]]:
    """Scan -> its segmentation, and why."""
    found = guess_pairs(host.scene).pairs
    return {pair.name: (pair.segmentation.GetName() if pair.segmentation else "", pair.why) for pair in found}


def test_what_was_drawn_on_a_scan_belongs_to_it_whatever_its_name(host: SlicerHost) -> None:
    one, two = a_scan(host, "CT 1"), a_scan(host, "CT 2")
    a_drawing(two, "CT 1", refers=True)
    a_drawing(one, "Segmentation", refers=True)
    assert named(host) == {"CT 1": ("Segmentation", BY_REFERENCE), "CT 2": ("CT 1", BY_REFERENCE)}


def test_names_that_agree_apart_from_words_for_the_kind_belong_together(host: SlicerHost) -> None:
    for name in ("liver-01", "liver-02", "liver-10"):
        a_scan(host, f"{name} CT")
    for name in ("liver_10_seg", "Liver 02 Segmentation"):
        a_drawing(a_scan(host, "elsewhere", 500), name)
    host.scene.RemoveNode(host.scene.GetFirstNodeByName("elsewhere"))
    host.scene.RemoveNode(host.scene.GetFirstNodeByName("elsewhere"))
    assert named(host) == {
        "liver-01 CT": ("", ""),
        "liver-02 CT": ("Liver 02 Segmentation", BY_NAME),
        "liver-10 CT": ("liver_10_seg", BY_NAME),
    }


def test_what_lies_within_one_scan_only_belongs_to_it(host: SlicerHost) -> None:
    near, _ = a_scan(host, "near"), a_scan(host, "far", 500)
    a_drawing(near, "organs")
    a_drawing(near, "more organs", shift=500)
    assert named(host) == {"near": ("organs", BY_PLACE), "far": ("more organs", BY_PLACE)}


def test_what_could_belong_to_several_is_left_to_the_user(host: SlicerHost) -> None:
    one, _ = a_scan(host, "one"), a_scan(host, "two")
    drawing = a_drawing(one, "organs")
    found = guess_pairs(host.scene)
    assert [pair.segmentation for pair in found.pairs] == [None, None]
    assert [node.GetID() for node in found.left_over] == [drawing.GetID()]


def test_a_second_drawing_of_a_scan_is_left_over(host: SlicerHost) -> None:
    scan = a_scan(host, "CT")
    a_drawing(scan, "first", refers=True)
    second = a_drawing(scan, "second", refers=True)
    found = guess_pairs(host.scene)
    assert [pair.segmentation.GetName() for pair in found.pairs] == ["first"]
    assert [node.GetID() for node in found.left_over] == [second.GetID()]


def test_nodes_of_ours_hidden_ones_and_label_maps_are_no_scans(host: SlicerHost) -> None:
    scan = a_scan(host, "CT")
    accepted_segments(scan, "CT")
    new_volume("confidence", "confidence", scan)
    host.scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "labels")
    hidden = a_scan(host, "hidden")
    hidden.SetHideFromEditors(True)
    found = guess_pairs(host.scene)
    assert [pair.name for pair in found.pairs] == ["CT"] and found.left_over == ()


def test_scans_that_are_in_the_table_are_passed_over(host: SlicerHost) -> None:
    first = a_scan(host, "CT")
    drawing = a_drawing(first, "CT seg", refers=True)
    a_scan(host, "CT")
    found = guess_pairs(host.scene, taken=[first.GetID(), drawing.GetID()])
    assert [pair.name for pair in found.pairs] == ["CT"] and found.left_over == ()


def test_an_empty_scene_and_empty_nodes_do_no_harm(host: SlicerHost) -> None:
    assert guess_pairs(host.scene).pairs == ()
    host.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode").SetName("")
    host.scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "empty")
    add_scan(host.scene, STRAIGHT, np.zeros((*STRAIGHT.shape, 3), np.uint8), "photo")
    found = guess_pairs(host.scene)
    assert [pair.name for pair in found.pairs] == ["scan", "photo"]
    assert len(found.left_over) == 1


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("CT_liver-01-segmentation", "liver 01"),
        ("liver 01", "liver 01"),
        ("Patient7.seg", "patient7"),
        ("Segmentation", ""),
        ("T1 Ärztin", "ärztin"),
        ("", ""),
    ],
)
def test_words_for_the_kind_of_a_node_are_no_part_of_its_name(name: str, plain: str) -> None:
    assert plain_name(name) == plain


def test_each_scan_gets_a_name_of_its_own() -> None:
    assert unique_names(["CT", "CT", " ", "CT (2)", "new\nline"], ["other"]) == [
        "CT",
        "CT (2)",
        "scan",
        "CT (2) (2)",
        "new line",
    ]
    assert unique_names(["CT"], ["CT"]) == ["CT (2)"]
