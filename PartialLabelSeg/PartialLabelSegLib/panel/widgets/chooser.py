"""A box to choose one of several, that stays as narrow as the panel however long the names are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import qt

from ..qt_subset import Quiet, get
from ..view_models_decide import Choice


class Chooser:
    """`chosen(key)` is called when the user picks another line, not when `show` does."""

    def __init__(self, name: str, tip: str, chosen: Callable[[str], object]) -> None:
        self.widget = qt.QComboBox()
        self.widget.setObjectName(name)
        self._tip = tip
        self.widget.setSizeAdjustPolicy(qt.QComboBox.AdjustToMinimumContentsLengthWithIcon)
        self.widget.setMinimumContentsLength(6)
        self.widget.setMaxVisibleItems(20)
        self.widget.currentIndexChanged.connect(self._picked)
        self._chosen = chosen
        self._choices: tuple[Choice, ...] = ()

    def show(self, choices: Sequence[Choice], key: str) -> None:
        """Lists the choices and stands on that of `key` (on none where there is no such)."""
        with Quiet(self.widget):
            if tuple(choices) != self._choices:
                self._list(tuple(choices))
            self.widget.setCurrentIndex(self._place(key))
        self.widget.setEnabled(bool(self._choices))
        self._say_all()

    def current(self) -> Choice | None:
        """What it stands on."""
        place = get(self.widget, "currentIndex")
        return self._choices[place] if 0 <= place < len(self._choices) else None

    def step(self, by: int) -> bool:
        """Goes `by` lines on, as if the user had picked it; whether there is such a line."""
        there = self.can_step(by)
        if there:
            self.widget.setCurrentIndex(get(self.widget, "currentIndex") + by)
        return there

    def can_step(self, by: int) -> bool:
        return 0 <= get(self.widget, "currentIndex") + by < len(self._choices)

    def _list(self, choices: tuple[Choice, ...]) -> None:
        self._choices = choices
        self.widget.clear()
        for place, choice in enumerate(choices):
            self.widget.addItem(choice.words, choice.key)
            self.widget.setItemData(place, choice.tip or choice.words, qt.Qt.ToolTipRole)

    def _place(self, key: str) -> int:
        return next((place for place, choice in enumerate(self._choices) if choice.key == key), -1)

    def _picked(self, index: int = -1) -> None:
        current = self.current()
        self._say_all()
        if current is not None:
            self._chosen(current.key)

    def _say_all(self) -> None:
        """A name that is longer than the box can be read in the tooltip."""
        current = self.current()
        self.widget.setToolTip(f"{current.words}\n{self._tip}" if current else self._tip)


def named(text: str, box: Any, name: str = "") -> Any:
    """A box with its name before it; the box takes the room that is left."""
    whole = qt.QWidget()
    layout = qt.QHBoxLayout(whole)
    layout.setContentsMargins(0, 0, 0, 0)
    title = qt.QLabel(text)
    title.setObjectName(name)
    title.setBuddy(box)
    layout.addWidget(title)
    layout.addWidget(box, 1)
    return whole
