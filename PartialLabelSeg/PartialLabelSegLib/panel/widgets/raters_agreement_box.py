"""How far the raters agree: a picture, tables of raters and of pairs, and what all together say."""

from __future__ import annotations

from typing import Any

import qt

from ...metrics.table import cell
from ..qt_subset import button, column, paragraph, row
from ..raters.comparing import PAIR_HEADS, RATER_HEADS, mean_only, pair_cells, rater_cells, text_of, together_words
from ..raters.views import AgreementView
from .agreement_figure import AgreementFigure
from .fitting import fit_height, set_text
from .plain_table import Column, PlainTable, Row

_TIPS = {
    "Rater": "Each rater against the majority of all; mean over the scans, with the spread when the mouse rests on it",
    "Pair": "Two raters, over the scans and slices that both have read",
    "Dice": "Overlap of the marked voxels: 1 is the same, 0 nothing in common",
    "mm": "Mean distance of the two surfaces",
    "mL": "Mean volume",
    "Bias mL": "Mean volume minus that of the majority",
    "Kappa": "Agreement on the cells beyond chance: 1 is full agreement, 0 no more than chance",
    "ICC": "Agreement on volumes, ICC(2,1); needs two scans",
}


class AgreementBox:
    """`compared()` is called when the comparison is asked for. `show` draws a view model and emits nothing."""

    def __init__(self, compared: Any) -> None:
        self._text = ""
        self.compare = button("Compare", "raters_compare", "Dice, distances, ICC and kappa, over all scans.", compared)
        self.copy = button("Copy", "raters_copy", "Copy the tables as text.", self._copy)
        self.message = paragraph("", "raters_agreement_message")
        self.figure = AgreementFigure()
        self.raters = _table("raters_agreement", RATER_HEADS)
        self.pairs = _table("raters_agreement_pairs", PAIR_HEADS)
        self.together = paragraph("", "raters_agreement_together")
        self._found = column(self.figure, self.raters.widget, self.pairs.widget, self.together)
        self.widget = column(row(self.compare, self.copy, None), self.message, self._found)

    def _copy(self) -> None:
        qt.QApplication.clipboard().setText(self._text)

    def show(self, view: AgreementView) -> None:
        result = view.result
        self.compare.setEnabled(view.can_compare)
        self.copy.setEnabled(result is not None)
        self._found.setVisible(result is not None)
        set_text(self.message, view.message)
        self.figure.show_agreement(result, view.colors)
        if result is None:
            return
        self._text = text_of(result)
        raters = [_row(rater_cells(item, mean_only), rater_cells(item, cell), RATER_HEADS) for item in result.raters]
        pairs = [_row(pair_cells(item, mean_only), pair_cells(item, cell), PAIR_HEADS) for item in result.pairs]
        for table, rows in ((self.raters, raters), (self.pairs, pairs)):
            table.show(rows, None)
            table.widget.setVisible(bool(rows))
            fit_height(table.widget, len(rows))
        set_text(self.together, "\n".join(together_words(result)))


def _row(cells: list[str], whole: list[str], heads: tuple[str, ...]) -> Row:
    """cells: what fits; whole: with the spread, for the tip."""
    return Row(cells[0], tuple(cells), "\n".join(f"{head}: {text}" for head, text in zip(heads, whole)))


def _table(name: str, heads: tuple[str, ...]) -> PlainTable:
    columns = [Column(head, _TIPS[head], number=place > 0) for place, head in enumerate(heads)]
    made = PlainTable(name, columns, lambda key: None)
    made.widget.setSelectionMode(qt.QAbstractItemView.NoSelection)
    made.widget.setFocusPolicy(qt.Qt.NoFocus)
    return made
