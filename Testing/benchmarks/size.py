"""Bounds on sizes: the left ventricle with 5, 10 and 20 labelled patients as in the paper's Table 1, and organs of which a tenth or a third are labelled.

    python3 Testing bench size                       all rows once
    python3 Testing bench size --seeds 0,1,2         three networks of each row
    python3 Testing bench size --tables-of "n = 5"   only tables whose name contains this
    python3 Testing bench size --tables              the tables of what has run

Each row's result is kept in the work folder, so that an interrupted benchmark goes on.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.kinds_cell import Bench, Cell
from benchmarks.kinds_command import read_arguments, run_cells
from benchmarks.kinds_rows import Row
from benchmarks.kinds_sizes import hand_in_sizes, keep_sizes
from benchmarks.kinds_study import CHECKED
from benchmarks.size_rows import size_rows
from benchmarks.size_table import write_tables
from PartialLabelSegLib.data.label_files import read_labels
from PartialLabelSegLib.data.sizes import SizeTable, read_sizes
from PartialLabelSegLib.train.session import Session
from PartialLabelSegLib.train.sizes import sizes_file

ROWS = size_rows()
STEPS, ORGAN_STEPS = 500, 1000
LOOKS = 16


def steps_of(row: Row) -> int:
    """Seven organs take longer than one ventricle."""
    return ORGAN_STEPS if row.study == "openkbp" else STEPS


def looks_of(row: Row) -> int:
    """The paper's table is about the curve of the validation Dice."""
    return 0 if row.study == "openkbp" else LOOKS


def intervals(cell: Cell, session: Session, truth: Path) -> Mapping[str, Any]:
    """Per structure, of every scan in whose learning and choosing its true volume had no part: whether the interval held it, its width over it, the error of its middle."""
    path = sizes_file(session, 0)
    if not path.exists() or cell.row.oracle:
        return {}
    keep_sizes(cell, session)
    return {"intervals": judged(read_sizes(path), cell, true_volumes(cell, session, truth))}


def true_volumes(cell: Cell, session: Session, truth: Path) -> dict[str, dict[str, float]]:
    """mL by structure and scan, of scans in which the structure is there and nobody said so."""
    kinds = cell.study.kinds(cell.fold, cell.row.made)
    found: dict[str, dict[str, float]] = {name: {} for name in cell.study.structures}
    for case in session.of_split("train"):
        labels = read_labels(truth / case.folder.name, case.name)[0]
        for name, kind in zip(cell.study.structures, kinds[case.name]):
            if kind != CHECKED and labels.voxels(name):
                found[name][case.name] = labels.voxels(name) * case.grid.voxel_ml
    # Where a curve is wanted, the held-out scans were looked at with their labels.
    for scan in () if cell.validated else cell.study.split(cell.fold)[0]:
        for value, name in enumerate(cell.study.structures, 1):
            if (scan.truth == value).any():
                found[name][scan.name] = float(np.count_nonzero(scan.truth == value)) * scan.grid.voxel_ml
    return found


def judged(table: SizeTable, cell: Cell, volumes: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    result = {}
    for name in cell.study.structures:
        pairs = [(table.volume_ml(case, name), ml) for case, ml in volumes[name].items()]
        said = [(interval, ml) for interval, ml in pairs if interval is not None]
        result[name] = {
            "promised": table.coverage(name),
            "inside": [interval.holds(ml) for interval, ml in said],
            "width": [(interval.high - interval.low) / ml for interval, ml in said],
            "error": [abs(interval.value - ml) / ml for interval, ml in said],
        }
    return result


def main(arguments: list[str]) -> int:
    chosen = read_arguments("size", __doc__, ROWS, arguments)
    bench = Bench(chosen.work, intervals, hand_in_sizes)
    if not chosen.tables:
        cells = chosen.cells(bench, steps_of, looks_of)
        run_cells(bench, cells, lambda: write_tables(chosen.work, chosen.out))
    write_tables(chosen.work, chosen.out)
    return 0
