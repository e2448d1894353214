"""Views drawn one after the other, each in a turn of Qt's own, so that keys, clicks and other timers are seen in between.

As in Slicer each is drawn from a timer. Events that are posted (`singleShot(0, …)`) would all be dealt with in one turn, also those that come meanwhile.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from PySide6 import QtCore


class Turns:
    """Whoever asks first is first."""

    def __init__(self) -> None:
        self._waiting: deque[Callable[[], object]] = deque()
        self._timer = QtCore.QTimer()
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._turn)

    def ask(self, draw: Callable[[], object]) -> None:
        """Calls `draw()` when the events that are waiting have been dealt with, and the draws that were asked for before."""
        self._waiting.append(draw)
        if len(self._waiting) == 1:
            self._timer.start(0)

    def _turn(self) -> None:
        draw = self._waiting.popleft()
        try:
            draw()
        finally:
            # Afterwards: timers that became due meanwhile are first.
            if self._waiting:
                self._timer.start(0)
