"""Labels to check: where other scans speak against a label of this one, the most doubtful first; a click or Return goes there in all views."""

from __future__ import annotations

from collections.abc import Callable

from ..qt_subset import paragraph, section
from ..view_models_decide import DoubtRow, DoubtsView
from .fitting import millilitres, set_text
from .plain_table import Column, PlainTable, Row

COLUMNS = (
    Column("Structure", "Whose label is doubted"),
    Column("Question", "What to look at: the label may be wrong here, or something may not have been drawn"),
    Column("mL", "Volume of the place", number=True),
)
ROWS_IN_SIGHT = 5


class DoubtsBox:
    """`chosen(number)` is called when the user goes to a place. Hidden where the run has weighed no labels."""

    def __init__(self, chosen: Callable[[int], object]) -> None:
        self._chosen = chosen
        self._scan, self._at = "", 0
        self._view = DoubtsView()
        self._table = PlainTable("doubts", COLUMNS, self._stood_on)
        table = self._table.widget
        table.setToolTip("Click a place, or press Return on it, to see it in all views")
        table.setFixedHeight(26 + 22 * ROWS_IN_SIGHT)
        self._table.on_entered(self._go)
        self._note = paragraph("", "doubts_note")
        self.widget, inner = section("Labels to check", "look_doubts_list")
        inner.addWidget(table)
        inner.addWidget(self._note)

    def show(self, view: DoubtsView | None, scan: str) -> None:
        """Emits nothing."""
        self.widget.setVisible(view is not None)
        if view is None:
            return
        if scan != self._scan or view.rows != self._view.rows:
            self._scan, self._at = scan, 0
            self._table.widget.scrollToTop()
        self._view = view
        self._table.show([_row(row) for row in view.rows], self._at)
        self._table.widget.setVisible(bool(view.rows))
        self._say()

    def _stood_on(self, number: int) -> None:
        self._at = number
        self._say()

    def _say(self) -> None:
        """The chosen place in words, else what there is to say of all."""
        chosen = next((row for row in self._view.rows if row.number == self._at), None)
        set_text(self._note, f"{chosen.sentence}." if chosen is not None else self._view.note)

    def _go(self) -> None:
        if self._at:
            self._chosen(self._at)


def _row(row: DoubtRow) -> Row:
    return Row(row.number, (row.structure, row.question, millilitres(row.ml)), row.sentence)
