"""Accuracy with partial labels on real scans: structures are removed from some scans, every method learns from what is left.

    python3 Testing bench partial                      what two cores do in some hours
    python3 Testing bench partial --folds 0,1,2,3,4 --alphas 70,50,30,10 --steps 3000      everything

Each cell (study, fold, alpha, method) is kept in the work folder, so that an interrupted benchmark goes on.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.cells import finished, kept
from benchmarks.partial_study import STUDIES, Study, labels_of
from benchmarks.partial_table import write_tables
from PartialLabelSegLib.begin import Head, drawn_in, final_splits
from PartialLabelSegLib.config import Configuration, Relabelling
from PartialLabelSegLib.data.case import Case, CaseSource, write_case
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.label_files import write_labels
from PartialLabelSegLib.data.labels import Labels
from PartialLabelSegLib.data.prediction import read_prediction
from PartialLabelSegLib.data.types import structures_named
from PartialLabelSegLib.metrics.overlap import overlap
from PartialLabelSegLib.rounds import rounds_of
from PartialLabelSegLib.run.files import read_json
from PartialLabelSegLib.run.folder import RunFolder
from PartialLabelSegLib.train.judged import confidence_ranking
from PartialLabelSegLib.train.session import Session

METHODS = ("naive", "ambiguity-only", "full, MCP", "full, learned")
PROJECT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Cell:
    """One training: which scans, how much of their labels, which method, how long."""

    study: Study
    fold: int
    alpha: int
    method: str
    steps: int

    @property
    def name(self) -> str:
        words = f"{self.study.name}-fold{self.fold}-alpha{self.alpha}-{self.method}-{self.steps}"
        return words.replace(", ", "-").replace(" ", "-").lower()

    def configuration(self) -> Configuration:
        """The full method begins with the finished network of ambiguity-only, as in the paper, and learns on in two rounds of a fifth of its steps."""
        plan = {**self.study.plan, "steps": self.steps, "fine_tune_steps": self.steps // 5}
        plan["confidence_steps"] = self.steps // 10
        if self.method == "naive":
            choices = Relabelling(method="naive", rounds=0, confidence="mcp")
        else:
            # Without rounds the full method is ambiguity-only; so named, its network is taken over by the rounds that go on from it.
            rounds = 2 if self.method.startswith("full") else 0
            choices = Relabelling(rounds=rounds, confidence="learned" if self.method.endswith("learned") else "mcp")
        return Configuration(dimensions=self.study.dimensions, relabelling=choices, plan=plan)


def run_cell(cell: Cell, work: Path) -> dict[str, Any]:
    """Trains and measures one cell; its result is read from the work folder where it is there."""
    folder = work / cell.name

    def measured() -> dict[str, Any]:
        run = RunFolder(folder / "run")
        if not run.head.exists():
            _import(cell, run, folder / "truth")
        _take_over_round_zero(cell, work, run)
        session = finished(run, folder / "truth")
        said = {"study": cell.study.name, "fold": cell.fold, "alpha": cell.alpha, "method": cell.method}
        return {**said, **measure(session, cell.study)}

    return kept(folder, measured)


def _import(cell: Cell, run: RunFolder, truth: Path) -> None:
    study = cell.study
    tests, training = study.split(cell.fold)
    states = study.labelled(cell.fold, cell.alpha)
    imported: list[tuple[Case, frozenset[str]]] = []
    for item in (*training, *tests):
        split = "test" if item in tests else "train"
        complete = labels_of(item, study.structures)
        shown = states[item.name] if split == "train" else (False,) * len(study.structures)
        partial = _partial(complete, shown)
        source = CaseSource(item.name, item.read_image, _giving(partial), split=split)
        case = write_case(run.case(item.name), source, item.name)
        write_labels(truth / item.name, complete, case.grid)
        imported.append((case, drawn_in(partial)))
    configuration = cell.configuration()
    splits = final_splits(imported, configuration)
    cases = tuple((case.name, case.folder.name, splits[case.name]) for case, _ in imported)
    run.write_head(Head(configuration, structures_named(study.structures), frozenset(), cases).to_json())


def _giving(labels: Labels) -> Callable[[Grid], Labels]:
    return lambda _grid: labels


def _partial(complete: Labels, shown: tuple[bool, ...]) -> Labels:
    """The labels with the structures removed that are not shown; a structure that the scan does not really have stays missing."""
    keep = np.array([False, *shown])
    known = tuple(bool(a and b) for a, b in zip(shown, complete.known))
    return Labels.expert(
        complete.structures, np.where(keep[complete.label_map], complete.label_map, 0).astype(np.uint8), known
    )


def _take_over_round_zero(cell: Cell, work: Path, run: RunFolder) -> None:
    """The same data, seed and steps give the same network, so that the first one of a share of labels is trained once."""
    if not cell.method.startswith("full") or run.round(0).segmentation.exists():
        return
    twin = RunFolder(work / replace(cell, method="ambiguity-only").name / "run").round(0)
    if twin.segmentation.exists():
        run.round(0).path.mkdir(parents=True, exist_ok=True)
        for path in (twin.training, twin.segmentation):
            shutil.copy(path, run.round(0).path / path.name)


def measure(session: Session, study: Study) -> dict[str, Any]:
    """Dice on the test scans, and per round the ranking of both confidences and the precision and recall of relabelling."""
    last = rounds_of(session)
    dice: dict[str, list[float]] = {name: [] for name in study.structures}
    truths = {item.name: item for item in study.scans}
    for case in session.of_split("test"):
        prediction, grid = read_prediction(session.round(last).prediction(case.folder.name), case.name)
        truth = labels_of(truths[case.name], study.structures)
        for name in study.structures:
            mask = truth.positive(name)
            if mask.any():
                dice[name].append(overlap(prediction.label == prediction.value(name), mask, grid.voxel_ml).dice)
    rounds = [
        {**_relabelling(session, number), "ranking": _flat(confidence_ranking(session, number))}
        for number in range(last)
        if session.round(number).relabelling.exists()
    ]
    training = [read_json(session.round(number).training, "curves") for number in range(last + 1)]
    return {
        "dice": {name: float(np.mean(values)) for name, values in dice.items()},
        "dice_mean": float(np.mean([np.mean(values) for values in dice.values()])),
        "test_cases": len(session.of_split("test")),
        "rounds": rounds,
        "train_seconds": sum(float(entry["seconds"]) for entry in training),
        "steps": session.plan.steps + last * session.plan.fine_tune_steps,
    }


def _relabelling(session: Session, number: int) -> dict[str, Any]:
    content = read_json(session.round(number).relabelling, "relabelling")
    rows = [row for case in content["cases"].values() for row in case.values() if "truth" in row or "precision" in row]
    accepted = sum(row["accepted_total"] for row in rows)
    correct, truth = sum(row.get("correct", 0) for row in rows), sum(row.get("truth", 0) for row in rows)
    return {"gamma": content["gamma"], "precision": correct / max(1, accepted), "recall": correct / max(1, truth)}


def _flat(ranked: dict[str, dict[str, float]]) -> dict[str, float]:
    """One name per number: mcp_auc, learned_auc and so on."""
    return {f"{kind}_{word}": value for kind, values in ranked.items() for word, value in values.items()}


def cells_of(study: Study, folds: list[int], alphas: list[int], steps: int, methods: tuple[str, ...]) -> Iterator[Cell]:
    """The ceiling first, then each share of labels with every method; ambiguity-only first, whose network the full ones take over."""
    for fold in folds:
        if study.ceiling:
            yield Cell(study, fold, 100, "ambiguity-only", steps)
        for alpha in alphas:
            for method in ("ambiguity-only", "full, learned", "full, MCP", "naive"):
                if method in methods:
                    yield Cell(study, fold, alpha, method, steps)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python3 Testing bench partial", description=__doc__)
    parser.add_argument("--study", choices=sorted(STUDIES), action="append")
    parser.add_argument("--folds", default="0")
    parser.add_argument("--alphas", default="50,30", help="shares of labels; empty for the ceiling alone")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS)
    parser.add_argument("--steps", type=int, default=1500, help="segmentation steps of a cell in all")
    parser.add_argument("--work", type=Path, default=PROJECT / ".venv" / "bench-partial")
    parser.add_argument("--out", type=Path, default=PROJECT / "Resources" / "Benchmarks")
    chosen = parser.parse_args(arguments)
    folds, alphas = ([int(word) for word in text.split(",") if word] for text in (chosen.folds, chosen.alphas))
    for name in chosen.study or ["openkbp"]:
        study = STUDIES[name]()
        shares = alphas if study.ceiling else [study.alpha]
        for cell in cells_of(study, folds, shares, chosen.steps, tuple(chosen.methods)):
            result = run_cell(cell, chosen.work)
            print(f"{cell.name}: Dice {result['dice_mean']:.3f}", flush=True)
            write_tables(chosen.work, chosen.out)
    write_tables(chosen.work, chosen.out)
    return 0
