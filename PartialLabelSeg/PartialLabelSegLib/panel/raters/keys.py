"""The keys of the raters' page: one table of key, action and words, and their life while the page is open.

They work wherever the mouse is, but not while text is typed; a widget that was reached with the Tab key keeps its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import qt

from ..shortcuts import is_typing
from ..window_keys import Slot, WindowKeys
from .rating import MOST_LEVELS


@dataclass(frozen=True)
class Key:
    """key: as Qt writes it. shown: as a person does."""

    key: str
    shown: str
    action: str
    words: str


GRADED = "With grades: give the cell this grade, and those that are ticked after it"
KEYS = (
    Key("Left", "← → ↑ ↓", "left", "Go to the cell beside"),
    Key("Right", "", "right", ""),
    Key("Up", "", "up", ""),
    Key("Down", "", "down", ""),
    Key("Space", "Space", "tick", "Tick the cell, or take its tick away"),
    *(
        Key(str(level), "1–9" if level == 1 else "", f"grade_{level}", GRADED if level == 1 else "")
        for level in range(1, MOST_LEVELS + 1)
    ),
    Key("0", "0", "grade_0", "With grades: take its tick away"),
    Key("PgDown", "Page Down", "next_slice", "Next slice"),
    Key("PgUp", "Page Up", "previous_slice", "Slice before"),
    Key("D", "D", "read", "Done: this slice is read (again: it is not)"),
    Key("U", "U", "unread", "Go to the next slice that is not read yet"),
    Key("Z", "Z", "undo", "Undo"),
    Key("Y", "Y", "redo", "Redo"),
)


def table() -> tuple[tuple[str, str], ...]:
    """The keys and what they do, for people."""
    return tuple((item.shown, item.words) for item in KEYS if item.shown)


class Keys:
    """The keys at work: made in a window by `enter`, gone after `exit`. slots: action -> what its key calls."""

    def __init__(self, slots: Mapping[str, Slot]) -> None:
        self._slots = dict(slots)
        self._keys = WindowKeys()

    def enter(self, window: Any) -> None:
        """Installs the keys in a window; entering twice installs them once."""
        for item in () if self._keys else KEYS:
            if item.action in self._slots:
                self._keys.install(window, f"raters_key_{item.action}", item.key, self._pressed(item))

    def _pressed(self, item: Key) -> Slot:
        def pressed() -> None:
            if not is_typing() and not _is_for_the_widget(item.key):
                self._slots[item.action]()

        return pressed

    def exit(self) -> None:
        """Removes every key from the window."""
        self._keys.remove()


def _is_for_the_widget(key: str) -> bool:
    """Gives a key to the widget that has the focus, where that widget would use it; whether it did."""
    focused = qt.QApplication.focusWidget()
    if key == "Space" and isinstance(focused, qt.QAbstractButton):
        focused.click()
        return True
    steps = {"Left": -1, "Down": 1, "Right": 1, "Up": -1}
    if key in steps and isinstance(focused, qt.QComboBox):
        place = focused.property("currentIndex") + steps[key]
        if 0 <= place < focused.property("count"):
            focused.setCurrentIndex(place)
        return True
    if key in steps and isinstance(focused, qt.QAbstractSlider):
        sign = steps[key] if key in ("Left", "Right") else -steps[key]
        focused.setValue(focused.property("value") + sign * focused.property("singleStep"))
        return True
    return False
