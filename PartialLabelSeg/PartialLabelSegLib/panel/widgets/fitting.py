"""Texts that fit: long names that may break over lines, and numbers that a person can read at a glance."""

from __future__ import annotations

import re
from typing import Any

from ..qt_subset import get

# Where a long name may break: Qt breaks lines at blanks only, or at this sign, which has no width.
_BREAK = "\u200b"
_GAP = "\u202f"
_ROW_HEIGHT, _MOST_ROWS = 22, 6


def breakable(text: str) -> str:
    """The same text to the eye; a name such as `liver_and_bile_ducts` can go on in the next line."""
    return re.sub(r"(?<=[_\-/])(?=\w)|(?<=\.)(?=[^\W\d])", _BREAK, text)


def set_text(label: Any, text: str) -> None:
    """Shows a text, long names breakable, and nothing at all (not an empty line) where it is empty."""
    fitting = breakable(text)
    if get(label, "text") != fitting:
        label.setText(fitting)
    label.setVisible(bool(text))


def percent(share: float) -> str:
    """'87 %'."""
    return f"{round(100 * share)} %"


def whole(number: int) -> str:
    """'154 000', with narrow gaps that do not break."""
    return f"{int(number):,}".replace(",", _GAP)


def millilitres(ml: float) -> str:
    """'1480', '12.3', '0.42': without the unit, for a column that names it."""
    return f"{ml:.0f}" if ml >= 100 else f"{ml:.3g}"


def fit_height(table: Any, rows: int) -> None:
    """As high as its rows, up to a few: the page is long."""
    table.setFixedHeight(30 + _ROW_HEIGHT * min(max(rows, 1), _MOST_ROWS))
