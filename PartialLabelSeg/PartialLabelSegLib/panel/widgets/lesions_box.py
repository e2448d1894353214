"""The single lesions of a scan, the surest first; a click or Return goes there in all views."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import words
from ..qt_subset import paragraph, section
from ..view_models_decide import LesionRow, LesionsView
from .chooser import Chooser, named
from .fitting import millilitres, percent, set_text
from .plain_table import Column, PlainTable, Row

if TYPE_CHECKING:
    from .finish_step import FinishActions

COLUMNS = (
    Column("Lesion", "The lesions of this scan, numbered from the surest on", number=True),
    Column("Structure", "What it is a lesion of"),
    Column("Score", "How sure it is that this is one: 100 % for what an expert drew", number=True),
    Column("mL", "Volume", number=True),
)
ROWS_IN_SIGHT = 6


class LesionsBox:
    """A section that is there only where lesions were listed."""

    def __init__(self, actions: FinishActions) -> None:
        self._actions = actions
        self._listed, self._at = ("", ""), 0
        self._scans = Chooser("lesions_scan", "The scan whose lesions are listed", actions.lesion_scan_chosen)
        self._structures = Chooser(
            "lesions_structure", "List the lesions of one structure only", actions.lesion_structure_chosen
        )
        self._of = named("Of", self._structures.widget)
        self._table = PlainTable("lesions", COLUMNS, self._stood_on)
        table = self._table.widget
        table.setToolTip("Click a lesion, or press Return on it, to see it in all views")
        table.setFixedHeight(26 + 22 * ROWS_IN_SIGHT)
        self._table.on_entered(self._go)
        self._note = paragraph("", "lesions_note")
        self.widget, inner = section("Single lesions", "finish_lesions")
        inner.addWidget(named("Scan", self._scans.widget))
        inner.addWidget(self._of)
        inner.addWidget(table)
        inner.addWidget(self._note)

    def show(self, view: LesionsView, busy: bool) -> None:
        """busy: something else goes on, so nothing is begun here."""
        self.widget.setVisible(bool(view.scans))
        self._scans.show(view.scans, view.scan)
        self._structures.show(view.structures, view.structure)
        self._of.setVisible(bool(view.structures))
        if (view.scan, view.structure) != self._listed:
            self._listed, self._at = (view.scan, view.structure), 0
            self._table.widget.scrollToTop()
        self._table.show([_row(lesion) for lesion in view.rows], self._at)
        self._table.widget.setEnabled(not busy)
        set_text(self._note, view.note)

    def _stood_on(self, number: int) -> None:
        self._at = number

    def _go(self) -> None:
        if self._at:
            self._actions.lesion_chosen(self._at)


def _row(lesion: LesionRow) -> Row:
    cells = (str(lesion.number), lesion.structure, percent(lesion.score), millilitres(lesion.ml))
    tip = f"Lesion {lesion.number}: {lesion.structure}, {words.volume(lesion.ml)}, score {percent(lesion.score)}"
    return Row(lesion.number, cells, tip)
