"""Regressed sizes of a cell: learned once for all rows that learn them from the same labels, or for an oracle the true ones."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from benchmarks.kinds_cell import Cell
from PartialLabelSegLib.begin import open_session
from PartialLabelSegLib.data.sizes import read_sizes, write_sizes
from PartialLabelSegLib.run.folder import RunFolder
from PartialLabelSegLib.train.session import Session
from PartialLabelSegLib.train.sizes import oracle_sizes, size_mark, sizes_file


def hand_in_sizes(cell: Cell, run: RunFolder, truth: Path) -> None:
    """Puts what another row's regressor found, or the truth, where the sizes regressed in the run would be. Neither method, margin nor steps have a part in them."""
    if not cell.row.bounds or (not cell.row.oracle and not shared(cell, run).exists()):
        return
    session = _opened(run, truth)
    path = sizes_file(session, 0)
    if not path.exists():
        table = oracle_sizes(session) if cell.row.oracle else read_sizes(shared(cell, run))
        write_sizes(path, replace(table, made_with=size_mark(session, 0)))


def keep_sizes(cell: Cell, session: Session) -> None:
    """Keeps what this run's regressor found for the rows that follow."""
    path = sizes_file(session, 0)
    kept = shared(cell, session.run)
    if path.exists() and not cell.row.oracle and not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_sizes(kept, read_sizes(path))


def shared(cell: Cell, run: RunFolder) -> Path:
    """The file for all cells of a work folder that have the same scans, labels and seed. Doubtful labels teach sizes only where they are taken as given."""
    made = cell.row.made
    given = cell.row.doubtful == "as-given" and made.quick > 0
    words = f"{cell.study.name} fold{cell.fold} seed{cell.seed} {made.checked:.4f} {made.quick:.4f} {made.level} {made.alpha}{' given' * given}"
    return run.path.parents[1] / "sizes" / f"{re.sub(r'[^a-z0-9.-]+', '_', words.lower())}.json"


def _opened(run: RunFolder, truth: Path) -> Session:
    story = open_session(run, truth)
    while True:
        try:
            next(story)
        except StopIteration as end:
            session: Session = end.value
            return session
