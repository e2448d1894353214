"""Opens the module in a process of its own and prints how long that took, as JSON.

    python -m benchmarks.panel_open FOLDER

Before the clock starts there is what Slicer has loaded and built long before: slicer, vtk, Qt, numpy, the scene with its logics, the window.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

from host import environment, qt_host

environment.draw_without_display()
qt_host.install()

import numpy  # noqa: E402, F401
import slicer  # noqa: E402
import slicer.util  # noqa: E402, F401
import vtk  # noqa: E402
import vtk.util.numpy_support  # noqa: E402, F401
from PySide6 import QtWidgets  # noqa: E402

from host.slicer_host import SlicerHost  # noqa: E402
from host.window import Window  # noqa: E402


def main() -> int:
    application = QtWidgets.QApplication(["benchmark"])
    host = SlicerHost()
    window = Window(host)
    window.show()
    application.processEvents()
    ours = [name for name in sys.modules if name.startswith("PartialLabelSegLib")]
    assert not ours, ours
    before = set(sys.modules)
    begun = time.perf_counter()
    from host.host_application import HostApplication
    from PartialLabelSegLib.panel.view import Panel

    imported = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        panel = Panel(HostApplication(host, Path(folder), window))
        built = time.perf_counter()
        window.set_panel(panel.widget)
        panel.enter()
        panel.widget.grab()
        drawn = time.perf_counter()
        application.processEvents()
        new = {name.partition(".")[0] for name in set(sys.modules) - before}
        found = {
            "import_seconds": imported - begun,
            "build_seconds": built - imported,
            "draw_seconds": drawn - built,
            "packages": sorted(
                name for name in new if name not in sys.stdlib_module_names and not name.startswith("_")
            ),
            "torch": "torch" in sys.modules,
        }
        panel.cleanup()
        window.close()
        application.processEvents()
        host.close()
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
