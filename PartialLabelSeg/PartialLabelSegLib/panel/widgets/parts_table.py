"""The connected parts of the chosen suggestion at the present gamma, largest first."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .. import words
from ..view_models_decide import PartRow
from .fitting import millilitres, percent
from .plain_table import Column, PlainTable, Row

COLUMNS = (
    Column("Part", "The parts of this suggestion that hang together, the largest first", number=True),
    Column("mL", "Volume", number=True),
    Column("Sure", "Mean confidence", number=True),
    Column("Remarks", "What was decided on this part, and whether it reaches the edge of the scan"),
)
ROWS_IN_SIGHT = 4


class PartsTable:
    """`chosen(seed)` is called when the user goes to a part."""

    def __init__(self, chosen: Callable[[int], object]) -> None:
        self._table = PlainTable("parts", COLUMNS, chosen)
        self.widget = self._table.widget
        self.widget.setToolTip("Click a part to see it in all views and to decide on it alone")
        self.widget.setFixedHeight(26 + 22 * ROWS_IN_SIGHT)

    def show(self, parts: Sequence[PartRow], chosen: int | None) -> None:
        self._table.show([_row(number, part) for number, part in enumerate(parts, 1)], chosen)


def _row(number: int, part: PartRow) -> Row:
    decided = words.DECISIONS[part.decision] if part.decision else None
    remarks = [f"{decided.symbol} {decided.text}"] if decided else []
    if part.touches_border:
        remarks.append("at the edge of the scan")
    cells = (str(number), millilitres(part.ml), percent(part.confidence), ", ".join(remarks))
    return Row(
        part.seed, cells, f"Part {number}: {words.volume(part.ml)}, {'; '.join(remarks) or 'nothing particular'}"
    )
