"""The manifest of the working data set: `cases.csv`, and `structures.json` with colours and terminology."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..data.importers.table import FIXED, read_table
from ..run.failure import Failure
from ..run.files import write_json, write_text
from .counts_as import ABSENT, LABELLED, SOME
from .written_before import Written

CASES, STRUCTURES = "cases.csv", "structures.json"
_CELLS = {LABELLED: LABELLED, SOME: LABELLED, ABSENT: ABSENT}


@dataclass(frozen=True)
class Line:
    """A scan in the manifest: its name, the name of its files, and what was written of it."""

    case: str
    stem: str
    written: Written


def write_manifest(place: Path, lines: Sequence[Line], otherwise: Sequence[str]) -> None:
    """Writes both files, `cases.csv` last. otherwise: names for a column where nothing at all is drawn in these scans."""
    names = tuple(dict.fromkeys(name for line in lines for name in line.written.found)) or _first(otherwise)
    looks: dict[str, dict[str, object]] = {}
    for line in lines:
        for name, (color, terminology) in line.written.looks.items():
            looks.setdefault(name, {"color": list(color), "terminology": terminology})
    write_json(place / STRUCTURES, {name: looks[name] for name in names if name in looks})
    titles = ("case", "image", "labels", *names)
    rows = [_row(line, names) for line in lines]
    text = io.StringIO()
    table = csv.writer(text, delimiter=_separator(titles), lineterminator="\n")
    table.writerows([titles, *rows])
    write_text(place / CASES, text.getvalue())


def _first(otherwise: Sequence[str]) -> tuple[str, ...]:
    usable = [name for name in otherwise if name.lower() not in FIXED]
    if not usable:
        raise Failure("Nothing is drawn in any scan.", way_out="Draw at least one structure in one of them.")
    return (usable[0],)


def _row(line: Line, names: Sequence[str]) -> list[str]:
    labels = f"{line.stem}.seg.nrrd" if ".seg.nrrd" in line.written.files() else ""
    return [
        line.case,
        f"{line.stem}.nrrd",
        labels,
        *(_CELLS.get(line.written.found.get(name, ""), "") for name in names),
    ]


def _separator(titles: Sequence[str]) -> str:
    """The first separator that whoever reads the table takes for it: it goes by what is most frequent in the first line."""
    for separator in ",;\t":
        text = io.StringIO()
        csv.writer(text, delimiter=separator, lineterminator="").writerow(titles)
        if max(",;\t", key=text.getvalue().count) == separator:
            return separator
    raise Failure(
        "The names of the segments hold so many commas and semicolons that no list of scans can be written.",
        way_out="Rename them in the Segment Editor.",
    )


def numbers_before(place: Path) -> Mapping[str, str]:
    """The files' name of each case in the manifest that is there; empty where there is none that can be read."""
    try:
        rows = read_table(place / CASES).rows
    except Failure:
        return {}
    found = ((row.fixed["case"], re.fullmatch(r"(scan-\d{3,})\.nrrd", row.fixed["image"])) for row in rows)
    stems: dict[str, str] = {}
    for case, match in found:
        if match and match[1] not in stems.values():
            stems[case] = match[1]
    return stems
