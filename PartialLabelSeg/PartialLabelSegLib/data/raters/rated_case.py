"""The scans of a study, one after the other, each with its raters' readings; every mistake is found before anything is made of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ...run.failure import Failure
from ..geometry import Grid
from ..image_io import read_scan
from ..types import Problem
from .mask_file import read_mask, read_masks
from .rated import RatedScan
from .score_rows import read_rows
from .scores import Key, Target, readings_of
from .study import Study, StudyRow
from .types import Mistakes, Reading


@dataclass(frozen=True, eq=False)
class RatedCase:
    """A scan with what its raters said of each structure. series: the folder of its DICOM series, if it is one. warnings: what to look at."""

    case: str
    image: sitk.Image
    structures: Mapping[str, RatedScan]
    split: str = ""
    series: Path | None = None
    warnings: tuple[Problem, ...] = ()

    @property
    def grid(self) -> Grid:
        return Grid.from_image(self.image)


@dataclass
class _Found:
    """What is wrong so far, and the readings of the scoring tables."""

    problems: list[Problem]
    ticked: dict[Key, tuple[Reading, ...]] = field(default_factory=dict)


def rated_cases(study: Study, first: int = 0) -> Iterator[RatedCase]:
    """The scans of a study, in order; one is in memory at a time. first: with which number scoring tables begin to count, 0 or 1.

    Mistakes: at the end, or at once where the tables already hold some, with all that is wrong in the whole study: whoever writes what is
    yielded must take it back then.
    """
    found = _Found(list(study.problems))
    found.ticked = _ticked(study, first, found.problems)
    usable = not found.problems
    for case in study.cases:
        rated = _rated(study.of_case(case), found)
        usable = usable and not found.problems
        if usable and rated is not None:
            yield rated
    if found.problems:
        raise Mistakes("The study", list(dict.fromkeys(found.problems)))


def _ticked(study: Study, first: int, problems: list[Problem]) -> dict[Key, tuple[Reading, ...]]:
    """The readings of every scoring table, and what is wrong with their rows."""
    by_table: dict[Path, dict[Key, Target]] = {}
    for row in study.rows:
        if row.template is not None and row.scores is not None:
            try:
                grid = scan_grid(row.image)
            except Failure as failure:
                problems.append(Problem.of(failure, row.case))
                continue
            try:
                row.template.check_grid(grid)
            except Failure as failure:
                problems.append(Problem(f"{failure.wrong} {failure.way_out}".strip(), row.case, row.structure))
                continue
            target = Target(row.template, grid.shape[row.template.axis])
            by_table.setdefault(row.scores, {})[(row.case, row.structure)] = target
    result: dict[Key, tuple[Reading, ...]] = {}
    broken = {problem.case for problem in problems}
    for table, targets in by_table.items():
        try:
            readings, wrong = readings_of(read_rows(table), targets, first, broken)
        except Failure as failure:
            problems.append(Problem.of(failure))
            continue
        result.update(readings)
        problems += wrong
        unread = [key for key, found in readings.items() if not found] if not wrong else []
        text = (
            f"{table.name} has no row of anybody who read it. Leave its line out of the study, or complete the table."
        )
        problems += [Problem(text, *key) for key in unread]
    return result


def scan_grid(path: Path) -> Grid:
    """The grid of a scan, from its header alone where that is enough. Failure as `read_scan`."""
    if path.is_file():
        reader = sitk.ImageFileReader()
        reader.SetFileName(str(path))
        try:
            reader.ReadImageInformation()
            if reader.GetDimension() == 3:
                return Grid(reader.GetSize(), reader.GetSpacing(), reader.GetOrigin(), reader.GetDirection())
        except (RuntimeError, ValueError):
            # What is wrong is said by the one who reads it whole.
            pass
    return Grid.from_image(read_scan(path))


def _rated(rows: tuple[StudyRow, ...], found: _Found) -> RatedCase | None:
    """The scan of these lines, None where something is wrong, which is noted."""
    case, warnings = rows[0].case, []
    structures: dict[str, RatedScan] = {}
    try:
        image = read_scan(rows[0].image)
        array = sitk.GetArrayFromImage(image)
    except Failure as failure:
        found.problems.append(Problem.of(failure, case))
        return None
    for row in rows:
        ticked = found.ticked.get((case, row.structure), ())
        if row.template is not None and not ticked:
            continue
        try:
            structures[row.structure], noted = _rated_scan(row, ticked, Grid.from_image(image), array)
        except Failure as failure:
            text = f"{failure.wrong} {failure.way_out}".strip()
            found.problems.append(Problem(text, case, row.structure))
            continue
        warnings += [Problem(item.message, case, row.structure, "warning") for item in noted]
    series = rows[0].image if rows[0].image.is_dir() else None
    return RatedCase(case, image, structures, rows[0].split, series, tuple(warnings)) if structures else None


def _rated_scan(
    row: StudyRow, ticked: tuple[Reading, ...], grid: Grid, image: np.ndarray
) -> tuple[RatedScan, tuple[Problem, ...]]:
    bone, warnings = read_mask(row.bone, grid) if row.bone is not None else (None, ())
    if bone is not None and not bone.any():
        raise Failure("its bone mask is empty.", way_out="Draw the bone, or name another file.")
    drawn, noted = _drawn(row, grid)
    both = {reading.rater for reading in ticked} & {reading.rater for reading in drawn}
    if both:
        raise Failure(f"'{min(both)}' has ticks and a mask of it.", way_out="Keep one of the two.")
    try:
        scan = RatedScan((*ticked, *drawn), grid.shape, row.template, bone, image)
    except ValueError as error:
        raise Failure(f"its readings do not fit the scan: {error}.", way_out="Correct the study.") from None
    return scan, (*warnings, *noted)


def _drawn(row: StudyRow, grid: Grid) -> tuple[tuple[Reading, ...], tuple[Problem, ...]]:
    """The readings of a line's masks, by the raters' names."""
    masks: dict[str, np.ndarray] = {}
    warnings: tuple[Problem, ...] = ()
    for rater, part in row.masks.items():
        more, noted = ({}, ()) if rater else read_masks(part.path, grid)
        if rater:
            more[rater], noted = read_mask(part, grid)
        masks.update(more)
        warnings += noted
    strange = sorted(set(row.read) - set(masks))
    if strange:
        raise Failure(f"the column read names '{strange[0]}', who has no mask.", way_out="Correct the name.")
    axis = next((where.axis for where in row.read.values()), row.template.axis if row.template is not None else 0)
    readings = []
    for rater in sorted(masks):
        slices = frozenset(row.read[rater].indices) if rater in row.read else None
        readings.append(Reading(row.case, rater, slices, (), masks[rater], axis))
    return tuple(readings), warnings
