"""A function called again and again by Qt's timer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt


class Ticker:
    """Calls `function()` every so many milliseconds between `start` and `stop`. Both may be called inside `function`."""

    def __init__(self, function: Callable[[], object]) -> None:
        self._function = function
        self._timer: Any = None
        self._connected = False
        # PythonQt takes back only the very object that was connected, and keeps it alive until then.
        self._slot = self._tick

    def start(self, milliseconds: int) -> None:
        """Starts, or goes on at another pace."""
        if self._timer is None:
            self._timer = qt.QTimer()
        if not self._connected:
            self._timer.timeout.connect(self._slot)
            self._connected = True
        self._timer.start(int(milliseconds))

    def stop(self) -> None:
        if self._connected:
            self._timer.stop()
            self._timer.timeout.disconnect(self._slot)
            self._connected = False

    def _tick(self) -> None:
        self._function()
