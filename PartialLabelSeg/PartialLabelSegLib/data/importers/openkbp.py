"""The OpenKBP challenge's CSV format (Babier et al., Med Phys 2021, doi 10.1002/mp.14845): `pt_*/ct.csv` with one file per organ.

Files list voxels by flat index into a cube of 128 x 128 x 128 whose axes run front to back, right to left, and head to feet;
`voxel_dimensions.csv` gives the spacing in mm along these. An organ without a file was not contoured: it is missing, never absent.
Organs exclude each other; a few voxels belong to two of them in the published data, and stay positive for both.
"""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ...run.failure import Failure
from ..geometry import Grid
from ..placing import place_labels
from ..types import Problem, State, structures_named
from .draft import DataSet, Draft
from .drawing import Drawing, drawn_in

ORGANS = ("Brainstem", "SpinalCord", "RightParotid", "LeftParotid", "Esophagus", "Larynx", "Mandible")
SIDE = 128
_SPLITS = {"train-pats": "train", "validation-pats": "validation", "test-pats": "test"}
_AGAIN = "Download that patient again."


def patients_in(folder: Path) -> list[Path]:
    """The patients' folders in `folder` or up to two levels below, in the order of their numbers."""
    found = [path.parent for levels in ("", "*/", "*/*/") for path in folder.glob(f"{levels}pt_*/ct.csv")]
    return sorted(
        found, key=lambda path: (path.parent.name, [int(digits) for digits in re.findall(r"\d+", path.name)], path.name)
    )


def read_openkbp(folder: Path, absent: str = "missing") -> DataSet:
    """The data set of a folder. Where it holds more than one of the study's sets, their names say the split."""
    patients = patients_in(folder)
    sets = {patient.parent.name for patient in patients}
    drafts: list[Draft] = []
    problems = []
    for patient in patients:
        split = _SPLITS.get(patient.parent.name, "") if len(sets) > 1 else ""
        states = {name: State.LABELLED if (patient / f"{name}.csv").is_file() else State.MISSING for name in ORGANS}
        if not (patient / "voxel_dimensions.csv").is_file():
            problems.append(Problem(f"its voxel_dimensions.csv is missing. {_AGAIN}", patient.name))
        elif any(draft.case == patient.name for draft in drafts):
            problems.append(Problem("two folders are cases of this name. Rename one of them.", patient.name))
        else:
            draw = partial(_draw, patient, states, absent)
            holds = frozenset(name for name, state in states.items() if state is State.LABELLED)
            drafts.append(Draft(patient.name, partial(_read_ct, patient), draw, states, split, None, holds))
    return DataSet("OpenKBP", structures_named(ORGANS), drafts, problems)


def _grid(patient: Path) -> Grid:
    """The cube in LPS: x to the left, y to the back, z to the head; its origin, which the study does not give, is 0."""
    values = _numbers(patient / "voxel_dimensions.csv", 0)[:, 0]
    if values.size != 3 or not np.all(values > 0):
        raise Failure(f"voxel_dimensions.csv must hold three positive numbers, got {values.tolist()}.", way_out=_AGAIN)
    spacing = (float(values[1]), float(values[0]), float(values[2]))
    return Grid((SIDE, SIDE, SIDE), spacing, (0.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0))


def _read_ct(patient: Path) -> sitk.Image:
    rows = _numbers(patient / "ct.csv", 1)
    if rows.shape[1] < 2 or not len(rows):
        raise Failure("ct.csv holds no grey values.", way_out=_AGAIN)
    cube = np.zeros(SIDE**3, np.float32)
    cube[_indices(rows, "ct.csv")] = rows[:, 1]
    whole = bool(np.array_equal(cube, np.rint(cube))) and np.abs(cube).max() <= np.iinfo(np.int16).max
    return _grid(patient).image(_in_patient_order(cube.astype(np.int16) if whole else cube))


def _draw(patient: Path, states: dict[str, State], absent: str, grid: Grid) -> Drawing:
    drawn = {}
    said = dict(states)
    for name in [name for name in ORGANS if states[name] is State.LABELLED]:
        file = patient / f"{name}.csv"
        try:
            cube = np.zeros(SIDE**3, np.uint8)
            cube[_indices(_numbers(file, 1), file.name)] = 1
        except Failure as failure:
            raise Failure(failure.wrong, way_out=failure.way_out, structure=name) from None
        labels = place_labels(_in_patient_order(cube), _grid(patient), grid)
        drawn.update(drawn_in(labels, {name: (1,)}))
        if name not in drawn and absent == "absent":
            said[name] = State.ABSENT
    return Drawing(drawn, said)


def _in_patient_order(cube: np.ndarray) -> np.ndarray:
    """The flat cube (front to back, right to left, head to feet) as (z, y, x) with z to the head, y to the back, x to the left."""
    return np.ascontiguousarray(cube.reshape(SIDE, SIDE, SIDE).transpose(2, 0, 1)[::-1])


def _indices(rows: np.ndarray, file: str) -> np.ndarray:
    indices = rows[:, 0].astype(np.int64)
    if indices.size and (not np.array_equal(indices, rows[:, 0]) or indices.min() < 0 or indices.max() >= SIDE**3):
        raise Failure(f"{file} names voxels that are not in the cube of {SIDE} x {SIDE} x {SIDE}.", way_out=_AGAIN)
    return indices


def _numbers(file: Path, header: int) -> np.ndarray:
    """The table of a file as float64 (rows, columns), without `header` first lines; a last column that is empty is left out."""
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()[header:]
        cells = [line.strip().rstrip(",").split(",") for line in lines if line.strip()]
        table = np.array(cells, np.float64) if cells else np.zeros((0, 2))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is damaged or of another format"
        raise Failure(f"{file.name} cannot be read ({reason}).", way_out=_AGAIN) from None
    if table.ndim != 2 or not np.isfinite(table).all():
        raise Failure(f"{file.name} is not a table of numbers.", way_out=_AGAIN)
    return table
