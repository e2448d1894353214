"""The table scan × structure: at a glance what is labelled. It draws only what has changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import qt

from .. import words
from ..qt_subset import Quiet, get, paragraph
from ..view_models import CellView, ProblemView, ScanView, StructureView
from .fitting import set_text
from .resized import Resized
from .shades import shade
from .state_items import CHANGED, StateItems, any_quick, legend, widest
from .structure_header import StructureHeader

Cell = tuple[str, str]
"""A scan's and a structure's name."""
ROW, NARROW, SENTENCE = 1.5, 1.7, 14.0
"""Height of a row, width of a column that holds only a sign, and least width of the sentences behind the words; in lines of text."""
NAMES_SHARE = 0.4
"""The scans' names take at most this share of the width."""
FEWEST_ROWS, MOST_ROWS = 3, 16
SHOWS = "A double click shows this scan in all views."


class ScanTable:
    """`show()` compares with what is drawn. Structures or scans that come or go redraw the table; else single cells are replaced."""

    def __init__(self, column_pressed: Callable[[str, Any], None]) -> None:
        self._column_pressed = column_pressed
        self._structures: tuple[StructureView, ...] = ()
        self._scans: tuple[ScanView, ...] = ()
        self._look: tuple[object, ...] = (False,)
        self._quick = False
        self._pattern, self._only_problems = "", False
        self.table = qt.QTableWidget()
        self._items = StateItems(self.table)
        self.header = StructureHeader(lambda index, place: column_pressed(self.structure(index), place))
        self._set_up_table()
        self._set_up_headers()
        self._corner = qt.QWidget()
        self.legend = paragraph("", "scans_legend")
        self.widget = Resized(self._resized)
        layout = qt.QGridLayout(self.widget)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._corner, 0, 0)
        layout.addWidget(self.header.widget, 0, 1)
        layout.addWidget(self.table, 1, 0, 1, 2)
        layout.setRowMinimumHeight(2, 3)
        layout.addWidget(self.legend, 3, 0, 1, 2)

    def _set_up_table(self) -> None:
        table = self.table
        table.setObjectName("scan_table")
        table.setAccessibleName("What is labelled in which scan")
        table.setMouseTracking(True)
        table.setWordWrap(False)
        table.setShowGrid(False)
        table.setTabKeyNavigation(False)
        table.setEditTriggers(qt.QAbstractItemView.NoEditTriggers)
        table.setHorizontalScrollMode(qt.QAbstractItemView.ScrollPerPixel)
        table.setContextMenuPolicy(qt.Qt.CustomContextMenu)
        table.setSizePolicy(qt.QSizePolicy.Ignored, qt.QSizePolicy.Fixed)
        table.horizontalScrollBar().valueChanged.connect(lambda value=0: self.header.scroll_to(value))

    def _set_up_headers(self) -> None:
        names, columns = self.table.verticalHeader(), self.table.horizontalHeader()
        names.setDefaultAlignment(qt.Qt.AlignLeft | qt.Qt.AlignVCenter)
        names.setTextElideMode(qt.Qt.ElideMiddle)
        names.setSectionResizeMode(qt.QHeaderView.Fixed)
        names.setDefaultSectionSize(int(ROW * self._line()))
        columns.setMinimumSectionSize(4)
        columns.setVisible(False)
        columns.setStretchLastSection(True)

    def show(self, structures: Sequence[StructureView], scans: Sequence[ScanView]) -> None:
        """Emits nothing. The current cell stays on its scan and structure."""
        structures, scans = tuple(structures), tuple(scans)
        current = self.current()
        named = _names(scans, structures) == _names(self._scans, self._structures)
        before = self._scans
        self._structures, self._scans, self._quick = structures, scans, any_quick(scans)
        look = (self._has_room(), shade(self.table, qt.QPalette.Base), shade(self.table, qt.QPalette.Highlight))
        anew = not named or look != self._look
        self.table.setUpdatesEnabled(False)
        with Quiet(self.table):
            if anew:
                self._look, self._items = look, StateItems(self.table)
                self.table.setColumnCount(len(structures) + 1)
                self.table.setRowCount(len(scans))
            for row, scan in enumerate(scans):
                self._fill(row, scan, None if anew else before[row])
            if anew:
                self._select(*current)
        self._fit()
        self.filter(self._pattern, self._only_problems)
        self.table.setUpdatesEnabled(True)

    def _fill(self, row: int, scan: ScanView, before: ScanView | None) -> None:
        if scan is before:
            return
        in_words, unread = self.in_words(), CellView()
        for column in range(len(self._structures)):
            cell = scan.cells[column] if scan.cells else unread
            old = None if before is None else before.cells[column] if before.cells else unread
            if old is None or (cell.state, cell.changed, cell.made) != (old.state, old.changed, old.made):
                self.table.setItem(row, column, self._items.item(cell, in_words))
        if before is None or (scan.problems, scan.origin) != (before.problems, before.origin):
            self._fill_problems(row, scan)

    def _fill_problems(self, row: int, scan: ScanView) -> None:
        """The scan's name with an icon, and what is wrong in the last column."""
        sentences = [problem.sentence for problem in scan.problems]
        name, remark = qt.QTableWidgetItem(scan.name), qt.QTableWidgetItem("  ".join(sentences))
        name.setToolTip("\n".join([scan.name, *([scan.origin] if scan.origin else []), *sentences, SHOWS]))
        remark.setToolTip("\n".join(sentences))
        remark.setFlags(qt.Qt.ItemIsEnabled | qt.Qt.ItemIsSelectable)
        if scan.problems:
            name.setIcon(self.table.style().standardIcon(_icon(scan.problems)))
        self.table.setVerticalHeaderItem(row, name)
        self.table.setItem(row, len(self._structures), remark)

    def in_words(self) -> bool:
        """Whether the cells show words beside the signs."""
        return bool(self._look[0])

    def _line(self) -> int:
        return int(self.table.fontMetrics().height())

    def _room(self) -> int:
        return int(get(self.table.viewport(), "width"))

    def _wide(self) -> int:
        """Width of a column with words."""
        metrics = self.table.fontMetrics()
        return max(
            int(metrics.horizontalAdvance(widest(self._quick) + CHANGED)) + self._line(),
            self.header.upright_width(self._structures),
        )

    def _narrow(self) -> int:
        """Width of a column with signs."""
        signs = words.STATES["labelled"].symbol + words.MADE["quick"].symbol + CHANGED
        needed = int(self.table.fontMetrics().horizontalAdvance(signs)) + int(0.6 * self._line()) if self._quick else 0
        return max(int(NARROW * self._line()), needed)

    def _has_room(self) -> bool:
        """Whether there is room for a word in each cell and for much of a sentence behind."""
        return 0 < len(self._structures) * self._wide() <= self._room() - SENTENCE * self._line()

    def _fit(self) -> None:
        """Column widths, the structures' names above them, and the height."""
        line, names = self._line(), self.table.verticalHeader()
        column = self._wide() if self.in_words() else self._narrow()
        icon = 1.6 * line if any(scan.problems for scan in self._scans) else 0
        longest = max((self.table.fontMetrics().horizontalAdvance(scan.name) for scan in self._scans), default=0)
        most = max(5 * line, NAMES_SHARE * get(self.table, "width"))
        names.setFixedWidth(int(min(most, longest + icon + line)))
        with Quiet(self.table.horizontalHeader()):
            for index in range(len(self._structures)):
                self.table.setColumnWidth(index, column)
        self._corner.setFixedWidth(get(names, "width") + 1)
        self.header.show(self._structures, column, self._room())
        set_text(self.legend, "" if self.in_words() else legend(self._scans))
        rows = min(MOST_ROWS, max(FEWEST_ROWS, len(self._scans)))
        self.table.setFixedHeight(int(rows * int(ROW * line) + 1.5 * line))

    def _resized(self) -> None:
        """Another width can mean signs instead of words."""
        if self._has_room() != self.in_words():
            self.show(self._structures, self._scans)
        else:
            self._fit()

    def filter(self, pattern: str, only_problems: bool) -> None:
        """Hides the scans whose name does not contain `pattern`, and where asked those without problems."""
        self._pattern, self._only_problems = pattern, only_problems
        wanted = pattern.strip().lower()
        for row, scan in enumerate(self._scans):
            shown = wanted in scan.name.lower() and (bool(scan.problems) or not only_problems)
            if self.table.isRowHidden(row) == shown:
                self.table.setRowHidden(row, not shown)

    def current(self) -> Cell:
        """The scan and the structure of the current cell; '' where there is none."""
        return self.scan(int(self.table.currentRow())), self.structure(int(self.table.currentColumn()))

    def select(self, scan: str) -> None:
        """Makes a scan the current one and brings it into view, without telling."""
        with Quiet(self.table):
            self._select(scan, self.current()[1])

    def _select(self, scan: str, structure: str) -> None:
        row = next((row for row, item in enumerate(self._scans) if item.name == scan), -1)
        column = next((index for index, item in enumerate(self._structures) if item.name == structure), 0)
        if row >= 0:
            self.table.setCurrentCell(row, column)
            self.table.scrollToItem(self.table.item(row, column))

    def selected(self) -> tuple[Cell, ...]:
        """The selected cells that can be seen, scan by scan."""
        found = sorted((int(item.row()), int(item.column())) for item in self.table.selectedItems())
        return tuple(
            (self.scan(row), self.structure(column))
            for row, column in found
            if self.structure(column) and not self.table.isRowHidden(row)
        )

    def scan(self, row: int) -> str:
        """The name of a row's scan, or ''."""
        return self._scans[row].name if 0 <= row < len(self._scans) else ""

    def structure(self, column: int) -> str:
        """The name of a column's structure, or ''."""
        return self._structures[column].name if 0 <= column < len(self._structures) else ""

    def cell(self, row: int, column: int) -> CellView | None:
        """What a cell shows, where it has been read."""
        there = self.scan(row) and self.structure(column) and self._scans[row].cells
        return self._scans[row].cells[column] if there else None


def _names(scans: Sequence[ScanView], structures: Sequence[StructureView]) -> tuple[list[str], list[str]]:
    return [scan.name for scan in scans], [item.name for item in structures]


def _icon(problems: Sequence[ProblemView]) -> Any:
    broken = any(problem.severity == "error" for problem in problems)
    return qt.QStyle.SP_MessageBoxCritical if broken else qt.QStyle.SP_MessageBoxWarning
