"""The keys of the Decide step: one table of key, action, words and what the action teaches, and their life while the step is open.

Single keys, so that one hand decides while the other holds the mouse. Those of the slice views (arrows, B, F, G, R, T, V, brackets) are left
to them; Z and Y undo and redo as in the Segment Editor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import qt

from .window_keys import Slot, WindowKeys


@dataclass(frozen=True)
class Shortcut:
    """key: as Qt writes it. words: what it does. teaches: what the next round learns from it. repeats: goes on while the key is held."""

    key: str
    action: str
    words: str
    teaches: str = ""
    repeats: bool = False


SHORTCUTS = (
    Shortcut(
        "A",
        "accept",
        "Accept the most confident share, as set with the slider.",
        "These voxels are learned as the structure. The rest stays open and is suggested again.",
    ),
    Shortcut(
        "Shift+A",
        "accept_all",
        "Accept everything that is suggested, whatever the slider says.",
        "All of it is learned as the structure. What lies outside stays open: choose Complete if there is no more of it.",
    ),
    Shortcut(
        "C",
        "complete",
        "Complete: accept what is shown, and there is no more of this structure in the scan.",
        "This teaches most. The whole scan is learned: what is shown is the structure, everything else is not.",
    ),
    Shortcut(
        "W",
        "wrong",
        "Wrong: what is shown is not this structure.",
        "These voxels are learned as certainly not the structure. What else they are is left open.",
    ),
    Shortcut(
        "N",
        "not_now",
        "Not now: leave it open and go to the next.",
        "Nothing is learned from it. It is suggested again after the next round.",
    ),
    Shortcut(
        "E",
        "edit",
        "Edit: open the Segment Editor on this suggestion and correct it.",
        "Your drawing is learned as the structure instead of the suggestion. The rest of the scan stays open.",
    ),
    Shortcut(
        "Z", "undo", "Undo the last decision.", "The next round learns as if it had not been taken.", repeats=True
    ),
    Shortcut(
        "Y", "redo", "Redo the decision that was undone last.", "The next round learns from it again.", repeats=True
    ),
    Shortcut("J", "next", "Go to the next suggestion in the queue.", repeats=True),
    Shortcut("K", "previous", "Go back to the suggestion before.", repeats=True),
    Shortcut("+", "more", "Accept 1 % more.", repeats=True),
    Shortcut("-", "less", "Accept 1 % less.", repeats=True),
)
ACTIONS = tuple(item.action for item in SHORTCUTS)


def shortcut_for(action: str) -> Shortcut:
    """The line of the table. KeyError: no such action."""
    for item in SHORTCUTS:
        if item.action == action:
            return item
    raise KeyError(action)


def tip(action: str, why_not: str = "") -> str:
    """What a button's tooltip says: what it does, what it teaches, its key, and why it cannot be done now where that is so."""
    item = shortcut_for(action)
    taught = f"Next round: {item.teaches}" if item.teaches else ""
    refused = f"Not possible now: {why_not}" if why_not else ""
    return "\n".join(line for line in (item.words, taught, f"Key: {item.key}", refused) if line)


def is_typing() -> bool:
    """Whether the keyboard is in a field that takes text or numbers."""
    focused = qt.QApplication.focusWidget()
    fields = (qt.QLineEdit, qt.QAbstractSpinBox, qt.QTextEdit, qt.QPlainTextEdit)
    return focused is not None and isinstance(focused, fields)


class Shortcuts:
    """The keys at work: made in a window by `enter`, gone after `exit`. slots: action -> what its key calls."""

    def __init__(self, slots: Mapping[str, Slot]) -> None:
        unknown = set(slots) - set(ACTIONS)
        assert not unknown, f"no key for {sorted(unknown)}"
        self._slots = dict(slots)
        self._keys = WindowKeys()

    def enter(self, window: Any) -> None:
        """Installs the keys in a window; entering twice installs them once."""
        for item in () if self._keys else SHORTCUTS:
            if item.action in self._slots:
                self._keys.install(
                    window, f"shortcut_{item.action}", item.key, self._pressed(item.action), item.repeats
                )

    def _pressed(self, action: str) -> Slot:
        def pressed() -> None:
            if not is_typing():
                self._slots[action]()

        return pressed

    def exit(self) -> None:
        """Removes every key from the window."""
        self._keys.remove()
