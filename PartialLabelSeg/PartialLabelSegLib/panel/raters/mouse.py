"""The left mouse button in slice views: what the panel takes for itself goes no further; everything else is left to the view."""

from __future__ import annotations

from typing import Any, Protocol

from ..observers import Observers

PRESSED, MOVED, RELEASED = "LeftButtonPressEvent", "MouseMoveEvent", "LeftButtonReleaseEvent"
DOUBLE = "LeftButtonDoubleClickEvent"
PRIORITY = 10.0
"""Before the view's own interaction, which has 0."""


class Hands(Protocol):
    """What is done with the mouse; `view` is a slice view's name, x and y are pixels from its lower left."""

    def pressed(self, view: str, x: int, y: int) -> bool:
        """Whether the press is taken; then the moves and the release that follow are told, too."""

    def moved(self, view: str, x: int, y: int) -> None: ...
    def released(self, view: str) -> None: ...


class Mouse:
    """Listens to one view's interactor until `release()`. Presses with Control or Shift are the view's."""

    def __init__(self, interactor: Any, view: str, hands: Hands) -> None:
        self._view, self._hands = view, hands
        self._taken = False
        self._observers = Observers()
        for event in (PRESSED, MOVED, RELEASED, DOUBLE):
            self._observers.add_before(interactor, event, self._told, PRIORITY)

    def _told(self, interactor: Any, event: str) -> bool:
        """Whether the event is ours: then nobody after us hears of it."""
        x, y = (int(value) for value in interactor.GetEventPosition())
        if event == PRESSED or (event == DOUBLE and not self._taken):
            plain = not interactor.GetControlKey() and not interactor.GetShiftKey()
            self._taken = plain and self._hands.pressed(self._view, x, y)
            return self._taken
        # A double click while we have the button: the press that belongs to it was told already.
        taken = self._taken
        if taken and event == MOVED:
            self._hands.moved(self._view, x, y)
        elif taken and event == RELEASED:
            self._taken = False
            self._hands.released(self._view)
        return taken

    def release(self) -> None:
        self._observers.release()
