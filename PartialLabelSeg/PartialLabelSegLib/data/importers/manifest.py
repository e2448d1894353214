"""The manifest `cases.csv`: one line per scan, one column per structure saying labelled, missing or absent.

`labels` is one of: nothing (an unlabelled scan); a label map, whose values `structures.json` names (else the structure columns
are the values 1..K in order); a `.seg.nrrd`; or several masks, `Liver=liver.nii.gz;Spleen=spleen.nii.gz`, which may overlap.
Structures that share voxels in one scan may overlap in all: found by reading such masks and segments beforehand, unless
`"overlapping": [["Liver", "Tumour"]]` in `structures.json` says which do.
`soft` names a JSON file with a probability volume per structure, as several raters leave them (data/importers/soft.py).
`made` says how the labels of a scan were made, checked (also where it is empty) or quick: `quick`, or `Liver: quick`, or `quick; Spleen: checked`.
`slices` is text such as `Liver: 3-10, 15; Spleen@y: 4` (from 0, along the scan's stored axes, z unless said) or a JSON file.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from ...run.failure import Failure
from ...run.files import inside, read_json
from ..case import SPLITS
from ..image_io import read_scan
from ..labels import Slices
from ..types import QUICK, Problem, State, clean_name
from .cells import EVERY, parse_label_files, parse_made_cell, parse_slices_cell, parse_state, slices_from_json
from .draft import DataSet, Draft
from .manifest_labels import ManifestLabels
from .names import similar_names
from .side_file import Meaning, read_meaning
from .soft import SoftFile, read_soft_files
from .table import Row, read_table


def read_manifest(path: Path) -> DataSet:
    """The data set of a manifest. Failure: the table or `structures.json` as a whole is unusable; what is wrong with one case is a problem."""
    table = read_table(path)
    meaning = read_meaning(path.parent, table.structures)
    problems = [*table.problems, *meaning.problems, *similar_names(table.structures)]
    drafts: list[Draft] = []
    for row in table.rows:
        name = clean_name(row.fixed["case"])
        if not name:
            problems.append(
                Problem(f"line {row.line} of {path.name} has no case name. Give each scan a name of its own.")
            )
        elif any(draft.case == name for draft in drafts):
            problems.append(
                Problem(
                    f"line {row.line} of {path.name} names a case that is there already. Give each scan a name of its own.",
                    name,
                )
            )
        else:
            draft, found = _draft(name, row, path.parent, meaning)
            problems += found
            drafts += [draft] if draft is not None else []
    return DataSet("manifest", meaning.structures, drafts, problems, meaning.overlapping or frozenset())


def _draft(name: str, row: Row, folder: Path, meaning: Meaning) -> tuple[Draft | None, list[Problem]]:
    """The case of one line, None where something in the line is wrong, and everything that is."""
    states, problems = _states(name, row)
    slices: Mapping[str, Slices] = {}
    files: dict[str, Path] = {}
    image = folder
    try:
        image = _existing(folder, row.fixed["image"], "image")
    except Failure as failure:
        problems.append(Problem.of(failure, name))
    try:
        files = _label_files(folder, row.fixed["labels"], meaning)
    except Failure as failure:
        problems.append(Problem.of(failure, name))
    try:
        slices = _slices(folder, row.fixed["slices"], states)
    except Failure as failure:
        problems.append(Problem.of(failure, name))
    soft: dict[str, SoftFile] | None = None
    try:
        soft = _soft(folder, row.fixed["soft"], states, slices)
    except Failure as failure:
        problems.append(Problem.of(failure, name))
    quick: frozenset[str] = frozenset()
    try:
        quick = _quick(row.fixed["made"], states)
    except Failure as failure:
        problems.append(Problem.of(failure, name))
    split = row.fixed["split"].lower()
    if split not in SPLITS:
        problems.append(
            Problem(
                f"its split '{row.fixed['split']}' is not one of train, validation, test. Correct it or leave it empty.",
                name,
            )
        )
    drawn_states = [key for key, state in states.items() if state in (State.LABELLED, State.SOME_SLICES)]
    if not row.fixed["labels"] and soft is not None:
        text = "it is said to be labelled, but the case names no label file. Name the file, or say 'missing'."
        problems += [Problem(text, name, key) for key in drawn_states if key not in soft]
    if problems or soft is None:
        return None, problems
    partly = {*slices, *(key for key, file in soft.items() if file.slices is not None)}
    states = {key: State.SOME_SLICES if key in partly else state for key, state in states.items()}
    labels = ManifestLabels(files, states, slices, meaning, soft, quick)
    own = labels.draw_own if (files or soft) and meaning.overlapping is None else None
    holds = frozenset(key for key, state in states.items() if state is not State.MISSING)
    return Draft(name, partial(read_scan, image), labels.draw, states, split, own, holds), []


def _states(name: str, row: Row) -> tuple[dict[str, State], list[Problem]]:
    states, problems = {}, []
    for structure, cell in row.states.items():
        try:
            states[structure] = parse_state(cell)
        except ValueError as error:
            problems.append(Problem(f"{error}. Correct that cell, or leave it empty for missing.", name, structure))
    return states, problems


def _existing(folder: Path, cell: str, what: str) -> Path:
    if not cell:
        raise Failure(f"it names no {what}.", way_out="Write the path of the file into that cell of the manifest.")
    path = inside(folder, cell, f"path of the {what}")
    if not path.exists():
        raise Failure(
            f"its {what} '{cell}' is missing.", way_out="Put the file there, or correct its path in the manifest."
        )
    return path


def _label_files(folder: Path, cell: str, meaning: Meaning) -> dict[str, Path]:
    """The label files by structure; one file for all has the key ''. Failure: absent, outside the folder, or of an unknown structure."""
    if not cell:
        return {}
    if "=" not in cell or _is_inside_file(folder, cell):
        return {"": _existing(folder, cell, "label file")}
    try:
        named = parse_label_files(cell)
    except ValueError as error:
        raise Failure(
            f"its label files are not understood: {error}.", way_out="Correct that cell of the manifest."
        ) from None
    columns = {structure.name for structure in meaning.structures}
    for structure in named:
        if structure not in columns:
            raise Failure(
                "it has a label file, but the manifest has no column of that name.",
                structure=structure,
                way_out="Add the column.",
            )
    return {structure: _existing(folder, path, "label file") for structure, path in named.items()}


def _is_inside_file(folder: Path, cell: str) -> bool:
    try:
        return inside(folder, cell).is_file()
    except Failure:
        return False


def _slices(folder: Path, cell: str, states: Mapping[str, State]) -> dict[str, Slices]:
    """The slices of structures that are drawn on some only. Failure: not understood, or contradicting the structure's state."""
    try:
        if cell.lower().endswith(".json"):
            found = slices_from_json(read_json(_existing(folder, cell, "list of slices"), "the list of slices"))
        else:
            found = parse_slices_cell(cell)
    except Failure:
        raise
    except ValueError as error:
        raise Failure(
            f"its slices are not understood: {error}.", way_out="Write, for example, Liver: 3-10, 15; Spleen: 4."
        ) from None
    for structure in found:
        if structure not in states:
            raise Failure(
                "it has a list of slices, but the manifest has no such column.",
                structure=structure,
                way_out="Correct the name.",
            )
        if states[structure] in (State.MISSING, State.ABSENT):
            raise Failure(
                f"it is said to be {states[structure].value}, but has a list of slices.",
                structure=structure,
                way_out="Say 'labelled' where it was looked for on these slices.",
            )
    return found


def _soft(folder: Path, cell: str, states: Mapping[str, State], slices: Mapping[str, Slices]) -> dict[str, SoftFile]:
    """The soft labels of a line. Failure: the list is not understood, or contradicts the structure's state."""
    if not cell:
        return {}
    found = read_soft_files(_existing(folder, cell, "list of soft labels"), folder, tuple(states))
    for structure, file in found.items():
        if states[structure] in (State.MISSING, State.ABSENT):
            text = f"it is said to be {states[structure].value}, but has a soft label."
            raise Failure(
                text, structure=structure, way_out="Say 'labelled', or take it out of the list of soft labels."
            )
        if file.slices is not None and structure in slices:
            text = "its slices are listed in the manifest and in the list of soft labels."
            raise Failure(text, structure=structure, way_out="Keep one of the two lists.")
    return found


def _quick(cell: str, states: Mapping[str, State]) -> frozenset[str]:
    """The structures of a line whose labels were made quickly. Failure: not understood, or a structure that is no column."""
    try:
        made = parse_made_cell(cell)
    except ValueError as error:
        raise Failure(
            f"how its labels were made is not understood: {error}.",
            way_out="Write checked, quick, or, for example, Liver: quick; Spleen: checked.",
        ) from None
    for structure in made:
        if structure != EVERY and structure not in states:
            raise Failure(
                "it is said how it was made, but the manifest has no such column.",
                structure=structure,
                way_out="Correct the name.",
            )
    return frozenset(name for name in states if made.get(name, made.get(EVERY)) == QUICK)
