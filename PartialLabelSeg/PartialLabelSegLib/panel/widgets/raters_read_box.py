"""The part Read: whose turn it is, whether the shown slice is read, and what the keys do."""

from __future__ import annotations

from typing import Any, Protocol

import qt

from ..qt_subset import Quiet, button, column, get, label, paragraph, row, section
from ..raters.keys import table
from ..raters.rating import MOST_LEVELS
from ..raters.views import ReadBoxView
from ..view_models_decide import Choice
from .chooser import Chooser, named
from .fitting import percent, set_text

LEVELS = (
    Choice("1", "tick or not", "A cell has a lesion, or none."),
    *(
        Choice(str(count), f"{count} grades", f"Grade {count} counts as a whole tick, grade 1 as {percent(1 / count)}.")
        for count in range(2, MOST_LEVELS + 1)
    ),
)


class ReadBoxActions(Protocol):
    """What the user asks for here."""

    def choose_rater(self, name: str) -> None: ...
    def add_rater(self, text: str) -> bool: ...
    def remove_rater(self, name: str) -> None: ...
    def set_read(self, on: bool) -> None: ...
    def read_all(self, on: bool) -> None: ...
    def choose_level(self, level: int) -> None: ...
    def choose_levels(self, levels: int) -> None: ...


class ReadBox:
    """`others_shown(on)` and `next_unread()` belong to the page."""

    def __init__(self, actions: ReadBoxActions, others_shown: Any, next_unread: Any) -> None:
        self._actions = actions
        self._rater_name = ""
        self.rater = Chooser("raters_rater", "Who reads now. Ticks of the others are not shown.", actions.choose_rater)
        self.swatch = qt.QLabel()
        self.swatch.setObjectName("raters_swatch")
        self.swatch.setToolTip("The colour of this rater's cells")
        self.name = qt.QLineEdit()
        self.name.setObjectName("raters_name")
        self.name.setPlaceholderText("Name or initials")
        self.name.setToolTip("Somebody who reads this scan, too.")
        self.name.returnPressed.connect(self._add)
        self.add = button("Add", "raters_add", "Add this rater, who then reads.", self._add)
        self.remove = button(
            "Remove", "raters_remove", "Take this rater with all ticks out of this scan.", self._remove
        )
        self.read = qt.QCheckBox("This slice is read")
        self.read.setObjectName("raters_read")
        self.read.setToolTip(
            "A slice that is read and has no tick says: no lesion here. A slice that is not read says nothing. Key: D"
        )
        self.read.toggled.connect(lambda checked=False: actions.set_read(bool(checked)))
        self.unread = button(
            "Next unread",
            "raters_next_unread",
            "Go to the next slice with bone that is not read yet. Key: U",
            next_unread,
        )
        self.all_read = button(
            "All are read",
            "raters_all_read",
            "You have looked at every slice of this scan.",
            lambda: actions.read_all(True),
        )
        self.others = qt.QCheckBox("Show the other raters")
        self.others.setObjectName("raters_others")
        self.others.setToolTip("Off, every rater reads blind to the others. Frames in their colours.")
        self.others.toggled.connect(lambda checked=False: others_shown(bool(checked)))
        self.grades = GradeRow(actions)
        self.summary, self.why_not = paragraph("", "raters_read_summary"), paragraph("", "raters_why_not")
        chosen = row(self.swatch, self.rater.widget, self.remove)
        chosen.layout().setStretch(1, 1)
        adding = row(self.name, self.add)
        adding.layout().setStretch(0, 1)
        keys, inside = section("Keys", "raters_key_table", False)
        for shown, words in table():
            inside.addWidget(_key_line(shown, words))
        parts = (
            named("Cells", self.grades.widget),
            self.why_not,
            row(self.read, None, self.unread, self.all_read),
            self.summary,
            self.others,
            keys,
        )
        self.widget = column(named("Reads", chosen), named("Add", adding), *parts)
        self.widget.setObjectName("raters_read_box")

    def _add(self) -> None:
        if self._actions.add_rater(str(get(self.name, "text"))):
            self.name.setText("")
            self.name.clearFocus()

    def _remove(self) -> None:
        if self._rater_name:
            self._actions.remove_rater(self._rater_name)

    def show(self, view: ReadBoxView) -> None:
        """Draws a view model and emits nothing."""
        self._rater_name = view.rater
        self.rater.show(view.raters, view.rater)
        self.swatch.setPixmap(swatch(view.color))
        self.swatch.setVisible(bool(view.rater))
        self.remove.setEnabled(bool(view.rater))
        self.grades.show(view)
        with Quiet(self.read, self.others):
            self.read.setChecked(view.read)
            self.others.setChecked(view.others_shown)
        self.read.setEnabled(bool(view.rater) and not view.has_ticks_here)
        self.all_read.setEnabled(bool(view.rater) and view.unread_left)
        self.unread.setEnabled(view.unread_left)
        self.others.setEnabled(view.can_show_others)
        set_text(self.summary, view.summary)
        set_text(self.why_not, view.why_not)


class GradeRow:
    """How many grades a tick can have in this study, and which one it gets now."""

    def __init__(self, actions: ReadBoxActions) -> None:
        self.levels = Chooser(
            "raters_levels",
            "What a rater can say of a cell, in all scans of this study",
            lambda key: actions.choose_levels(int(key)),
        )
        self.level = Chooser(
            "raters_level",
            "The grade that a click or Space gives. Keys: 1 to 9",
            lambda key: actions.choose_level(int(key)),
        )
        self.widget = row(self.levels.widget, self.level.widget)
        for place in (0, 1):
            self.widget.layout().setStretch(place, 1)

    def show(self, view: ReadBoxView) -> None:
        self.levels.show(LEVELS, str(view.levels))
        self.level.show([_grade(level, view.levels) for level in range(1, view.levels + 1)], str(view.level))
        self.level.widget.setVisible(view.levels > 1)


def _grade(level: int, levels: int) -> Choice:
    return Choice(str(level), f"grade {level} of {levels}", f"Counts as {percent(level / levels)} of a tick.")


def swatch(color: tuple[float, float, float]) -> Any:
    """A small square of a colour."""
    picture = qt.QPixmap(14, 14)
    picture.fill(qt.QColor.fromRgbF(*(float(part) for part in color)))
    return picture


def _key_line(shown: str, words: str) -> Any:
    made = row(label(shown), paragraph(words))
    made.layout().itemAt(0).widget().setMinimumWidth(80)
    made.layout().setStretch(1, 1)
    return made
