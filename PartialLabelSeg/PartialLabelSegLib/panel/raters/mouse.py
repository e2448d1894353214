"""The left mouse button in slice views: what the panel takes for itself goes no further; everything else is left to the view."""

from __future__ import annotations

from typing import Any, Protocol

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
        self._interactor, self._view, self._hands = interactor, view, hands
        self._taken = False
        self._tags = {
            event: interactor.AddObserver(event, self._told, PRIORITY)
            for event in (
                "LeftButtonPressEvent",
                "MouseMoveEvent",
                "LeftButtonReleaseEvent",
                "LeftButtonDoubleClickEvent",
            )
        }

    def _told(self, interactor: Any, event: str) -> None:
        x, y = interactor.GetEventPosition()
        if event == "LeftButtonDoubleClickEvent" and self._taken:
            # The press that belongs to it was told already.
            self._keep(event)
        elif event in ("LeftButtonPressEvent", "LeftButtonDoubleClickEvent"):
            plain = not interactor.GetControlKey() and not interactor.GetShiftKey()
            self._taken = plain and self._hands.pressed(self._view, int(x), int(y))
            if self._taken:
                self._keep(event)
        elif self._taken and event == "MouseMoveEvent":
            self._keep(event)
            self._hands.moved(self._view, int(x), int(y))
        elif self._taken:
            self._taken = False
            self._keep(event)
            self._hands.released(self._view)

    def _keep(self, event: str) -> None:
        """The event is ours: nobody after us hears of it."""
        command = self._interactor.GetCommand(self._tags[event])
        if command is not None:
            command.SetAbortFlag(1)

    def release(self) -> None:
        for tag in self._tags.values():
            self._interactor.RemoveObserver(tag)
        self._tags = {}
