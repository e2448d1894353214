"""Views drawn one after the other, each in a turn of Qt's own, so that keys and clicks are seen in between."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from PySide6 import QtCore


class Turns:
    """Whoever asks first is first."""

    def __init__(self) -> None:
        self._waiting: deque[Callable[[], object]] = deque()

    def ask(self, draw: Callable[[], object]) -> None:
        """Calls `draw()` when the events that are waiting have been dealt with, and the draws that were asked for before."""
        self._waiting.append(draw)
        if len(self._waiting) == 1:
            QtCore.QTimer.singleShot(0, self._turn)

    def _turn(self) -> None:
        draw = self._waiting.popleft()
        if self._waiting:
            QtCore.QTimer.singleShot(0, self._turn)
        draw()
