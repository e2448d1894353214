"""What the panel says, in a line of its own above the step: instead of a pop-up, until it is closed or something else is said."""

from __future__ import annotations

from collections.abc import Callable

import qt

from ..qt_subset import get, label, paragraph
from .fitting import set_text

_SIGNS = {"note": "·", "warning": "!", "error": "✕"}
_WORDS = {"note": "Note", "warning": "Please look", "error": "Something went wrong"}


class MessageArea:
    """`closed()` is called when the user has read it."""

    def __init__(self, closed: Callable[[], object]) -> None:
        self.sign = label("", "message_sign")
        bold = get(self.sign, "font")
        bold.setBold(True)
        self.sign.setFont(bold)
        self.text = paragraph("", "message_text")
        self.close = qt.QToolButton()
        self.close.setObjectName("message_close")
        self.close.setText("×")
        self.close.setAutoRaise(True)
        self.close.setToolTip("I have read this.")
        self.close.clicked.connect(lambda checked=False: closed())
        self.widget = qt.QFrame()
        self.widget.setObjectName("message_area")
        self.widget.setFrameShape(qt.QFrame.StyledPanel)
        grid = qt.QGridLayout(self.widget)
        grid.setContentsMargins(6, 4, 2, 4)
        grid.addWidget(self.sign, 0, 0, qt.Qt.AlignTop)
        grid.addWidget(self.text, 0, 1)
        grid.addWidget(self.close, 0, 2, qt.Qt.AlignTop)
        grid.setColumnStretch(1, 1)
        self.widget.setVisible(False)

    def show(self, text: str, severity: str) -> None:
        """Shows a sentence; nothing at all where it is empty."""
        self.widget.setVisible(bool(text))
        self.sign.setText(_SIGNS[severity])
        self.sign.setToolTip(_WORDS[severity])
        set_text(self.text, text)
