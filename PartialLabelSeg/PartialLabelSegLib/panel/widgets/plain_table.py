"""A table of words in which one row can be chosen. Showing it again touches only the cells that changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import qt

from ..qt_subset import Quiet, get

Key = str | int


@dataclass(frozen=True)
class Column:
    """number: to the right, and as narrow as its words; the others share what is left."""

    title: str
    tip: str
    number: bool = False


@dataclass(frozen=True)
class Row:
    """key: handed back when the row is chosen. cells: one text a column. tip: for the whole row."""

    key: Key
    cells: tuple[str, ...]
    tip: str = ""


class PlainTable:
    """`chosen(key)` is called when the user goes to another row, not when `show` does."""

    def __init__(self, name: str, columns: Sequence[Column], chosen: Callable[[Any], object]) -> None:
        self._columns = tuple(columns)
        self._chosen = chosen
        self._alignments = [_alignment(column) for column in columns]
        self._rows: tuple[Row, ...] = ()
        self._keys: list[Any] = []
        self.widget = self._table(name)
        self.widget.itemSelectionChanged.connect(self._went)

    def _table(self, name: str) -> Any:
        table = qt.QTableWidget(0, len(self._columns))
        table.setObjectName(name)
        table.setHorizontalHeaderLabels([column.title for column in self._columns])
        for place, column in enumerate(self._columns):
            table.horizontalHeaderItem(place).setToolTip(column.tip)
            table.horizontalHeaderItem(place).setTextAlignment(self._alignments[place])
            fit = qt.QHeaderView.ResizeToContents if column.number else qt.QHeaderView.Stretch
            table.horizontalHeader().setSectionResizeMode(place, fit)
        # Only rows in sight are measured: a long table stays quick.
        table.horizontalHeader().setResizeContentsPrecision(0)
        table.horizontalHeader().setMinimumSectionSize(24)
        table.horizontalHeader().setHighlightSections(False)
        table.verticalHeader().setVisible(False)
        table.verticalHeader().setDefaultSectionSize(22)
        table.setSelectionBehavior(qt.QAbstractItemView.SelectRows)
        table.setSelectionMode(qt.QAbstractItemView.SingleSelection)
        table.setEditTriggers(qt.QAbstractItemView.NoEditTriggers)
        table.setTextElideMode(qt.Qt.ElideMiddle)
        table.setHorizontalScrollBarPolicy(qt.Qt.ScrollBarAlwaysOff)
        table.setShowGrid(False)
        table.setAlternatingRowColors(True)
        table.setWordWrap(False)
        table.setTabKeyNavigation(False)
        return table

    def show(self, rows: Sequence[Row], key: Key | None) -> None:
        """Shows the rows and stands on that of `key`, in sight; on none where there is no such."""
        with Quiet(self.widget):
            before = self._moved_to(rows)
            for place, row in enumerate(rows):
                if row != before[place]:
                    self._fill(place, row, before[place])
            self._rows = tuple(rows)
            self._stand_on(self._place(key))

    def _moved_to(self, rows: Sequence[Row]) -> list[Row | None]:
        """What each row of the table shows after those that went were taken out and room was made for those that came.

        Without this, one decision at the top of the queue would write the whole table anew.
        """
        wanted, known = {row.key for row in rows}, {row.key for row in self._rows}
        for place in reversed(range(len(self._rows))):
            if self._rows[place].key not in wanted:
                self.widget.removeRow(place)
        shown: list[Row | None] = [row for row in self._rows if row.key in wanted]
        for place, row in enumerate(rows):
            if row.key not in known and place < len(shown):
                self.widget.insertRow(place)
                shown.insert(place, None)
        self.widget.setRowCount(len(rows))
        return (shown + [None] * len(rows))[: len(rows)]

    def _fill(self, place: int, row: Row, before: Row | None) -> None:
        assert len(row.cells) == len(self._columns)
        for index, text in enumerate(row.cells):
            item = self.widget.item(place, index)
            if item is None:
                item = qt.QTableWidgetItem()
                item.setTextAlignment(self._alignments[index])
                self.widget.setItem(place, index, item)
            if before is None or before.cells[index] != text:
                item.setText(text)
            item.setToolTip(row.tip)

    def _place(self, key: Key | None) -> int:
        return next((place for place, row in enumerate(self._rows) if row.key == key), -1)

    def _stand_on(self, place: int) -> None:
        if place < 0:
            self.widget.setCurrentItem(None)
            self.widget.clearSelection()
        elif place != self.widget.currentRow() or not self.widget.selectedItems():
            self.widget.setCurrentCell(place, 0)
            self.widget.scrollToItem(self.widget.item(place, 0))

    def on_entered(self, slot: Callable[[], object]) -> None:
        """Calls `slot` when the user clicks a row, or presses Return on it."""
        self.widget.cellClicked.connect(lambda row=0, column=0: slot())
        for name in ("Return", "Enter"):
            key = qt.QShortcut(qt.QKeySequence(name), self.widget)
            key.setContext(qt.Qt.WidgetShortcut)
            key.activated.connect(slot)
            self._keys.append(key)

    def step(self, by: int) -> None:
        """Goes `by` rows on, as if the user had clicked there; stays where there is no such row, and while disabled."""
        place = self.widget.currentRow() + by
        if get(self.widget, "enabled") and 0 <= place < len(self._rows):
            self.widget.setCurrentCell(place, 0)

    def _went(self) -> None:
        # Qt tells of a selection before it moves its current row.
        selected = self.widget.selectedItems()
        if selected and 0 <= selected[0].row() < len(self._rows):
            self._chosen(self._rows[selected[0].row()].key)


def _alignment(column: Column) -> Any:
    return qt.Qt.AlignVCenter | (qt.Qt.AlignRight if column.number else qt.Qt.AlignLeft)
