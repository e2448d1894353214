"""The demonstration: a small cohort with exact truth, completed by the full method, and what two simpler methods make of the same labels."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

from .begin import import_cases, open_session
from .config import Configuration, Relabelling
from .data.phantom import write_phantom_cohort
from .data.prediction import read_prediction
from .finish import complete_cases, write_report
from .metrics.mask_files import read_masks
from .metrics.overlap import overlap
from .report.history import mean
from .rounds import prepare, rounds_of, run_rounds
from .run.events import Event
from .run.folder import RunFolder
from .train.learn import learn_segmentation
from .train.session import Session
from .train.suggest import predict_cases

PLAN: dict[str, Any] = {
    "widths": (16, 32, 64, 96, 128),
    "learning_rate": 6e-3,
    "fine_tune_steps": 80,
    "confidence_steps": 60,
    "validate_every": 80,
}
"""Overrides of the quick plan: phantoms are small and easy."""
STEPS = 320


def demo(out: Path) -> Generator[Event, None, None]:
    """Phantoms in `out/cohort`, the full method in `out/run`, the naive one in `out/naive`; the report compares them on scans that no method learned from."""
    cohort = out / "cohort"
    if not (cohort / "cases.csv").exists():
        yield Event(
            "note",
            {
                "message": "Making a cohort of phantoms: 16 training scans with partial labels, 4 for validation, 6 for the test."
            },
        )
        write_phantom_cohort(cohort)
    run = RunFolder(out / "run")
    session = yield from _opened(run, cohort, Relabelling(), STEPS)
    yield from run_rounds(session)
    yield from complete_cases(run, rounds_of(session))
    simple = Relabelling(method="naive", rounds=0, confidence="mcp")
    naive = yield from _opened(RunFolder(out / "naive"), cohort, simple, STEPS + 2 * PLAN["fine_tune_steps"])
    yield from prepare(naive, naive.cases, 0)
    yield from learn_segmentation(naive, 0)
    methods = {
        "naive": (yield from dice_on_test(naive, 0, cohort / "truth")),
        "ambiguity-only": (yield from dice_on_test(session, 0, cohort / "truth")),
        "full": (yield from dice_on_test(session, rounds_of(session), cohort / "truth")),
    }
    yield from write_report(run, None, methods)
    yield Event("finished", {"message": _summary(methods, run), "methods": methods})


def _opened(run: RunFolder, cohort: Path, relabelling: Relabelling, steps: int) -> Generator[Event, None, Session]:
    if not run.head.exists():
        yield from import_cases(
            cohort / "cases.csv", run, Configuration(relabelling=relabelling, plan={**PLAN, "steps": steps})
        )
    session = yield from open_session(run)
    return session


def dice_on_test(session: Session, number: int, truth: Path) -> Generator[Event, None, dict[str, Any]]:
    """Dice of a round's network on the test scans against `truth/<case>.nii.gz`: {"dice_mean", "dice": {structure: mean}}; the generator's return value."""
    with_mcp = replace(session.configuration, relabelling=replace(session.configuration.relabelling, confidence="mcp"))
    tests = session.of_split("test")
    yield from predict_cases(replace(session, configuration=with_mcp), number, tests)
    found: dict[str, list[float]] = {name: [] for name in session.plan.structures}
    for case in tests:
        prediction, grid = read_prediction(session.round(number).prediction(case.folder.name), case.name)
        reference = read_masks(truth / f"{case.name}.nii.gz")
        for name, values in found.items():
            mask = reference.mask(name)
            if mask.any():
                values.append(overlap(prediction.label == prediction.value(name), mask, grid.voxel_ml).dice)
    dice = {name: mean(values) for name, values in found.items()}
    return {"dice_mean": mean(dice.values()), "dice": dice, "cases": len(tests)}


def _summary(methods: dict[str, Any], run: RunFolder) -> str:
    lines = ["Dice on test scans that no method saw labels of (1 is perfect):"]
    lines += [f"  {name:<15} {result['dice_mean']:.3f}" for name, result in methods.items()]
    return "\n".join([*lines, f"Completed segmentations: {run.completed}", f"Report: {run.report_html}"])
