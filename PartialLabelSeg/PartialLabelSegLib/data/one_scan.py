"""One scan of a data set in a folder of its own, as a run keeps it: to be looked at without importing the others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..run.failure import Failure
from .case import Case, CaseSource, Cohort, write_case
from .geometry import Grid
from .labels import Labels
from .types import Problem, Structure


@dataclass(frozen=True)
class OneScan:
    """A scan that was written. structures: all that its data set knows, with colour and terminology. problems: those of this scan."""

    case: Case
    structures: tuple[Structure, ...]
    problems: tuple[Problem, ...]

    def to_json(self) -> dict[str, Any]:
        """What was written, as plain JSON values; no place on the disk is named."""
        return {
            "case": self.case.name,
            "size": list(self.case.grid.size),
            "structures": [
                {"name": item.name, "color": list(item.color), "terminology": item.terminology}
                for item in self.structures
            ],
            "problems": [{"severity": item.severity, "sentence": item.sentence()} for item in self.problems],
        }


def write_one_scan(cohort: Cohort, name: str, folder: Path) -> OneScan:
    """Writes the scan of this name into `folder` (new or empty), see `write_case`; drawings that cannot be used are left out, and a problem says so.

    Failure: there is no such scan, it cannot be read, or the folder is not free.
    """
    source = next((item for item in cohort.sources if item.case == name), None)
    if source is None:
        known = next((item.message for item in cohort.problems if item.case == name), "")
        way_out = "" if known else "Look whether its files were moved or renamed."
        raise Failure(known or f"the data set has no scan '{name}' (any more).", way_out=way_out)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Failure(f"{folder.name} is not empty.", way_out="Choose a new folder with --out.")
    problems: list[Problem] = []
    try:
        case = write_case(folder, _with_what_can_be_used(source, cohort.structures, problems), name)
    except Failure as failure:
        # Whoever asked for one scan knows its name.
        raise Failure(failure.wrong, way_out=failure.way_out, structure=failure.structure) from None
    return OneScan(case, cohort.structures, tuple(problems))


def _with_what_can_be_used(
    source: CaseSource, structures: tuple[Structure, ...], problems: list[Problem]
) -> CaseSource:
    """The same source, whose labels never fail: nothing is drawn where they cannot be used. What is wrong with them goes into `problems`."""

    def read(grid: Grid) -> Labels:
        labels, found = source.labels_and_problems(grid)
        problems.extend(replace(item, case="") for item in found)
        if labels is not None:
            return labels
        names = tuple(structure.name for structure in structures)
        return Labels.expert(names, np.zeros(grid.shape, np.uint8), (False,) * len(names))

    return replace(source, read_labels=read)
