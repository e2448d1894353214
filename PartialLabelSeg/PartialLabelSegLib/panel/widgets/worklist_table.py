"""The queue of suggestions, those first whose decision is worth most, with a field to find one and a box for what is already decided."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import qt

from .. import words
from ..qt_subset import get, paragraph
from ..view_models_decide import Choice, WorkRow
from .chooser import Chooser
from .fitting import millilitres, percent, whole
from .plain_table import Column, PlainTable, Row

MOST_ROWS = 100
OPEN, DECIDED, ALL = "open", "decided", "all"
FILTERS = (
    Choice(OPEN, "to decide", "What nothing was decided on yet"),
    Choice(DECIDED, "decided", "What was decided in this round"),
    Choice(ALL, "all", "Every suggestion of this round"),
)
COLUMNS = (
    Column(
        "Structure",
        "What is suggested. A sign before it says what was decided: ✓ accepted, ✕ wrong, … not now, ✎ edited, ● complete",
    ),
    Column("Scan", "The scan it is suggested in"),
    Column("mL", "Volume of all that is suggested", number=True),
    Column("Sure", "Mean confidence", number=True),
    Column("Parts", "How many separate parts it has", number=True),
    Column("!", "One sign for each reason to look closely before accepting it", number=True),
)


class WorklistTable:
    """`chosen(key)` is called when the user goes to a suggestion. What is typed and filtered here stays here."""

    def __init__(self, chosen: Callable[[str], object]) -> None:
        self._rows: tuple[WorkRow, ...] = ()
        self._key = ""
        self._table = PlainTable("queue", COLUMNS, chosen)
        self._table.widget.setMinimumHeight(26 + 22 * 5)
        self._table.widget.setToolTip(
            "Click a suggestion to see it in all views.\nKeys: J goes on to the next one, K back"
        )
        self._filter = Chooser("queue_filter", "Which suggestions to list", lambda key: self._list())
        self._filter.show(FILTERS, OPEN)
        self._find = qt.QLineEdit()
        self._find.setObjectName("queue_find")
        self._find.setPlaceholderText("Find an organ or a scan")
        self._find.setToolTip(
            "Lists only suggestions whose structure or scan has these letters. Enter goes back to the list."
        )
        self._find.setClearButtonEnabled(True)
        self._find.textChanged.connect(lambda text="": self._list())
        # The keys of the step are still while a text is typed, so leave the field when it is done.
        self._find.returnPressed.connect(lambda: self.take_keys())
        self._count = paragraph("", "queue_count")
        self.widget = self._laid_out()

    def _laid_out(self) -> qt.QWidget:
        whole_widget = qt.QWidget()
        grid = qt.QGridLayout(whole_widget)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.addWidget(self._find, 0, 0)
        grid.addWidget(self._filter.widget, 0, 1)
        grid.addWidget(self._table.widget, 1, 0, 1, 2)
        grid.addWidget(self._count, 2, 0, 1, 2)
        grid.setColumnStretch(0, 1)
        return whole_widget

    def show(self, rows: Sequence[WorkRow], chosen: str) -> None:
        if (tuple(rows), chosen) != (self._rows, self._key):
            self._rows, self._key = tuple(rows), chosen
            self._list()

    def step(self, by: int) -> None:
        """Goes to the next (1) or the previous (-1) suggestion of those listed."""
        self._table.step(by)

    def take_keys(self) -> None:
        """Takes the keyboard away from the field."""
        self._table.widget.setFocus()

    def _list(self) -> None:
        """What the user asked to see. The chosen one is always there, unless it does not have the letters that were typed."""
        current = self._filter.current()
        decided = {OPEN: False, DECIDED: True}.get(current.key if current else ALL)
        fitting = [row for row in self._rows if decided in (None, bool(row.decision)) or row.key == self._key]
        letters = str(get(self._find, "text")).casefold().split()
        if letters:
            fitting = [row for row in fitting if _has(row, letters)]
        self._table.show([_row(row) for row in fitting[:MOST_ROWS]], self._key)
        self._count.setText(self._counted(len(fitting)))

    def _counted(self, fitting: int) -> str:
        undecided = sum(not row.decision for row in self._rows)
        counted = f"{whole(undecided)} to decide, {whole(len(self._rows) - undecided)} decided"
        if fitting > MOST_ROWS:
            counted += f". Listed: the {MOST_ROWS} worth most of {whole(fitting)}"
        elif self._rows and not fitting:
            counted += ". None of them is listed"
        return counted


def _has(row: WorkRow, letters: Sequence[str]) -> bool:
    named = f"{row.structure} {row.scan}".casefold()
    return all(part in named for part in letters)


def _row(row: WorkRow) -> Row:
    decided = words.DECISIONS[row.decision] if row.decision else None
    name = f"{decided.symbol} {row.structure}" if decided else row.structure
    cells = (name, row.scan, millilitres(row.ml), percent(row.confidence), str(row.parts), "!" * len(row.flags))
    tip = [f"{row.structure} in {row.scan}", *(f"Look closely: {flag}" for flag in row.flags)]
    if decided:
        tip.append(f"Decided: {decided.text}. {decided.meaning}")
    return Row(row.key, cells, "\n".join(tip))
