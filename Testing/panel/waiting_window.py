"""The whole panel in its window, over a small run that waits for decisions: no worker is at work."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from host.host_application import HostApplication
from host.window import Window
from panel.deciding import GRID, make_run
from panel.panel_window import PanelWindow
from panel.scene_nodes import add_scan, add_segmentation
from PartialLabelSegLib.panel.state import Scan


def waiting_window(
    application: HostApplication, window: Window, wait_until: Callable[..., None], folder: Path
) -> PanelWindow:
    """CT 1 and its tumour are in the scene; the run in `folder` has suggested something in every scan."""
    make_run(folder / "run")
    made = PanelWindow(application, window, wait_until)
    volume = add_scan(application.scene, GRID, np.zeros(GRID.shape, np.int16), "CT 1")
    tumour = np.zeros(GRID.shape, bool)
    tumour[0, 0, 0] = True
    drawn = add_segmentation(volume, GRID, {"Tumour": tumour}, "CT 1 drawn")
    scans = (Scan("CT 1", volume.GetID(), drawn.GetID(), found={"Tumour": "labelled"}), Scan("CT 2", source="set"))
    made.desk.change(folder=str(folder), scans=scans)
    made.until_read()
    return made
