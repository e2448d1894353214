"""The demonstration: a cohort with partial labels, completed by the full method, and what two simpler methods make of the same labels."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from .begin import import_cohort, open_session
from .config import Configuration, Relabelling
from .data.case import CaseSource, Cohort
from .data.download import download
from .data.geometry import Grid
from .data.image_io import read_label_map
from .data.importers import read_cohort
from .data.labels import Labels
from .data.phantom import write_phantom_cohort
from .data.prediction import read_prediction
from .data.published import OPENKBP
from .data.types import State
from .finish import complete_cases, write_report
from .metrics.overlap import overlap
from .report.history import mean
from .rounds import prepare, rounds_of, run_rounds
from .run.events import Event
from .run.folder import RunFolder
from .train.learn import learn_segmentation
from .train.session import Session
from .train.suggest import predict_cases

NAIVE = Relabelling(method="naive", rounds=0, confidence="mcp")
PHANTOM_PLAN: dict[str, Any] = {
    "widths": (16, 32, 64, 96, 128),
    "batch": 8,
    "learning_rate": 6e-3,
    "steps": 320,
    "fine_tune_steps": 80,
    "confidence_steps": 40,
    "validate_every": 80,
}
"""Overrides of the quick plan: phantoms are small and easy."""
MOST_TESTS = 5


@dataclass(frozen=True)
class Study:
    """A cohort whose test scans come without labels, and how to read their truth: {case: read(grid) -> Labels}."""

    cohort: Cohort
    truth: Mapping[str, Callable[[Grid], Labels]]
    plan: dict[str, Any] = field(default_factory=dict)


def demo(out: Path, openkbp: Path | None = None) -> Generator[Event, None, None]:
    """The full method in `out/run`, the naive one in `out/naive`; the report compares them on scans of which no method saw a label.

    Without `openkbp` on phantoms in `out/cohort`; with it on the published study in that folder, or downloaded where the path is '-'.
    """
    study = (yield from phantoms(out)) if openkbp is None else (yield from published(out, openkbp))
    run = RunFolder(out / "run")
    session = yield from _opened(run, study, Relabelling(), study.plan)
    yield from run_rounds(session)
    yield from complete_cases(run, rounds_of(session))
    naive = yield from _opened(RunFolder(out / "naive"), study, NAIVE, study.plan)
    yield from prepare(naive, naive.cases, 0)
    yield from learn_segmentation(naive, 0)
    methods = {
        "naive": (yield from dice_on_test(naive, 0, study)),
        "ambiguity-only": (yield from dice_on_test(session, 0, study)),
        "full": (yield from dice_on_test(session, rounds_of(session), study)),
    }
    yield from write_report(run, None, methods if study.truth else None)
    yield Event("finished", {"message": _summary(methods, run), "methods": methods})


def phantoms(out: Path) -> Generator[Event, None, Study]:
    """The made-up cohort: 16 training scans with partial labels, 4 for validation, 6 for the test."""
    folder = out / "cohort"
    if not (folder / "cases.csv").exists():
        text = "Making a cohort of phantoms: 16 training scans with partial labels, 4 for validation, 6 for the test."
        yield Event("note", {"message": text})
        write_phantom_cohort(folder)
    cohort = read_cohort(folder / "cases.csv")
    names = tuple(item.name for item in cohort.structures)
    known = (True,) * len(names)

    def read(path: Path) -> Callable[[Grid], Labels]:
        return lambda _grid: Labels.expert(names, read_label_map(path)[0], known)

    tests = [item.case for item in cohort.sources if item.split == "test"]
    return Study(cohort, {case: read(folder / "truth" / f"{case}.nii.gz") for case in tests}, PHANTOM_PLAN)


def published(out: Path, folder: Path) -> Generator[Event, None, Study]:
    """The OpenKBP study, really partially labelled. Up to a fifth of the scans, such as have every organ, become the test: their labels are kept back."""
    if str(folder) == "-":
        folder = out / "openkbp"
        for done, files in download(OPENKBP, folder):
            yield Event("downloaded", {"step": done, "steps": files})
    cohort = read_cohort(folder)
    complete = [
        item
        for item in cohort.sources
        if item.states and all(state is State.LABELLED for state in item.states.values())
    ]
    tests = (
        complete[: min(MOST_TESTS, max(1, len(cohort.sources) // 5))]
        if len(cohort.sources) > len(complete[:1]) + 1
        else []
    )
    names = tuple(item.name for item in cohort.structures)
    sources = tuple(_without_labels(item, names) if item in tests else item for item in cohort.sources)
    return Study(replace(cohort, sources=sources), {item.case: item.read_labels for item in tests})


def _without_labels(source: CaseSource, names: tuple[str, ...]) -> CaseSource:
    def nothing(grid: Grid) -> Labels:
        return Labels.expert(names, np.zeros(grid.shape, np.uint8), (False,) * len(names))

    return CaseSource(source.case, source.read_image, nothing, {}, "test")


def _opened(
    run: RunFolder, study: Study, relabelling: Relabelling, plan: dict[str, Any]
) -> Generator[Event, None, Session]:
    if not run.head.exists():
        yield from import_cohort(study.cohort, run, Configuration(relabelling=relabelling, plan=plan))
    session = yield from open_session(run)
    return session


def dice_on_test(session: Session, number: int, study: Study) -> Generator[Event, None, dict[str, Any]]:
    """Dice of a round's network on the test scans: {"dice_mean", "dice": {structure: mean}, "cases"}."""
    tests = tuple(case for case in session.of_split("test") if case.name in study.truth)
    plain = replace(session.configuration, relabelling=replace(session.configuration.relabelling, confidence="mcp"))
    yield from predict_cases(replace(session, configuration=plain), number, tests)
    found: dict[str, list[float]] = {name: [] for name in session.plan.structures}
    for case in tests:
        prediction, grid = read_prediction(session.round(number).prediction(case.folder.name), case.name)
        truth = study.truth[case.name](grid)
        for name, values in found.items():
            mask = truth.positive(name)
            if mask.any():
                values.append(overlap(prediction.label == prediction.value(name), mask, grid.voxel_ml).dice)
    dice = {name: mean(values) for name, values in found.items()}
    return {"dice_mean": mean(dice.values()), "dice": dice, "cases": len(tests)}


def _summary(methods: dict[str, Any], run: RunFolder) -> str:
    lines = []
    if any(result["cases"] for result in methods.values()):
        lines.append("Dice on test scans of which no method saw a label (1 is perfect):")
        lines += [f"  {name:<15} {result['dice_mean']:.3f}" for name, result in methods.items()]
    return "\n".join([*lines, f"Completed segmentations: {run.completed}", f"Report: {run.report_html}"])
