"""A scoring table as rows of text, from CSV, JSON or XLSX: one kind of row whatever the file, each with the words for its place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...run.failure import Failure
from ...run.files import read_json
from ..importers.table import table_lines
from ..types import clean_name
from .optional import optional

COLUMNS = ("scan", "structure", "rater", "slice", "row", "column", "tick")
NEEDED = ("scan", "rater", "slice", "row", "column")
ENDINGS = (".csv", ".json", ".xlsx")
READ = "read"
"""The word in the column `tick` that says: these slices were read. Also the name of a sheet, or of a part of a JSON file, of such rows."""
_ALIASES = {
    "case": "scan",
    "reader": "rater",
    "slices": "slice",
    "col": "column",
    "grade": "tick",
    "score": "tick",
    "label": "structure",
}
_FORM = "Its first line must be: scan,rater,slice,row,column, and if wanted tick (or grade) and structure."


@dataclass(frozen=True)
class ScoreRow:
    """One row. place: such as 'line 4 of scores.csv'. cells: by column of `COLUMNS`; '' where the table has nothing."""

    place: str
    cells: Mapping[str, str]


def read_rows(path: Path) -> tuple[ScoreRow, ...]:
    """The rows of a scoring table that are not empty. Failure: absent, unreadable, or without the columns it needs."""
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise Failure(f"{path.name} is no scoring table.", way_out=f"Give a file ending in {', '.join(ENDINGS)}.")
    if not path.is_file():
        raise Failure(f"there is no scoring table {path.name}.", way_out="Put the file there, or correct its name.")
    if ending == ".json":
        return tuple(_json_rows(path))
    if ending == ".xlsx":
        return tuple(_sheet_rows(path))
    lines = [(f"line {number} of {path.name}", cells) for number, cells in table_lines(path)]
    return tuple(_named(path.name, lines, False))


def _named(name: str, lines: list[tuple[str, list[str]]], reads: bool) -> Iterable[ScoreRow]:
    """Rows of a table whose first line names the columns. reads: a sheet that lists slices that were read."""
    if not lines:
        if reads:
            return
        raise Failure(f"{name} is empty.", way_out=_FORM)
    titles = [_column(title) for title in lines[0][1]]
    twice = sorted({title for title in titles if title in COLUMNS and titles.count(title) > 1})
    if twice:
        raise Failure(f"{name} has two columns for '{twice[0]}'.", way_out="Keep one of them.")
    missing = [title for title in (("scan", "rater", "slice") if reads else NEEDED) if title not in titles]
    if missing:
        raise Failure(f"{name} has no column '{missing[0]}'.", way_out=_FORM)
    for place, cells in lines[1:]:
        found = dict.fromkeys(COLUMNS, "")
        found.update({title: cell.strip() for title, cell in zip(titles, cells) if title in COLUMNS})
        # Where the table has no such column, each row is a tick.
        found["tick"] = READ if reads else found["tick"] if "tick" in titles or _only_slices(found) else "1"
        yield ScoreRow(place, found)


def _only_slices(cells: Mapping[str, str]) -> bool:
    return not cells["row"] and not cells["column"]


def _column(title: str) -> str:
    name = clean_name(title).lower()
    return _ALIASES.get(name, name)


def _json_rows(path: Path) -> Iterable[ScoreRow]:
    content = read_json(path, "the scoring table")
    content = {"ticks": content} if isinstance(content, list) else content
    if not isinstance(content, dict) or not isinstance(content.get("ticks"), list):
        raise Failure(
            f'{path.name} has no list of "ticks".',
            way_out='Write {"ticks": [{"scan": "k1", "rater": "anna", "slice": 3, "row": 0, "column": 2}], "read": []}.',
        )
    for part in ("ticks", READ):
        entries = content.get(part, [])
        for number, entry in enumerate(entries if isinstance(entries, list) else [entries], 1):
            place = f'entry {number} of "{part}" in {path.name}'
            if not isinstance(entry, dict):
                raise Failure(f"{place} is not an object.", way_out="Write one object per tick.")
            named = {_column(str(key)): _text(value) for key, value in entry.items()}
            cells = {title: named.get(title, "") for title in COLUMNS}
            yield ScoreRow(place, {**cells, "tick": READ if part == READ else named.get("tick", "1")})


def _text(value: Any) -> str:
    """A value of a JSON or spreadsheet cell as it would stand in a CSV file."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, (list, tuple)):
        return ", ".join(_text(item) for item in value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _sheet_rows(path: Path) -> Iterable[ScoreRow]:
    """The first sheet holds the ticks; a sheet named 'read', if there is one, the slices that were read."""
    openpyxl = optional("openpyxl", "A spreadsheet (.xlsx)", "Save the table as CSV")
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        sheets = {sheet.title: [[_text(cell) for cell in row] for row in sheet.values] for sheet in book.worksheets}
        book.close()
    except Exception as error:  # a damaged archive can fail in any way
        raise Failure(
            f"{path.name} is not a readable spreadsheet ({type(error).__name__}).", way_out="Save it again, or as CSV."
        ) from None
    ticks = next((title for title in sheets if title.lower() != READ), None)
    if ticks is None:
        raise Failure(f"{path.name} has no sheet of ticks.", way_out=_FORM)
    yield from _named(f"sheet '{ticks}' of {path.name}", _lines_of(sheets[ticks], ticks, path), False)
    for title in (title for title in sheets if title.lower() == READ):
        yield from _named(f"sheet '{title}' of {path.name}", _lines_of(sheets[title], title, path), True)


def _lines_of(rows: list[list[str]], title: str, path: Path) -> list[tuple[str, list[str]]]:
    numbered = ((f"row {number} of sheet '{title}' in {path.name}", cells) for number, cells in enumerate(rows, 1))
    return [(place, cells) for place, cells in numbered if any(re.search(r"\S", cell) for cell in cells)]
