"""A study of several raters as files: `study.csv`, with one line per structure of a scan, and the scoring tables and masks that it names.

    case,structure,image,bone,grid,scores,masks,read,split
    knee-1,BML tibia,knee-1.nrrd,knee-1-bones.seg.nrrd#tibia,knee-1-tibia.json,scores.csv,,,
    nodule-7,nodule,nodule-7.nii.gz,,,,anna=7-anna.nrrd;ben=7-ben.nrrd,ben: 3-10,

case, structure, image: needed. image: a volume or a folder with one DICOM series.
grid: the JSON of a grid template (template.py); it needs `bone`, and a scoring table (scores.py): that in `scores`, else the only file
scores.csv, scores.json or scores.xlsx beside study.csv.
masks: one file per rater, `rater=file;rater=file`; or one file alone, a .seg.nrrd with a segment per rater, or a volume with a fourth axis, of
which each part is a rater: reader-1, reader-2, ... What is not 0 is marked.
bone and masks may pick one part of a file: `file#3` the label value 3, `file.seg.nrrd#tibia` that segment.
read: the slices that a rater with a mask read, `anna: 3-10, 15; ben: 4` (from 0, along z; `anna@y: 4` along y); one who is not named read the whole scan.
split: train, validation, test or nothing. Every path is relative to the folder of study.csv and stays in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ...run.failure import Failure
from ...run.files import inside
from ..case import SPLITS
from ..importers.cells import parse_label_files, parse_slices_cell
from ..importers.table import FIXED, table_lines
from ..labels import Slices
from ..types import Problem, clean_name
from .mask_file import Part
from .template import GridTemplate, read_template

NAME = "study.csv"
MANIFEST = "cases.csv"
"""What is written for learning, with a column per structure."""
SCORES = ("scores.csv", "scores.json", "scores.xlsx")
NEEDED = ("case", "structure", "image")
COLUMNS = (*NEEDED, "bone", "grid", "scores", "masks", "read", "split")
_FORM = f"Its first line must be: {','.join(COLUMNS)} (the first three are needed)."


@dataclass(frozen=True)
class StudyRow:
    """One structure of one scan. masks: by rater; one file for all raters has the key ''. read: slices by rater."""

    case: str
    structure: str
    image: Path
    bone: Part | None = None
    template: GridTemplate | None = None
    scores: Path | None = None
    masks: Mapping[str, Part] = field(default_factory=dict)
    read: Mapping[str, Slices] = field(default_factory=dict)
    split: str = ""


@dataclass(frozen=True)
class Study:
    """The lines of a study that can be used, in order, and everything that is wrong with the others."""

    folder: Path
    rows: tuple[StudyRow, ...]
    problems: tuple[Problem, ...]

    @property
    def structures(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(row.structure for row in self.rows))

    def of_case(self, case: str) -> tuple[StudyRow, ...]:
        return tuple(row for row in self.rows if row.case == case)

    @property
    def cases(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(row.case for row in self.rows))


def read_study(path: Path) -> Study:
    """The study of a folder with study.csv, or of such a table itself; the scans are read later. Failure: the table as a whole is unusable."""
    table = path / NAME if path.is_dir() else path
    if not table.is_file():
        raise Failure(
            f"there is no study at '{path.name or path}'.", way_out=f"Name a folder with {NAME}, or the table."
        )
    lines = table_lines(table)
    if not lines:
        raise Failure(f"{table.name} is empty.", way_out=_FORM)
    titles = _titles(table.name, lines[0][1])
    rows: list[StudyRow] = []
    problems: list[Problem] = []
    for number, cells in lines[1:]:
        place = f"line {number} of {table.name}"
        if len(cells) != len(titles):
            text = f"{place} has {len(cells)} cells, the first line has {len(titles)}. Give it one cell per column."
            problems.append(Problem(text))
            continue
        named = {title: cell.strip() for title, cell in zip(titles, cells)}
        row, found = _row(table.parent, place, {**dict.fromkeys(COLUMNS, ""), **named})
        problems += [*found, *(_contradictions(row, rows, place) if row is not None else [])]
        rows += [row] if row is not None else []
    if not rows and not problems:
        raise Failure(f"{table.name} names no scan.", way_out=_FORM)
    return Study(table.parent, tuple(rows), tuple(problems))


def _titles(name: str, cells: list[str]) -> list[str]:
    titles = [clean_name(cell).lower() for cell in cells]
    unknown = [title for title in titles if title not in COLUMNS]
    missing = [title for title in NEEDED if title not in titles]
    twice = [title for title in titles if titles.count(title) > 1]
    if unknown or missing or twice:
        wrong = (
            f"a column '{unknown[0]}', which means nothing here"
            if unknown
            else f"no column '{missing[0]}'"
            if missing
            else f"two columns '{twice[0]}'"
        )
        raise Failure(f"{name} has {wrong}.", way_out=_FORM)
    return titles


def _contradictions(row: StudyRow, before: list[StudyRow], place: str) -> list[Problem]:
    """What a line says otherwise than an earlier line of the same scan."""
    same = [other for other in before if other.case == row.case]
    if any(other.structure == row.structure for other in same):
        text = f"{place} names a structure of this scan that is there already. Keep one of the two lines."
        return [Problem(text, row.case, row.structure)]
    if any((other.image, other.split) != (row.image, row.split) for other in same):
        text = f"{place} names another image, or another split, than an earlier line of this scan. Make them the same."
        return [Problem(text, row.case, row.structure)]
    return []


def _row(folder: Path, place: str, cells: Mapping[str, str]) -> tuple[StudyRow | None, list[Problem]]:
    """The line's row, None where something in it is wrong, and everything that is."""
    case, structure = clean_name(cells["case"]), clean_name(cells["structure"])
    reader = _Reader(folder, place, case, structure)
    if not case or not structure:
        reader.wrong(f"it names no {'structure' if case else 'case'}")
    if structure.lower() in FIXED:
        reader.wrong(f"a structure cannot be called '{structure}', which is a column of {MANIFEST}", "Rename it.")
    image = reader.file("image", cells["image"])
    bone = reader.part("bone", cells["bone"]) if cells["bone"] else None
    masks = reader.masks(cells["masks"])
    read = reader.read(cells["read"])
    template, scores = reader.grid(cells)
    if cells["split"].lower() not in SPLITS:
        reader.wrong(f"its split '{cells['split']}' is not one of train, validation, test")
    if not cells["grid"] and not cells["masks"]:
        reader.wrong("it names neither a grid with a scoring table nor masks")
    if not cells["masks"] and cells["read"]:
        reader.wrong("its column read is for masks; of ticks, the scoring table says which slices were read")
    strange = [rater for rater in read if "" not in masks and masks and rater not in masks]
    if strange:
        reader.wrong(f"its column read names '{strange[0]}', who has no mask")
    if reader.problems or image is None:
        return None, reader.problems
    split = cells["split"].lower()
    return StudyRow(case, structure, image, bone, template, scores, masks, read, split), []


@dataclass
class _Reader:
    """Reads the cells of one line, and notes what is wrong with each."""

    folder: Path
    place: str
    case: str
    structure: str
    problems: list[Problem] = field(default_factory=list)

    def wrong(self, text: str, way_out: str = "Correct that line.") -> None:
        self.problems.append(Problem(f"{self.place}: {text}. {way_out}", self.case, self.structure))

    def file(self, what: str, cell: str) -> Path | None:
        if not cell:
            self.wrong(f"it names no {what}")
            return None
        try:
            path = inside(self.folder, cell, f"path of the {what}")
        except Failure as failure:
            self.wrong(failure.wrong.rstrip("."), failure.way_out)
            return None
        if not path.exists():
            self.wrong(f"its {what} '{cell}' is missing", "Put the file there, or correct its path.")
            return None
        return path

    def part(self, what: str, cell: str) -> Part | None:
        name, _, which = cell.rpartition("#")
        if name and not self._there(cell):
            path = self.file(what, name)
            return None if path is None else Part(path, which.strip())
        path = self.file(what, cell)
        return None if path is None else Part(path)

    def _there(self, cell: str) -> bool:
        try:
            return inside(self.folder, cell).exists()
        except Failure:
            return False

    def masks(self, cell: str) -> dict[str, Part]:
        if not cell:
            return {}
        try:
            named = parse_label_files(cell) if "=" in cell else {"": cell}
        except ValueError as error:
            self.wrong(f"its masks are not understood: {error}", "Write, for example, anna=anna.nrrd;ben=ben.nrrd.")
            return {}
        parts = {rater: self.part(f"mask of '{rater}'" if rater else "mask", path) for rater, path in named.items()}
        return {rater: part for rater, part in parts.items() if part is not None}

    def read(self, cell: str) -> dict[str, Slices]:
        try:
            read = parse_slices_cell(cell)
        except ValueError as error:
            self.wrong(f"its column read is not understood: {error}", "Write, for example, anna: 3-10, 15; ben: 4.")
            return {}
        if len({slices.axis for slices in read.values()}) > 1:
            self.wrong("its column read counts slices along different axes")
        return read

    def grid(self, cells: Mapping[str, str]) -> tuple[GridTemplate | None, Path | None]:
        """The template and its scoring table."""
        if not cells["grid"]:
            if cells["scores"] or (cells["bone"] and not cells["masks"]):
                self.wrong("it names no grid for its scores or its bone mask")
            return None, None
        if not cells["bone"]:
            self.wrong("it has a grid without a bone mask", "Draw the bone, or import it, and name its file.")
        path = self.file("grid", cells["grid"])
        template = None
        try:
            template = read_template(path) if path is not None else None
        except Failure as failure:
            self.wrong(failure.wrong.rstrip("."), failure.way_out)
        return template, self.file("scores", cells["scores"]) if cells["scores"] else self._only_scores()

    def _only_scores(self) -> Path | None:
        found = [self.folder / name for name in SCORES if (self.folder / name).is_file()]
        if len(found) != 1:
            listed = ", ".join(SCORES)
            self.wrong(f"it names no scoring table, and the folder has {len(found)} of {listed}", "Name its file.")
            return None
        return found[0]
