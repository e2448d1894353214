"""The cells of the scan table: one table item per way that a cell can look, copied into place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import qt

from ...data.contrast import mixed, readable
from .. import words
from ..view_models import CellView, ScanView
from .shades import qcolor, shade

QUICK = words.MADE["quick"]
CHANGED = "*"
"""Follows the sign of a cell that the user changed."""
TINT = 0.18
"""How strongly the highlight colour tints the cells that teach."""


class StateItems:
    """Makes table items in the colours of one palette.

    A state is told by its sign (filled, half filled, empty, crossed), in wide tables by its word too, and by colour only besides.
    """

    def __init__(self, table: Any) -> None:
        self._base = shade(table, qt.QPalette.Base)
        self._text = shade(table, qt.QPalette.Text)
        self._quiet = readable(mixed(self._base, self._text, 0.5), self._base)
        highlight = shade(table, qt.QPalette.Highlight)
        self._tints = {
            "labelled": mixed(self._base, highlight, TINT),
            "some slices": mixed(self._base, highlight, TINT / 2),
            "absent": mixed(self._base, self._quiet, TINT),
        }
        self._accent = readable(highlight, self._tints["labelled"])
        self._made: dict[tuple[str, str, bool, bool], Any] = {}

    def item(self, cell: CellView, in_words: bool) -> Any:
        """A new item that shows the cell."""
        key = (cell.state, cell.made, cell.changed, in_words)
        if key not in self._made:
            self._made[key] = self._make(cell, in_words)
        return self._made[key].clone()

    def _make(self, cell: CellView, in_words: bool) -> Any:
        word = words.STATES.get(cell.state, words.UNKNOWN_STATE)
        quick = cell.made == "quick"
        text = f"{word.symbol} {word.text}" if in_words and cell.state else word.symbol
        if quick:
            text += f", {QUICK.text}" if in_words else QUICK.symbol
        item = qt.QTableWidgetItem(text + (CHANGED if cell.changed else ""))
        item.setTextAlignment(qt.Qt.AlignCenter)
        item.setFlags(qt.Qt.ItemIsEnabled | qt.Qt.ItemIsSelectable)
        said = word.text + (f", {QUICK.text}" if quick else "") + (", changed by you" if cell.changed else "")
        item.setData(qt.Qt.AccessibleTextRole, said)
        item.setForeground(qt.QBrush(qcolor(self.color(cell.state))))
        if cell.state in self._tints:
            item.setBackground(qt.QBrush(qcolor(self._tints[cell.state])))
        return item

    def color(self, state: str) -> tuple[float, float, float]:
        """The colour of a state's sign."""
        return {"labelled": self._accent, "some slices": self._accent, "absent": self._text}.get(state, self._quiet)


def legend(scans: Sequence[ScanView]) -> str:
    """What the signs mean, on one line where there is room."""
    changed = any(cell.changed for scan in scans for cell in scan.cells)
    parts = [f"{word.symbol}\u00a0{word.text.replace(' ', chr(0xA0))}" for word in words.STATES.values()]
    if any_quick(scans):
        parts.append(f"{QUICK.symbol}\u00a0made\u00a0quickly")
    return "   ".join([*parts, *([f"{CHANGED}\u00a0changed\u00a0by\u00a0you"] if changed else [])])


def any_quick(scans: Sequence[ScanView]) -> bool:
    """Whether some label was made quickly."""
    return any(cell.made == "quick" for scan in scans for cell in scan.cells)


def widest(quick: bool) -> str:
    """The longest text of a cell. quick: some labels were made quickly."""
    texts = [f"{word.symbol} {word.text}" for word in words.STATES.values()]
    return max(
        [*texts, *([f"{words.STATES['some slices'].symbol} some slices, {QUICK.text}"] if quick else [])], key=len
    )


def sentence(structure: str, cell: CellView) -> str:
    """A cell in words: 'Liver: labelled (1480 mL, changed by you). It is drawn …'."""
    word = words.STATES.get(cell.state, words.UNKNOWN_STATE)
    how = "made quickly" if cell.made == "quick" else ""
    remarks = [part for part in (cell.remark, how, "changed by you" if cell.changed else "") if part]
    meaning = f"{word.meaning} {QUICK.meaning}" if how else word.meaning
    return f"{structure}: {word.text}{' (' + ', '.join(remarks) + ')' if remarks else ''}. {meaning}"
