"""Keys at work in a window: made when a step is entered, gone without a trace when it is left."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt

Slot = Callable[[], object]


class WindowKeys:
    """`install` as many as are wanted, then `remove` them all."""

    def __init__(self) -> None:
        self._installed: list[tuple[Any, Slot]] = []

    def __bool__(self) -> bool:
        return bool(self._installed)

    def install(self, window: Any, name: str, key: str, slot: Slot, repeats: bool = True) -> None:
        """key: as Qt writes it. repeats: whether holding it down calls the slot again and again."""
        made = qt.QShortcut(qt.QKeySequence(key), window)
        made.setObjectName(name)
        made.setAutoRepeat(repeats)
        made.activated.connect(slot)
        self._installed.append((made, slot))

    def remove(self) -> None:
        for made, slot in self._installed:
            made.activated.disconnect(slot)
            made.setEnabled(False)
            made.setParent(None)
            made.deleteLater()
        self._installed = []
