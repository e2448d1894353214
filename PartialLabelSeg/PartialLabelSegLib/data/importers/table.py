"""`cases.csv` as written by a spreadsheet or by hand: any of the usual separators, encodings and line ends; its columns found by name."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ...run.failure import Failure
from ..types import Problem, clean_name

FIXED = ("case", "image", "labels", "split", "slices", "soft", "made")
NEEDED = ("case", "image", "labels")
_FORM = "Its first line must be: case,image,labels, then one column per structure."


@dataclass(frozen=True)
class Row:
    """One line of the manifest: its number in the file, the fixed columns (empty where absent), and the cell of each structure."""

    line: int
    fixed: Mapping[str, str]
    states: Mapping[str, str]


@dataclass(frozen=True)
class Table:
    """The manifest: structures in the order of their columns, its rows, and what is wrong with it."""

    structures: tuple[str, ...]
    rows: tuple[Row, ...]
    problems: tuple[Problem, ...]


def read_table(path: Path) -> Table:
    """The manifest's rows. Failure: unreadable, empty, or without the columns it needs."""
    lines = table_lines(path)
    if not lines:
        raise Failure(f"{path.name} is empty.", way_out=_FORM)
    columns, problems = _columns(path.name, lines[0][1])
    rows = []
    for number, cells in lines[1:]:
        if len(cells) != len(lines[0][1]):
            text = f"line {number} of {path.name} has {len(cells)} cells, its first line has {len(lines[0][1])}. Give it one cell per column."
            problems.append(
                Problem(text, case=clean_name(cells[columns["case"]]) if columns["case"] < len(cells) else "")
            )
            continue
        named = {name: cells[index].strip() for name, index in columns.items()}
        states = {name: cell for name, cell in named.items() if name.lower() not in FIXED}
        rows.append(Row(number, {name: named.get(name, "") for name in FIXED}, states))
    structures = tuple(name for name in columns if name.lower() not in FIXED)
    return Table(structures, tuple(rows), tuple(problems))


def table_lines(path: Path) -> list[tuple[int, list[str]]]:
    """The lines of a CSV file that are not blank, cut into cells, with their numbers. Failure: unreadable."""
    text = _text(path)
    first = next((line for line in text.splitlines() if line.strip()), "")
    separator = max(",;\t", key=first.count)
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        return [(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    except csv.Error as error:
        raise Failure(
            f"{path.name} is not a readable table ({error}).", way_out="Save it as CSV (UTF-8) again."
        ) from None


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise Failure(f"{path.name} cannot be read ({error.strerror}).", way_out="Name a readable file.") from None
    if b"\x00" in raw and not raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Failure(f"{path.name} is not a text file.", way_out="Save it as CSV (UTF-8) again.")
    # Spreadsheets on Windows write UTF-8 with a mark, UTF-16 with a mark, or the code page 1252.
    for encoding in ("utf-16",) if raw.startswith((b"\xff\xfe", b"\xfe\xff")) else ("utf-8-sig", "cp1252", "latin-1"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Failure(f"{path.name} is not a text file.", way_out="Save it as CSV (UTF-8) again.")


def _columns(file: str, header: list[str]) -> tuple[dict[str, int], list[Problem]]:
    """The place of each column: fixed ones in small letters, structures as written without outer blanks."""
    columns: dict[str, int] = {}
    problems = []
    for index, title in enumerate(header):
        name = clean_name(title)
        name = name.lower() if name.lower() in FIXED else name
        if not name:
            problems.append(
                Problem(f"column {index + 1} of {file} has no name. Name its structure, or delete the column.")
            )
        elif name in columns and name in FIXED:
            raise Failure(f"{file} has two columns named '{name}'.", way_out="Keep one of them.")
        elif name in columns:
            problems.append(
                Problem(f"{file} has two columns of this name. Rename or delete one of them.", structure=name)
            )
        else:
            columns[name] = index
    missing = [name for name in NEEDED if name not in columns]
    if missing:
        raise Failure(f"{file} has no column {' and no column '.join(repr(name) for name in missing)}.", way_out=_FORM)
    if len(columns) == len([name for name in columns if name in FIXED]):
        raise Failure(f"{file} has no column for a structure.", way_out=_FORM)
    return columns, problems
