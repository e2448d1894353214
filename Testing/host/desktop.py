"""`python3 Testing panel`: the panel in a desktop window with four views, on a machine without Slicer."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from host.environment import draw_without_display, has_display

# What Qt needs to open a window under X, on a machine that has no desktop of its own.
XCB_PACKAGES = "libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-randr0 libxcb-render-util0 libxcb-shape0 libxcb-xkb1 libxkbcommon-x11-0"
SETTLE_MS = 1500


def main(arguments: list[str]) -> int:
    """The exit status. The window stays until it is closed, or with --screenshot until its picture is taken."""
    options = _options(arguments)
    if options.screenshot or options.pictures:
        draw_without_display()
    elif complaint := why_no_window():
        print(complaint)
        return 2
    from host import qt_host

    qt_host.install()
    from PySide6 import QtWidgets

    application = QtWidgets.QApplication.instance() or QtWidgets.QApplication(["Partial Label Segmentation"])
    return _show(application, options)


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python3 Testing panel", description=__doc__)
    parser.add_argument("--scans", type=Path, metavar="FOLDER", help="scans to open at the start")
    parser.add_argument("--screenshot", type=Path, metavar="FILE", help="save a picture (png) of the window and quit")
    parser.add_argument(
        "--pictures",
        type=Path,
        metavar="FOLDER",
        help="go through the README's tutorial, save a picture (png) of each step and quit; takes as long as learning does",
    )
    parser.add_argument("--steps", type=int, metavar="N", help="with --pictures: learn only so many steps")
    parser.add_argument(
        "--work", type=Path, metavar="FOLDER", help="where new work folders are offered (default: home)"
    )
    return parser.parse_args(arguments)


def why_no_window() -> str:
    """Why no window can be opened here, as a sentence; empty when one can."""
    if not has_display():
        return "This machine has no display. --screenshot FILE saves a picture of the window instead."
    # In a process of its own: Qt ends the one in which it fails.
    script = "from PySide6 import QtWidgets; QtWidgets.QApplication([])"
    tried = subprocess.run([sys.executable, "-c", script], capture_output=True, encoding="utf-8", check=False)
    if tried.returncode == 0:
        return ""
    return f"Qt cannot open a window on this display. On Debian and Ubuntu: apt-get install {XCB_PACKAGES}"


def _show(application: Any, options: argparse.Namespace) -> int:
    if not options.pictures:
        return _in_window(application, options, options.work or Path.home())
    with tempfile.TemporaryDirectory() as folder:
        return _in_window(application, options, options.work or Path(folder))


def _in_window(application: Any, options: argparse.Namespace, documents: Path) -> int:
    from host.host_application import HostApplication
    from host.slicer_host import SlicerHost
    from host.window import Window
    from PartialLabelSegLib.panel.view import Panel

    host = SlicerHost()
    window = Window(host)
    seam = HostApplication(host, documents, window, interactive=not (options.screenshot or options.pictures))
    panel = Panel(seam)
    window.set_panel(panel.widget)
    window.show()
    panel.enter()
    if options.scans:
        panel.open_folder(options.scans)
    if options.pictures:
        status = _go_through(panel, seam, window, options)
    else:
        status = _take_picture(application, window, options.screenshot) if options.screenshot else application.exec()
    panel.cleanup()
    window.close()
    application.processEvents()
    host.close()
    return status


def _go_through(panel: Any, seam: Any, window: Any, options: argparse.Namespace) -> int:
    from host.tutorial import Tutorial

    tutorial = Tutorial(panel, seam, window, options.pictures)
    if options.steps:
        tutorial.shorten(options.steps)
    try:
        tutorial.go_through()
    except AssertionError as complaint:
        print(complaint)
        return 1
    return 0


def _take_picture(application: Any, window: Any, path: Path) -> int:
    from PySide6 import QtCore

    QtCore.QTimer.singleShot(SETTLE_MS, application.quit)
    application.exec()
    path.parent.mkdir(parents=True, exist_ok=True)
    if not window.grab().save(str(path)):
        print(f"The picture cannot be written to {path}.")
        return 1
    return 0
