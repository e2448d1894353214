"""Every scan and label of a cohort read once, one case at a time: what is labelled where, and every problem found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import SimpleITK as sitk

from ..run.failure import Failure
from .case import CaseSource, Cohort
from .geometry import Grid
from .labels import Labels
from .recommend import Drawn, LabelCounts, Recommendation, counts_of, recommend
from .types import MADE, Problem, State, Structure

Progress = Callable[[int, int, str], None]
"""Called before each case with the number done, the number of all, and the case's name."""


@dataclass(frozen=True)
class Cell:
    """One structure in one scan. `slices`: on how many of `slices_of` slices it was looked for, 0 of 0 where it is not drawn on some only.

    made: how its label was made, 'checked' or 'quick'; '' where there is none.
    """

    state: State
    voxels: int
    ml: float
    slices: int = 0
    slices_of: int = 0
    made: str = ""


@dataclass(frozen=True)
class Row:
    """One case; without cells where its scan or labels cannot be used. `size` in voxels and `spacing` in mm are (x, y, z)."""

    case: str
    split: str = ""
    cells: Mapping[str, Cell] | None = None
    size: tuple[int, int, int] | None = None
    spacing: tuple[float, float, float] | None = None


@dataclass(frozen=True)
class CheckTable:
    """What a cohort holds: a row per case, and every problem, of the cohort first. looks: colour and terminology of the structures."""

    format: str
    structures: tuple[str, ...]
    rows: tuple[Row, ...]
    problems: tuple[Problem, ...]
    looks: tuple[Structure, ...] = ()

    @property
    def errors(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.severity == "error")

    def count(self, structure: str, state: State) -> int:
        """In how many usable cases a structure has this state."""
        return sum(row.cells is not None and row.cells[structure].state is state for row in self.rows)

    def count_made(self, structure: str, made: str) -> int:
        """In how many usable cases its label was made so; '' counts those where there is none."""
        return sum(row.cells is not None and row.cells[structure].made == made for row in self.rows)

    def counts(self) -> LabelCounts:
        """What the usable cases that are learned from have labels of."""
        scans = [row.cells for row in self.rows if row.cells is not None and row.split != "test"]
        return counts_of(self.structures, ({name: _drawn(cell) for name, cell in cells.items()} for cells in scans))

    def recommendation(self) -> Recommendation:
        return recommend(self.counts())

    def to_json(self) -> dict[str, Any]:
        """The table as plain JSON values; `problems` carry the whole sentence, too. Under `made` a structure's `none` counts the cases without it."""
        return {
            "format": self.format,
            "structures": list(self.structures),
            "looks": {item.name: {"color": list(item.color), "terminology": item.terminology} for item in self.looks},
            "cases": [_row_json(row) for row in self.rows],
            "totals": {name: {state.value: self.count(name, state) for state in State} for name in self.structures},
            "made": {
                name: {made or "none": self.count_made(name, made) for made in (*MADE, "")} for name in self.structures
            },
            "recommendation": self.recommendation().to_json(),
            "problems": [
                {
                    "severity": problem.severity,
                    "case": problem.case,
                    "structure": problem.structure,
                    "message": problem.message,
                    "sentence": problem.sentence(),
                }
                for problem in self.problems
            ],
        }


def _drawn(cell: Cell) -> Drawn:
    return Drawn(cell.state, cell.made, cell.state in (State.LABELLED, State.ABSENT))


def _row_json(row: Row) -> dict[str, Any]:
    cells = {
        name: {
            "state": cell.state.value,
            "voxels": cell.voxels,
            "ml": round(cell.ml, 4),
            "slices": cell.slices,
            "slices_of": cell.slices_of,
            "made": cell.made,
        }
        for name, cell in (row.cells or {}).items()
    }
    return {
        "case": row.case,
        "split": row.split,
        "usable": row.cells is not None,
        "size": list(row.size) if row.size else None,
        "spacing_mm": list(row.spacing) if row.spacing else None,
        "structures": cells,
    }


def check_cohort(cohort: Cohort, progress: Progress | None = None) -> CheckTable:
    """The table of a cohort. Bad data never raise; they become problems. At most one case is in memory at a time."""
    names = tuple(structure.name for structure in cohort.structures)
    problems = list(cohort.problems)
    rows = []
    for number, source in enumerate(cohort.sources):
        if progress is not None:
            progress(number, len(cohort.sources), source.case)
        row, found = check_case(source)
        rows.append(row)
        problems += found
    there = {row.case for row in rows}
    unread = dict.fromkeys(problem.case for problem in cohort.problems if problem.severity == "error" and problem.case)
    rows += [Row(case) for case in unread if case not in there]
    table = CheckTable(cohort.format, names, tuple(rows), tuple(problems))
    never = [
        name for name in names if not table.count(name, State.LABELLED) and not table.count(name, State.SOME_SLICES)
    ]
    text = "it is labelled in no usable case, so it cannot be learned. Draw it in a few scans, or leave it out."
    unlearnable = (
        Problem(text, structure=name, severity="warning") for name in never if not _drawn_somewhere(table, name)
    )
    return CheckTable(cohort.format, names, tuple(rows), (*problems, *unlearnable), cohort.structures)


def _drawn_somewhere(table: CheckTable, name: str) -> bool:
    return any(row.cells is not None and row.cells[name].voxels for row in table.rows)


def check_case(source: CaseSource) -> tuple[Row, list[Problem]]:
    """One case's row and problems."""
    try:
        image = source.read_image()
        grid = Grid.from_image(image)
        problems = _image_problems(image, source.case)
        del image
        labels, found = source.labels_and_problems(grid)
    except Failure as failure:
        return Row(source.case, source.split), [Problem.of(failure, source.case)]
    except (ValueError, RuntimeError, OSError, MemoryError) as error:
        reason = str(error).strip().splitlines()[-1] if str(error).strip() else type(error).__name__
        text = f"its files cannot be used ({reason}). Export the scan and its labels again."
        return Row(source.case, source.split), [Problem(text, source.case)]
    problems += found
    if labels is None or any(problem.severity == "error" for problem in problems):
        return Row(source.case, source.split, None, grid.size, grid.spacing), problems
    cells = {name: _cell(labels, name, grid) for name in labels.structures}
    return Row(source.case, source.split, cells, grid.size, grid.spacing), problems


def _image_problems(image: sitk.Image, case: str) -> list[Problem]:
    array = sitk.GetArrayViewFromImage(image)
    problems = []
    if array.min() == array.max():
        text = f"every voxel of its scan has the value {array.flat[0]:g}. Export the scan again."
        problems.append(Problem(text, case))
    elif np.unique(array[:: max(1, len(array) // 8)]).size <= 2 and _is_binary(array):
        text = "its scan holds only two values, like a mask. Look whether the scan and the labels were interchanged."
        problems.append(Problem(text, case, severity="warning"))
    if min(array.shape) == 1:
        text = "its scan has one slice only. It can be learned from in 2D, not in 3D."
        problems.append(Problem(text, case, severity="warning"))
    return problems


def _is_binary(array: np.ndarray) -> bool:
    low, high = array.min(), array.max()
    return all(bool(np.all((plane == low) | (plane == high))) for plane in array)


def _cell(labels: Labels, name: str, grid: Grid) -> Cell:
    state, voxels = labels.state(name), labels.voxels(name)
    where = labels.slices.get(name)
    slices, slices_of = (len(where.indices), grid.shape[where.axis]) if where is not None else (0, 0)
    return Cell(state, voxels, voxels * grid.voxel_ml, slices, slices_of, Drawn.of(labels, name).made)
