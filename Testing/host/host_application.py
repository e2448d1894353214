"""The seam's other side in tests and in the desktop window: questions are answered from what was prepared, views are the window's."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets

from host.selector import Selector
from host.slicer_host import SlicerHost
from host.window import Window
from PartialLabelSegLib.panel.application import Application
from PartialLabelSegLib.panel.sample_data import load_sample


class HostApplication(Application):
    """Prepared answers in, what was said and asked out.

    `answers` are taken in order by `ask` (True or False) and by `choose_folder` and `choose_file` (a path or None); a question without
    a prepared answer is the test's mistake. With `interactive` real dialogs ask instead.
    """

    def __init__(
        self, host: SlicerHost, documents: Path, window: Window | None = None, interactive: bool = False
    ) -> None:
        super().__init__(host.scene)
        self.host = host
        self.window = window
        self.interactive = interactive
        self.answers: deque[Any] = deque()
        self.asked: list[str] = []
        self.status: list[str] = []
        self.edited: list[tuple[Any, str, Any]] = []
        self.exported: list[tuple[Any, Any]] = []
        self.opened: list[Path] = []
        self.shown_3d: list[bool] = []
        self.samples: dict[str, Callable[[], list[Any]]] = {}
        self.dicom_complaint = "This scan did not come from DICOM."
        self._documents = documents
        self._settings: dict[str, str] = {}

    def python_executable(self) -> str:
        return sys.executable

    def startup_environment(self) -> dict[str, str]:
        return dict(os.environ)

    def documents_folder(self) -> Path:
        return self._documents

    def setting(self, name: str, default: str) -> str:
        return self._settings.get(name, default)

    def set_setting(self, name: str, value: str) -> None:
        self._settings[name] = value

    def open_document(self, path: Path) -> None:
        self.opened.append(Path(path))
        if self.interactive:
            QtGui.QDesktopServices.openUrl(QtCore.QUrl.fromLocalFile(str(path)))

    def sample_data(self, name: str) -> list[Any]:
        return self.samples[name]() if name in self.samples else load_sample(self, name)

    def _answer(self, question: str) -> Any:
        self.asked.append(question)
        assert self.answers, f"no answer was prepared for: {question}"
        return self.answers.popleft()

    def ask(self, title: str, text: str, yes: str, no: str) -> bool:
        if not self.interactive:
            return bool(self._answer(f"{title}: {text} [{yes}] [{no}]"))
        box = QtWidgets.QMessageBox(self.main_window())
        box.setWindowTitle(title)
        box.setText(text)
        agreed = box.addButton(yes, QtWidgets.QMessageBox.ButtonRole.AcceptRole)
        box.addButton(no, QtWidgets.QMessageBox.ButtonRole.RejectRole)
        box.exec()
        return box.clickedButton() is agreed

    def choose_folder(self, title: str) -> Path | None:
        if not self.interactive:
            return _path(self._answer(title))
        return _path(QtWidgets.QFileDialog.getExistingDirectory(self.main_window(), title, str(self._documents)))

    def choose_file(self, title: str, pattern: str) -> Path | None:
        if not self.interactive:
            return _path(self._answer(title))
        chosen, _ = QtWidgets.QFileDialog.getOpenFileName(self.main_window(), title, str(self._documents), pattern)
        return _path(chosen)

    def say_status(self, text: str) -> None:
        self.status.append(text)
        if self.window is not None:
            self.window.widget.statusBar().showMessage(text)

    def main_window(self) -> Any:
        return self.window.widget if self.window is not None else None

    def node_selector(self, class_names: tuple[str, ...], title: str, changed: Callable[[Any], None]) -> Selector:
        selector = Selector(self.scene, class_names, changed)
        selector.widget.setToolTip(title)
        return selector

    def open_segment_editor(self, segmentation: Any, segment_id: str, volume: Any) -> bool:
        self.edited.append((segmentation, segment_id, volume))
        if self.interactive:
            self.say_status("This window has no Segment Editor: in Slicer it opens here.")
        return not self.interactive

    def export_dicom(self, segmentation: Any, volume: Any) -> str:
        if volume is None or not volume.GetAttribute("DICOM.instanceUIDs"):
            return self.dicom_complaint
        self.exported.append((segmentation, volume))
        return ""

    def slice_logics(self) -> list[Any]:
        return list(self.host.slice_logics.values())

    def slice_interactors(self) -> dict[str, Any]:
        return self.window.interactors() if self.window is not None else {}

    def redraw_slices(self, names: list[str]) -> None:
        if self.window is not None:
            for name in names:
                self.window.labels[name].ask()

    def fit_slices(self) -> None:
        if self.window is not None:
            self.window.fit_slices()
            return
        for logic in self.host.slice_logics.values():
            logic.FitSliceToBackground()

    def show_3d(self, shown: bool) -> None:
        self.shown_3d.append(shown)
        if shown and self.window is not None:
            self.window.fit_3d()


def _path(chosen: object) -> Path | None:
    return Path(str(chosen)) if chosen else None
