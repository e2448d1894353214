"""A program that drops scenes with what listened to them, released and not; a crash of Python would end it.

python forgotten.py FOLDER
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from host import environment, qt_host

environment.draw_without_display()
qt_host.install()

from PySide6 import QtCore, QtWidgets  # noqa: E402

from host.host_application import HostApplication  # noqa: E402
from host.slicer_host import SlicerHost  # noqa: E402
from PartialLabelSegLib.panel.desk import Desk  # noqa: E402
from PartialLabelSegLib.panel.parameter import PanelParameter, SceneEvents  # noqa: E402
from PartialLabelSegLib.panel.view import Panel  # noqa: E402


def settle() -> None:
    for _ in range(10):
        QtWidgets.QApplication.processEvents()
        QtWidgets.QApplication.sendPostedEvents(None, QtCore.QEvent.Type.DeferredDelete)
    gc.collect()


def a_parameter(application: HostApplication) -> Any:
    parameter = PanelParameter(application.scene, SceneEvents())
    parameter.observe()
    return parameter


def a_cleaned_panel(application: HostApplication) -> Any:
    panel = Panel(application)
    settle()
    panel.cleanup()
    return panel


MAKERS: dict[str, Callable[[HostApplication], Any]] = {
    "parameter": a_parameter,
    "desk": Desk,
    "panel": Panel,
    "cleaned panel": a_cleaned_panel,
}


def dropped_with_its_scene(folder: Path, make: Callable[[HostApplication], Any]) -> None:
    """The scene is closed and goes while nobody holds what was made any more."""
    host = SlicerHost()
    made = make(HostApplication(host, folder))
    settle()
    del made
    settle()
    host.close()
    del host
    settle()


def outlives_its_scene(folder: Path, make: Callable[[HostApplication], Any]) -> None:
    """The scene is closed before what was made goes."""
    host = SlicerHost()
    made = make(HostApplication(host, folder))
    settle()
    host.close()
    del host
    settle()
    del made
    settle()


def works(folder: Path) -> bool:
    """Whether a new panel shows a new scene."""
    host = SlicerHost()
    panel = Panel(HostApplication(host, folder))
    host.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT")
    settle()
    shown = bool(panel.bar.widget.isVisibleTo(panel.widget))
    panel.cleanup()
    settle()
    host.close()
    return shown


def main(folder: Path) -> None:
    application = QtWidgets.QApplication(["forgotten"])
    for name, make in MAKERS.items():
        for drop in (dropped_with_its_scene, outlives_its_scene):
            drop(folder, make)
            assert works(folder)
            print(f"{name}: {drop.__name__}", flush=True)
    application.processEvents()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
