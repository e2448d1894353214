"""Mouse and keys on the scan table: a click or Return opens the menu of a cell, Space goes to the next state, a right click takes all that is selected."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import qt

from .scan_table import Cell, ScanTable
from .state_items import sentence


@dataclass(frozen=True)
class TableCalls:
    """moved: another cell is the current one. menu: wanted for these cells, at this place of the screen."""

    moved: Callable[[], None]
    menu: Callable[[tuple[Cell, ...], Any], None]
    cycle: Callable[[str, str], None]
    show_scan: Callable[[str], None]


class TableClicks:
    """Listens to a table and tells what is meant."""

    def __init__(self, owner: ScanTable, calls: TableCalls) -> None:
        self._owner, self._table, self._calls = owner, owner.table, calls
        table = owner.table
        table.cellClicked.connect(lambda row=0, column=0: self._clicked(row, column))
        table.customContextMenuRequested.connect(self._context_menu)
        table.currentCellChanged.connect(lambda row=0, column=0, row_before=0, column_before=0: calls.moved())
        table.cellEntered.connect(lambda row=0, column=0: self._entered(row, column))
        names = table.verticalHeader()
        names.sectionDoubleClicked.connect(lambda row=0: self._show(row))
        table.cellDoubleClicked.connect(lambda row=0, column=0: self._double_clicked(row, column))
        self._keys = [self._shortcut("Space", self._cycle), self._shortcut("Return", self._menu_by_key)]

    def _shortcut(self, key: str, slot: Callable[[], None]) -> Any:
        made = qt.QShortcut(qt.QKeySequence(key), self._table)
        made.setContext(qt.Qt.WidgetShortcut)
        made.activated.connect(slot)
        return made

    def _clicked(self, row: int, column: int) -> None:
        """With Shift or Ctrl a click only selects."""
        held = qt.QApplication.keyboardModifiers()
        selects = bool(held & qt.Qt.ShiftModifier) or bool(held & qt.Qt.ControlModifier)
        if not selects and self._owner.structure(column):
            self._calls.menu(((self._owner.scan(row), self._owner.structure(column)),), self._below(row, column))

    def _double_clicked(self, row: int, column: int) -> None:
        """Behind the cells, where the first click opens no menu, a line is shown as by its name."""
        if not self._owner.structure(column):
            self._show(row)

    def _show(self, row: int) -> None:
        """The scan becomes the current one, so that what belongs to it is in sight, too."""
        self._owner.select(self._owner.scan(row))
        self._calls.moved()
        self._calls.show_scan(self._owner.scan(row))

    def _context_menu(self, place: Any) -> None:
        self._calls.menu(self._meant(), self._table.viewport().mapToGlobal(place))

    def _menu_by_key(self) -> None:
        if all(self._owner.current()):
            place = self._below(int(self._table.currentRow()), int(self._table.currentColumn()))
            self._calls.menu(self._meant(), place)

    def _meant(self) -> tuple[Cell, ...]:
        current = self._owner.current()
        return self._owner.selected() or ((current,) if all(current) else ())

    def _below(self, row: int, column: int) -> Any:
        place = self._table.visualItemRect(self._table.item(row, column)).bottomLeft()
        return self._table.viewport().mapToGlobal(place)

    def _cycle(self) -> None:
        scan, structure = self._owner.current()
        if scan and structure:
            self._calls.cycle(scan, structure)

    def _entered(self, row: int, column: int) -> None:
        """Tooltips are made only when the mouse is there: there can be thousands."""
        cell = self._owner.cell(row, column)
        if cell is not None:
            text = f"{self._owner.scan(row)}, {sentence(self._owner.structure(column), cell)}"
            self._table.item(row, column).setToolTip(text)
