"""Four readers of a lung nodule (LIDC), as label maps in the scene: the panel's label, disagreement and agreement are those of the data room."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from host.host_application import HostApplication
from host.window import Window
from panel.panel_window import PanelWindow
from panel.scene_nodes import add_scan, as_vtk, to_ras
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.raters.disagreement import disagreement, most_disagreed
from PartialLabelSegLib.data.raters.mask_file import read_masks
from PartialLabelSegLib.data.raters.rated import RatedScan
from PartialLabelSegLib.data.raters.staple import staple
from PartialLabelSegLib.data.raters.types import Reading
from PartialLabelSegLib.panel.qt_subset import open_section
from PartialLabelSegLib.panel.volumes import fill, image_array

NAME = "LIDC-IDRI-0001_nodule-0"


def add_label_map(scan: Any, grid: Grid, mask: np.ndarray, name: str) -> Any:
    node = scan.GetScene().AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", name)
    node.SetIJKToRASMatrix(as_vtk(to_ras(grid)))
    fill(node, mask.astype(np.uint8))
    return node


def test_four_real_readers_agree_in_the_panel_as_in_the_data_room(
    data_folder: Path, application: HostApplication, window: Window, wait_until: Callable[..., None]
) -> None:
    image = sitk.ReadImage(str(data_folder / "lidc" / f"{NAME}_image.nii.gz"))
    grid = Grid.from_image(image)
    masks, _ = read_masks(data_folder / "lidc" / f"{NAME}_readers.nii.gz", grid)
    scan = add_scan(application.scene, grid, sitk.GetArrayFromImage(image).astype(np.int16), NAME)
    scan.GetDisplayNode().SetAutoWindowLevel(False)
    scan.GetDisplayNode().SetWindowLevelMinMax(-1000, 300)
    nodes = [add_label_map(scan, grid, mask, name) for name, mask in masks.items()]
    opened = PanelWindow(application, window, wait_until)
    opened.click("raters_open")
    opened.click("raters_part_together")
    controller = opened.panel._raters
    for node in nodes:
        controller.together.mask_added(f"{node.GetID()}|", "")
    together = controller.room.together
    opened.until(lambda: not opened.desk.busy and not together.busy and together.prepared is not None)
    expected = RatedScan(tuple(Reading(NAME, name, None, (), mask) for name, mask in masks.items()), grid.shape)
    share = np.asarray(np.mean(list(masks.values()), axis=0, dtype=np.float32))
    assert together.places == most_disagreed(disagreement(share)) and len(together.places) >= 1
    controller.soft.choose(method="staple")
    opened.until(lambda: not together.busy)
    shown = image_array(together._overlay.node.GetImageData())
    np.testing.assert_array_equal(shown, np.rint(100 * staple(expected).label.plane))
    controller.together.compared()
    opened.until(lambda: controller.together.comparing.result is not None)
    assert controller.together.comparing.result is not None
    assert len(controller.together.comparing.result.pairs) == 6
    controller.together.place_shown(0)
    open_section(opened.find("raters_section_agreement"))
    window.resize(1500, 1250)
    opened.picture("raters_lidc")
    opened.close()
