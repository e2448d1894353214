"""Volume nodes as scans, and images in memory."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from data.small_scans import OBLIQUE, STRAIGHT, grey_values
from host.slicer_host import SlicerHost
from panel.scene_nodes import add_scan
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.panel import geometry, our_nodes, volumes
from PartialLabelSegLib.run.failure import Failure


@pytest.mark.parametrize("kind", [np.int16, np.uint8, np.uint16, np.float32, np.float64, np.int32])
def test_a_scan_of_the_scene_is_the_image_that_its_file_would_be(host: SlicerHost, kind: type) -> None:
    array = (np.abs(grey_values(OBLIQUE)) % 200).astype(kind)
    image = volumes.image_of(add_scan(host.scene, OBLIQUE, array))
    assert Grid.from_image(image).same_as(OBLIQUE)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), array)
    assert sitk.GetArrayFromImage(image).dtype == (np.float32 if kind is np.float64 else kind)


def test_a_colour_image_or_a_series_is_a_sentence(host: SlicerHost) -> None:
    scan = add_scan(host.scene, STRAIGHT, np.zeros((*STRAIGHT.shape, 3), np.uint8), "photo")
    with pytest.raises(Failure, match="'photo': it holds 3 values a voxel"):
        volumes.array_of(scan)
    with pytest.raises(Failure, match="it has no voxels"):
        volumes.image_of(host.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "empty"))


def test_the_voxels_are_the_nodes_own_memory(host: SlicerHost) -> None:
    scan = add_scan(host.scene, STRAIGHT, grey_values(STRAIGHT))
    volumes.array_of(scan)[1, 2, 3] = 77
    assert scan.GetImageData().GetScalarComponentAsDouble(3, 2, 1, 0) == 77


def test_an_image_of_a_box_lies_where_the_box_does() -> None:
    image = volumes.new_image((2, 3, 4), np.uint16, (5, 6, 7))
    assert image.GetExtent() == (7, 10, 6, 8, 5, 6)
    volumes.image_array(image)[:] = np.arange(24).reshape(2, 3, 4)
    assert image.GetScalarComponentAsDouble(10, 8, 6, 0) == 23
    assert volumes.image_array(volumes.new_image((0, 0, 0), np.uint8)).size == 0


def test_a_volume_is_put_where_a_box_of_a_grid_lies(host: SlicerHost) -> None:
    scan = add_scan(host.scene, OBLIQUE, grey_values(OBLIQUE))
    node = our_nodes.new_volume("box", "test", scan)
    volumes.place(node, OBLIQUE, (1, 2, 3))
    expected = geometry.ijk_to_ras(OBLIQUE) @ [3, 2, 1, 1]
    np.testing.assert_allclose(geometry.ijk_to_ras_of(node) @ [0, 0, 0, 1], expected, atol=1e-9)


def test_nodes_of_ours_are_in_no_list_and_not_saved(host: SlicerHost) -> None:
    scan = add_scan(host.scene, OBLIQUE, grey_values(OBLIQUE))
    for node in (our_nodes.new_volume("a", "test", scan), our_nodes.hidden_segmentation(scan, "b", "test")):
        assert our_nodes.is_ours(node) and not our_nodes.is_ours(scan)
        assert node.GetHideFromEditors() and not node.GetSaveWithScene()
        before = host.scene.GetNumberOfNodes()
        our_nodes.remove_node(node)
        our_nodes.remove_node(node)
        assert host.scene.GetNumberOfNodes() < before
    our_nodes.remove_node(None)
