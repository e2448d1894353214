"""Learning from several raters on real scans: what label is made of the readers' masks or ticks, and with what loss it is learned.

    python3 Testing bench raters                           all rows once, on two cores about an hour
    python3 Testing bench raters --folds 0,1,2,3 --seeds 0,1 --steps 2000
    python3 Testing bench raters --parts instance          the rows of ticks once more, with an instance network as in the paper
    python3 Testing bench raters --rows "readers: mean"    only rows whose name contains this

Each cell (row, fold, seed, steps) is kept in the work folder, so that an interrupted benchmark goes on.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.cells import finished, kept
from benchmarks.raters_measure import found_instances, measure_scan, readers_themselves, together
from benchmarks.raters_rows import GRID, PARTS, READERS, ROWS, Row
from benchmarks.raters_speed import measure_speed
from benchmarks.raters_study import STRUCTURE, Nodule, Split, labels_of, nodules, unseen
from benchmarks.raters_table import write_tables
from PartialLabelSegLib.begin import Head
from PartialLabelSegLib.config import Configuration, Relabelling
from PartialLabelSegLib.data.case import CaseSource, write_case
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.labels import Labels
from PartialLabelSegLib.data.prediction import ONE, read_prediction
from PartialLabelSegLib.data.types import structures_named
from PartialLabelSegLib.run.files import read_json, write_json
from PartialLabelSegLib.run.folder import RunFolder
from PartialLabelSegLib.train.session import Session

PROJECT = Path(__file__).resolve().parents[2]
NETWORK: dict[str, Any] = {
    "patch": [1, 64, 64],
    "widths": [16, 32, 64, 128],
    "strides": [[1, 1, 1], [1, 2, 2], [1, 2, 2], [1, 2, 2]],
    "batch": 12,
    # Of windows that all lie around a nodule a network learns that it is in the middle.
    "foreground_share": 0.5,
    # What the plan finds on the consensus; on each row's own labels it would differ from row to row.
    "own_scale": False,
    "intensity": {"low": 0.0, "high": 224.0, "mean": 99.0, "std": 35.0},
}
"""The same for every row."""


@dataclass(frozen=True)
class Cell:
    """One training."""

    row: Row
    fold: int
    seed: int
    steps: int

    @property
    def name(self) -> str:
        words = f"{self.row.name} fold{self.fold} seed{self.seed} {self.steps}"
        return re.sub(r"[^a-z0-9+-]+", "_", words.lower())

    def configuration(self) -> Configuration:
        plan = {**NETWORK, **self.row.plan(), "steps": self.steps}
        # No validation: a network is the running average of the last weights, whatever its labels would say of it.
        choices = Relabelling(method="ambiguity-only", rounds=0, confidence="mcp")
        return Configuration(dimensions="2.5d", seed=self.seed, validation_share=0.0, relabelling=choices, plan=plan)


def run_cell(cell: Cell, split: Split, work: Path) -> dict[str, Any]:
    """Trains and measures one cell; its result is read from the work folder where it is there."""
    folder = work / cell.name

    def measured() -> dict[str, Any]:
        run = RunFolder(folder / "run")
        if not run.head.exists():
            _import(cell, split, run)
        session = finished(run)
        training = read_json(session.round(0).training, "curves")
        said = {"row": cell.row.name, "part": cell.row.part, "fold": cell.fold, "seed": cell.seed, "steps": cell.steps}
        return {**said, "train_seconds": training["seconds"], **_measured(session, split)}

    return kept(folder, measured)


def _import(cell: Cell, split: Split, run: RunFolder) -> None:
    cases = []
    for item in (*split.training, *split.tests):
        part = "train" if item in split.training else "test"
        labels = labels_of(item, cell.row.labels, item.name in split.lost) if part == "train" else unseen(item)
        case = write_case(
            run.case(item.name), CaseSource(item.name, item.read_image, _giving(labels), split=part), item.name
        )
        cases.append((case.name, case.folder.name, part))
    run.write_head(Head(cell.configuration(), structures_named((STRUCTURE,)), frozenset(), tuple(cases)).to_json())


def _giving(labels: Labels) -> Callable[[Grid], Labels]:
    return lambda _grid: labels


def _measured(session: Session, split: Split) -> dict[str, Any]:
    """On the test scans, of whose readers no row has seen any."""
    tests = {item.name: item for item in split.tests}
    names, scans = [], []
    for case in session.of_split("test"):
        folder = session.round(0).prediction(case.folder.name)
        prediction, _ = read_prediction(folder, case.name)
        probability = prediction.probability.astype(np.float32) / np.float32(ONE)
        names.append(case.name)
        scans.append(measure_scan(tests[case.name], probability, found_instances(folder)))
    return together(names, scans)


def _readers(split: Split, fold: int, work: Path) -> None:
    path = work / f"readers_fold{fold}" / "readers.json"
    if not path.exists():
        write_json(path, {"fold": fold, **readers_themselves(split.tests)})


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python3 Testing bench raters", description=__doc__)
    parser.add_argument("--parts", default=f"{READERS},{GRID}", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--rows", default="", help="only rows whose name contains this")
    parser.add_argument("--folds", default="0")
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--steps", type=int, default=700)
    parser.add_argument("--most", type=int, default=0, help="only so many nodules (a trial)")
    parser.add_argument("--work", type=Path, default=PROJECT / ".venv" / "bench-raters")
    parser.add_argument("--out", type=Path, default=PROJECT / "Resources" / "Benchmarks")
    chosen = parser.parse_args(arguments)
    folds, seeds = ([int(word) for word in text.split(",")] for text in (chosen.folds, chosen.seeds))
    rows = [row for row in ROWS if row.part in chosen.parts.split(",") and chosen.rows in row.name]
    measure_speed(chosen.work / "speed.json")
    found: list[Nodule] = nodules()[: chosen.most or None]
    for fold in folds:
        split = Split.of(fold, found)
        _readers(split, fold, chosen.work)
        for seed in seeds:
            for row in rows:
                result = run_cell(Cell(row, fold, seed, chosen.steps), split, chosen.work)
                print(f"{row.name}: Dice {result['dice']:.3f}, ECE {result['ece']:.3f}", flush=True)
                write_tables(chosen.work, chosen.out)
    write_tables(chosen.work, chosen.out)
    return 0
