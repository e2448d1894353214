"""Weights learned from trusted labels (MLB-Seg): what a step costs, and what is learned from noisy labels, from none, and from both.

    python3 Testing bench meta                            everything once; on two cores some hours
    python3 Testing bench meta --tables-of "Dice 0.62"    only tables whose name contains this
    python3 Testing bench meta --rows "MLB-Seg|trusted"   only rows whose title contains one of these
    python3 Testing bench meta --folds 0,1 --seeds 0,1
    python3 Testing bench meta --cost                     the cost alone, once more, on a quiet machine
    python3 Testing bench meta --tables                   the tables of what has run

Each row's result is kept in the work folder, so that an interrupted benchmark goes on.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.kinds_cell import Bench, Cell
from benchmarks.kinds_command import read_arguments, run_cells
from benchmarks.meta_cost import measure
from benchmarks.meta_rows import meta_rows
from benchmarks.meta_table import write_tables
from benchmarks.planted import planted_errors
from benchmarks.tables import load
from PartialLabelSegLib.run.files import write_json
from PartialLabelSegLib.train.device import be_a_good_neighbour
from PartialLabelSegLib.train.session import Session

ROWS = meta_rows()
STEPS = 600
COST_ROUNDS, COST_STEPS = 7, 3


def found_errors(cell: Cell, session: Session, truth: Path) -> Mapping[str, Any]:
    """Of rows whose labels were corrupted and weighed: what the weights say of each voxel."""
    if cell.row.doubtful != "weigh" or not cell.row.made.quick:
        return {}
    return {"planted": dict(planted_errors(session, truth))}


def measure_cost(work: Path, threads: int) -> None:
    """Leaves `cost.json` in the work folder."""
    be_a_good_neighbour(threads)
    write_json(work / "cost.json", {**measure(COST_ROUNDS, COST_STEPS), "load": load()})


def main(arguments: list[str]) -> int:
    only_cost = "--cost" in arguments
    chosen = read_arguments("meta", __doc__, ROWS, [word for word in arguments if word != "--cost"])
    bench = Bench(chosen.work, found_errors)
    if only_cost or not ((chosen.work / "cost.json").exists() or chosen.tables):
        measure_cost(chosen.work, chosen.threads)
    if not (only_cost or chosen.tables):
        cells = chosen.cells(bench, lambda _row: STEPS, lambda _row: 0)
        run_cells(bench, cells, lambda: write_tables(chosen.work, chosen.out))
    write_tables(chosen.work, chosen.out)
    return 0
