"""A widget that tells when its width has changed, once everything in it has been laid out anew."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt

from ..qt_subset import get


class Resized(qt.QWidget):
    """`changed()` is called from the event loop: while a widget is being laid out, the widgets in it still have their old sizes."""

    def __init__(self, changed: Callable[[], None]) -> None:
        qt.QWidget.__init__(self)
        self._last_width = -1
        self._later = qt.QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(0)
        self._later.timeout.connect(changed)

    def resizeEvent(self, event: Any) -> None:
        width = int(get(self, "width"))
        if width != self._last_width:
            self._last_width = width
            self._later.start()
