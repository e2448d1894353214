"""PyTorch, where it is missing, broken or too old: what is wrong, the ways to install it, and what the installer says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import qt

from .. import words
from ..qt_subset import button, get, paragraph
from ..view_models import TorchView
from .fitting import set_text

OUTPUT_LINES = 9
BAR = 1000
INSTALLING = "Installing PyTorch. This takes some minutes; Slicer can be used meanwhile."
EXTENSION, WHEELS = "extension", "wheels"
"""The ways to install: Slicer's PyTorch extension, or a folder with the downloaded files."""


@dataclass(frozen=True)
class TorchCalls:
    """What the part tells: install in one of the two ways, stop it, look again."""

    install: Callable[[str], object]
    cancel: Callable[[], object]
    check: Callable[[], object]


class TorchBox:
    """Shown only while there is something to say."""

    def __init__(self, calls: TorchCalls) -> None:
        self._output = ""
        self.text = paragraph("", "torch_text")
        self.detail = paragraph("", "torch_detail")
        self.install = button(
            "Install…",
            "torch_install",
            "Asks first, then lets Slicer's PyTorch extension install it. Needs the internet and 1 to 6 GB.",
            lambda: calls.install(EXTENSION),
        )
        self.wheels = button(
            "From a folder of wheels…",
            "torch_wheels",
            "For a computer without internet: choose a folder with the downloaded PyTorch files (.whl).",
            lambda: calls.install(WHEELS),
        )
        self.check = button("Look again", "torch_check", "Look again whether PyTorch is there and starts.", calls.check)
        self.cancel = button(
            "Stop installing", "torch_cancel", "Stops the installer; you can start it again.", calls.cancel
        )
        self.bar = qt.QProgressBar()
        self.bar.setObjectName("torch_progress")
        self.bar.setToolTip("How far the download is.")
        self.output = qt.QPlainTextEdit()
        self.output.setObjectName("torch_output")
        self.output.setAccessibleName("What the installer says")
        self.output.setReadOnly(True)
        self.output.setFixedHeight(int(OUTPUT_LINES * self.output.fontMetrics().height()))
        self.output.setSizePolicy(qt.QSizePolicy.Ignored, qt.QSizePolicy.Fixed)
        self.widget = self._laid_out()

    def _laid_out(self) -> Any:
        widget = qt.QGroupBox("PyTorch")
        widget.setObjectName("torch_box")
        grid = qt.QGridLayout(widget)
        grid.addWidget(self.text, 0, 0, 1, 2)
        grid.addWidget(self.detail, 1, 0, 1, 2)
        grid.addWidget(self.install, 2, 0)
        grid.addWidget(self.wheels, 2, 1)
        grid.addWidget(self.check, 3, 0)
        grid.addWidget(self.cancel, 3, 1)
        grid.addWidget(self.bar, 4, 0, 1, 2)
        grid.addWidget(self.output, 5, 0, 1, 2)
        grid.setColumnStretch(1, 1)
        return widget

    def show(self, view: TorchView, busy: bool) -> None:
        """`busy`: learning is going on, so nothing is installed now."""
        self.widget.setVisible(view.state != "ready" or view.installing)
        set_text(self.text, INSTALLING if view.installing else words.TORCH[view.state].text)
        set_text(self.detail, view.doing if view.installing else view.detail)
        free = not view.installing and not busy
        self.check.setEnabled(free)
        for part in (self.install, self.wheels):
            part.setEnabled(free and view.state != "unknown")
        for part in (self.cancel, self.bar):
            part.setVisible(view.installing)
        # A bar without an end moves to and fro.
        self.bar.setRange(0, 0 if view.progress is None else BAR)
        self.bar.setValue(round(BAR * (view.progress or 0.0)))
        self.output.setVisible(bool(view.output) or view.installing)
        self._show_output(view.output)

    def _show_output(self, text: str) -> None:
        """Adds what is new, and stays at the end unless the user has scrolled up."""
        if text == self._output:
            return
        bar = self.output.verticalScrollBar()
        at_end = get(bar, "value") >= get(bar, "maximum") - 2
        if self._output and text.startswith(self._output):
            cursor = qt.QTextCursor(self.output.document())
            cursor.movePosition(qt.QTextCursor.End)
            cursor.insertText(text[len(self._output) :])
        else:
            self.output.setPlainText(text)
        self._output = text
        if at_end:
            bar.setValue(get(bar, "maximum"))
