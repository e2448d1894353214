"""One line under the table: 'Leber' counts as […]. For a segment of one scan, or for a structure in all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import qt

from ..qt_subset import Quiet, button, column, get, paragraph, row

LEFT_OUT = "(leave it out)"


class RenameBar:
    """Hidden until `ask()`. `chosen` gets the structure that was picked or typed, '' for leaving it out."""

    def __init__(self) -> None:
        self._chosen: Callable[[str], None] | None = None
        self.question = paragraph("", "rename_question")
        self.box = qt.QComboBox()
        self.box.setObjectName("rename_box")
        self.box.setEditable(True)
        self.box.setInsertPolicy(qt.QComboBox.NoInsert)
        self.box.setToolTip("Choose one of the structures, or type a new name.")
        self.box.setSizeAdjustPolicy(qt.QComboBox.AdjustToMinimumContentsLengthWithIcon)
        self.box.setMinimumContentsLength(6)
        self.box.setSizePolicy(qt.QSizePolicy.Expanding, qt.QSizePolicy.Fixed)
        self.box.lineEdit().setObjectName("rename_edit")
        self.box.lineEdit().returnPressed.connect(self._apply)
        self.apply = button("Apply", "rename_apply", "Count it as this structure from now on.", self._apply)
        self.cancel = button("Cancel", "rename_cancel", "Change nothing.", self.close)
        buttons = row(self.box, self.apply, self.cancel)
        self.widget = column(self.question, buttons)
        self.widget.setVisible(False)

    def ask(self, question: str, structures: Sequence[str], now: str, chosen: Callable[[str], None]) -> None:
        """Opens the line with `now` preselected."""
        self._chosen = chosen
        self.question.setText(question)
        with Quiet(self.box):
            self.box.clear()
            self.box.addItems([*structures, LEFT_OUT])
            self.box.setEditText(now or LEFT_OUT)
        self.widget.setVisible(True)
        self.box.setFocus()
        self.box.lineEdit().selectAll()

    def close(self) -> None:
        self._chosen = None
        self.widget.setVisible(False)

    def _apply(self) -> None:
        name, chosen = str(get(self.box, "currentText")).strip(), self._chosen
        if name and chosen is not None:
            self.close()
            chosen("" if name == LEFT_OUT else name)
