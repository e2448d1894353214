"""One training of the benchmarks of imperfect and missing labels: imported, learned and measured through the product's own run."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.cells import finished, kept
from benchmarks.kinds_measure import measured
from benchmarks.kinds_rows import Row
from benchmarks.kinds_study import CHECKED, NONE, QUICK, STUDIES, Scan, Study, labels_of
from PartialLabelSegLib.begin import Head
from PartialLabelSegLib.config import Configuration
from PartialLabelSegLib.data.case import CaseSource, write_case
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.label_files import write_labels
from PartialLabelSegLib.data.labels import Labels
from PartialLabelSegLib.data.types import structures_named
from PartialLabelSegLib.run.files import read_json, write_json
from PartialLabelSegLib.run.folder import RunFolder
from PartialLabelSegLib.train.session import Session

VALIDATED = " looked at"
"""Held-out scans a second time, with their labels, where a validation curve is wanted."""


@dataclass(frozen=True)
class Cell:
    """validated: with a validation curve of the held-out scans, in so many looks; 0: without validation. threads: 0, as many as the product takes."""

    row: Row
    study: Study
    fold: int
    seed: int
    steps: int
    validated: int = 0
    threads: int = 0

    @property
    def name(self) -> str:
        words = f"{self.row.table} {self.row.title} fold{self.fold} seed{self.seed} {self.steps}"
        return re.sub(r"[^a-z0-9+.=-]+", "_", words.lower())

    def configuration(self) -> Configuration:
        network = dict(self.study.plan)
        if self.validated:
            # Without patience, so that every row learns to its end.
            network.update(validate_every=max(1, self.steps // self.validated), patience=0)
        chosen = self.row.configuration(self.study.dimensions, network, self.seed, self.steps)
        return replace(chosen, threads=self.threads)


Extra = Callable[[Cell, Session, Path], Mapping[str, Any]]
"""What is measured beside; the path is a folder with the true labels of the training scans."""
Before = Callable[[Cell, RunFolder, Path], None]
"""What is put into a run before it begins, or goes on; where it is there already, nothing."""


def nothing_more(_cell: Cell, _session: Session, _truth: Path) -> Mapping[str, Any]:
    return {}


def nothing_before(_cell: Cell, _run: RunFolder, _truth: Path) -> None:
    """Most runs begin with their scans alone."""


@dataclass(frozen=True)
class Bench:
    """Where cells are kept, and what is done with each beside training and measuring."""

    work: Path
    extra: Extra = nothing_more
    before: Before = nothing_before
    studies: dict[str, Study] = field(default_factory=dict)

    def study(self, name: str) -> Study:
        """Its scans are read once in a process."""
        if name not in self.studies:
            self.studies[name] = STUDIES[name]()
        return self.studies[name]

    def run(self, cell: Cell) -> dict[str, Any]:
        """Trains and measures one cell; its result is read from the work folder where it is there."""
        folder = self.work / cell.name

        def measure() -> dict[str, Any]:
            began = time.monotonic()
            run, truth = RunFolder(folder / "run"), folder / "truth"
            if not run.head.exists():
                write_json(folder / "imported.json", import_cell(cell, run, truth))
            self.before(cell, run, truth)
            session = finished(run, truth)
            tests = cell.study.split(cell.fold)[0]
            row = cell.row
            said = {"table": row.table, "row": row.title, "study": row.study, "fold": cell.fold, "seed": cell.seed}
            said.update(steps=cell.steps, imported=read_json(folder / "imported.json", "what was imported"))
            numbers = {**measured(session, cell.study, tests), **self.extra(cell, session, truth)}
            return {**said, **numbers, "seconds": time.monotonic() - began}

        return kept(folder, measure)


def import_cell(cell: Cell, run: RunFolder, truth: Path) -> dict[str, Any]:
    """Writes the cases of a cell with the labels that it learns from, and beside them, for comparisons, the true ones. What was imported, in numbers."""
    study, made = cell.study, cell.row.made
    tests, training = study.split(cell.fold)
    kinds = study.kinds(cell.fold, made)
    corruption = study.corruption(cell.fold, made) if made.quick else None
    quick = corruption.label_maps if corruption else {}
    everything = (CHECKED,) * len(study.structures)
    cases = []
    for scan in training:
        labels = labels_of(scan, study.structures, kinds[scan.name], quick.get(scan.name))
        cases.append(_write(run, scan, scan.name, labels, "train"))
        write_labels(truth / scan.name, labels_of(scan, study.structures, everything, None), scan.grid)
    for scan in tests:
        unseen = labels_of(scan, study.structures, (NONE,) * len(study.structures), None)
        cases.append(_write(run, scan, scan.name, unseen, "test"))
        if cell.validated:
            complete = labels_of(scan, study.structures, everything, None)
            cases.append(_write(run, scan, scan.name + VALIDATED, complete, "validation"))
    head = Head(cell.configuration(), structures_named(study.structures), frozenset(), tuple(cases))
    run.write_head(head.to_json())
    said: dict[str, Any] = {"training": len(training), "held_out": len(tests), **_counted(kinds)}
    return {**said, "corruption": corruption.said()} if corruption else said


def _counted(kinds: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """How many scans have some checked label, some quick one, or none at all; and the share of labels that are there."""
    rows = list(kinds.values())
    return {
        "checked": sum(CHECKED in row for row in rows),
        "quick": sum(QUICK in row for row in rows),
        "without": sum(set(row) == {NONE} for row in rows),
        "labelled_share": float(np.mean([[kind != NONE for kind in row] for row in rows])),
    }


def _write(run: RunFolder, scan: Scan, name: str, labels: Labels, split: str) -> tuple[str, str, str]:
    folder = name.replace(" ", "_")

    def giving(_grid: Grid) -> Labels:
        return labels

    write_case(run.case(folder), CaseSource(name, lambda: scan.image, giving, split=split), name)
    return name, folder, split
