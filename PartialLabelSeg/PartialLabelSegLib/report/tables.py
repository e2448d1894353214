"""Tables and numbers of the page: everything that a file said is escaped here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

NOTHING = "–"
BLANK = "\u00a0"
"""A blank at which no line breaks, between a number and its unit."""
_MOST_OPEN_ROWS = 20


def number(value: float | None, places: int = 3) -> str:
    """A number as text; what is missing or not finite is a dash, thousands are set apart by a narrow blank."""
    if value is None or not math.isfinite(value):
        return NOTHING
    # Adding 0 turns a rounded -0.0 into 0.0.
    return f"{round(value, places) + 0.0:,.{places}f}".replace(",", "\u202f")


def percent(share: float | None, places: int = 0) -> str:
    return NOTHING if share is None or not math.isfinite(share) else f"{number(100 * share, places)}{BLANK}%"


def counted(value: int, word: str) -> str:
    """`1 scan`, `2 scans`."""
    return f"{value} {word}" if value == 1 else f"{value} {word}s"


def volume(ml: float | None) -> str:
    """mL with the digits that matter."""
    if ml is None or not math.isfinite(ml):
        return NOTHING
    return f"{number(ml, 2 if 0 < abs(ml) < 1 else 1 if abs(ml) < 100 else 0)}{BLANK}mL"


def duration(seconds: float | None) -> str:
    """A time span as a person says it."""
    if seconds is None or not math.isfinite(seconds):
        return NOTHING
    whole = round(seconds)
    if whole < 90:
        return f"{whole}{BLANK}s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}{BLANK}min {rest}{BLANK}s"
    return f"{minutes // 60}{BLANK}h {minutes % 60}{BLANK}min"


def meter(value: float | None, places: int = 3) -> str:
    """A number in 0..1 with a little bar below it."""
    if value is None or not math.isfinite(value):
        return NOTHING
    width = 100 * min(max(value, 0.0), 1.0)
    return f'{number(value, places)}<span class="meter"><i style="width:{width:.0f}%"></i></span>'


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], strong_rows: Sequence[int] = (), kind: str = "") -> str:
    """A table of HTML cells; `heads` are plain text. strong_rows: the indices of rows of totals."""
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in heads)
    lines = []
    for index, row in enumerate(rows):
        mark = ' class="all"' if index in strong_rows else ""
        lines.append(f"<tr{mark}>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>")
    attributes = f' class="{kind}"' if kind else ""
    return f'<div class="wide"><table{attributes}><thead><tr>{head}</tr></thead><tbody>{"".join(lines)}</tbody></table></div>'


def folded(content: str, rows: int) -> str:
    """A table, or one that opens on a click where it would fill screens."""
    return content if rows <= _MOST_OPEN_ROWS else f"<details><summary>All {rows} lines</summary>{content}</details>"


def listing(pairs: Sequence[tuple[str, str]]) -> str:
    """A definition list of plain texts."""
    return "<dl>" + "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in pairs) + "</dl>"
