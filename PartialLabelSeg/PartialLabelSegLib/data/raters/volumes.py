"""`volumes.csv`: what each rater and the label of them all make of a structure, in ticked cells (the KIMRISS score) and in mL."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np

from ...run.files import replacing
from .rated import RatedScan
from .recipe import Made

RATER, HARD, SOFT = "rater", "hard", "soft"


@dataclass(frozen=True)
class RatedVolume:
    """One line. kind: 'rater', or the label of all raters 'hard' (at the threshold) or 'soft' (expected values).

    slices_read: by that rater, or by any. ticked_cells: cells with a grade above 0; of 'hard' those whose mean grade reaches the threshold, of 'soft'
    the sum of the mean grades; None without a grid. voxels: of 'soft' the sum of the probabilities. ml: their volume; of a rater who ticked, that of the
    ticked cells inside the bone.
    """

    case: str
    structure: str
    kind: str
    rater: str
    slices_read: int
    ticked_cells: float | None
    voxels: float
    ml: float


def volumes_of(case: str, structure: str, made: Made, masks: np.ndarray, voxel_ml: float) -> tuple[RatedVolume, ...]:
    """The lines of one structure in one scan. masks: bool (raters, z, y, x), see `rater_masks`."""
    scan, grades = made.scan, mean_grades(made.scan)
    rows = []
    for reading, mask in zip(scan.readings, masks):
        cells = None if reading.mask is not None else float(sum(tick.grade > 0 for tick in reading.ticks))
        read, voxels = int(reading.read(scan.count).sum()), float(np.count_nonzero(mask))
        rows.append(RatedVolume(case, structure, RATER, reading.rater, read, cells, voxels, voxels * voxel_ml))
    read = int(np.count_nonzero(made.label.readers))
    for kind in (HARD, SOFT):
        chosen = made.hard() if kind == HARD else made.label.plane
        voxels = float(chosen.sum(dtype=np.float64))
        cells = None
        if grades is not None:
            cells = float(np.count_nonzero(grades >= made.threshold) if kind == HARD else grades.sum())
        rows.append(RatedVolume(case, structure, kind, "", read, cells, voxels, voxels * voxel_ml))
    return tuple(rows)


def mean_grades(scan: RatedScan) -> np.ndarray | None:
    """float64 (slices, rows, columns): the mean grade of each cell over the raters who read its slice, 0 where nobody did; None without a grid.

    Raters with masks take no part.
    """
    tickers = [reading for reading in scan.readings if reading.mask is None]
    if scan.template is None or not tickers:
        return None
    sums = np.zeros((scan.count, scan.template.rows, scan.template.columns))
    for reading in tickers:
        for tick in reading.ticks:
            sums[tick.cell] += tick.grade
    readers = np.sum([reading.read(scan.count) for reading in tickers], axis=0)
    return np.asarray(sums / np.maximum(readers, 1)[:, None, None])


def write_volumes(path: Path, rows: Iterable[RatedVolume]) -> None:
    with replacing(path) as beside, open(beside, "w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow([item.name for item in fields(RatedVolume)])
        writer.writerows([_cell(value) for value in astuple(row)] for row in rows)


def _cell(value: str | float | None) -> str:
    if isinstance(value, float):
        return f"{value:.6g}" if not value.is_integer() else str(int(value))
    return "" if value is None else str(value)
