"""Errors that Qt and VTK only print: collected here, so that a test can fail of them."""

from __future__ import annotations

import re
import sys
import traceback
from types import TracebackType
from typing import Any

import vtk
from PySide6 import QtCore

# Qt's complaints about how it is used begin with a class; those about the machine's fonts and folders are nobody's mistake.
MISUSE = re.compile(r"^(?!QStandardPaths|QFont|QXcb|QEgl)Q[A-Z]\w+(::|:| )")


class Watch:
    """Between `start()` and `stop()`: exceptions in slots and observers, and complaints of Qt and errors of VTK, as texts in `seen`."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self._output = vtk.vtkStringOutputWindow()

    def start(self) -> None:
        """From now on."""
        self._before = (sys.excepthook, sys.unraisablehook, vtk.vtkOutputWindow.GetInstance())
        sys.excepthook = self._on_exception
        sys.unraisablehook = self._on_unraisable
        vtk.vtkOutputWindow.SetInstance(self._output)
        self._qt_handler = QtCore.qInstallMessageHandler(self._on_message)

    def stop(self) -> list[str]:
        """Ends the watch and returns what was seen."""
        sys.excepthook, sys.unraisablehook, output = self._before
        vtk.vtkOutputWindow.SetInstance(output)
        QtCore.qInstallMessageHandler(self._qt_handler)
        self.seen += self.errors_of_vtk()
        return self.seen

    def forgive(self) -> None:
        """What was seen so far was expected."""
        self.seen.clear()
        self._output = vtk.vtkStringOutputWindow()
        vtk.vtkOutputWindow.SetInstance(self._output)

    def errors_of_vtk(self) -> list[str]:
        """Those since `start()`, without VTK's warnings."""
        return [part for part in (self._output.GetOutput() or "").split("\n\n") if "ERROR:" in part]

    def _on_exception(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        self.seen.append("".join(traceback.format_exception(kind, error, trace)))

    def _on_unraisable(self, raised: Any) -> None:
        self.seen.append("".join(traceback.format_exception(raised.exc_type, raised.exc_value, raised.exc_traceback)))

    def _on_message(self, kind: QtCore.QtMsgType, context: Any, message: str) -> None:
        if kind != QtCore.QtMsgType.QtDebugMsg and MISUSE.match(message):
            self.seen.append(f"Qt: {message}")
