"""Everything that a run left behind, as one JSON value: the content of `report.json`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..data.lesions import LIST, read_lesions
from ..data.types import State
from ..metrics.detected import evaluate_instances
from ..metrics.evaluate import evaluate
from ..run.files import finite, read_json
from ..run.folder import RunFolder
from .history import read_rounds, read_timing, told_warnings
from .outcome import read_outcome, volumes
from .sizes import expected_sizes, last_sizes, unexpected

FORMAT = 1


def collect(
    run: RunFolder,
    truth: Path | None = None,
    evaluation: Mapping[str, Any] | None = None,
    methods: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The report of a run as plain JSON values; numbers that are not finite are None.

    truth: a folder of reference segmentations; the completed ones are measured against them, unless `evaluation` is that comparison already
    (metrics/evaluate.py, `to_json`). methods: {name: {"dice_mean": number, "dice": {structure: number}}}, to be shown side by side.
    A run that was cancelled is reported as far as it got. Failure: a file of the run is damaged.
    """
    head = run.read_head()
    rounds = read_rounds(run)
    structures = [dict(entry) for entry in head.get("structures", [])]
    cases = [_case(run, entry, len(rounds), head) for entry in head.get("cases", [])]
    for entry in structures:
        entry.update(_over_cases(entry["name"], cases))
        entry["not_learned"] = bool(rounds) and entry["name"] in rounds[-1]["not_learned"]
    sizes = expected_sizes(last_sizes(run, len(rounds)), cases)
    detection = None
    if truth is not None and any(case["instances"] is not None for case in cases):
        detection = evaluate_instances(run.completed, truth).to_json()
    if truth is not None and evaluation is None:
        evaluation = evaluate(run.completed, truth).to_json()
    report = {
        "program": "PartialLabelSeg",
        "format": FORMAT,
        "configuration": head.get("configuration", {}),
        "learned_from": [str(sentence) for sentence in head.get("learned_from", [])],
        "plan": _plan(run),
        "structures": structures,
        "share_labelled": share_labelled(cases),
        "cases": cases,
        "rounds": rounds,
        "validation": _validation(rounds, [entry["name"] for entry in structures]),
        "not_learned": rounds[-1]["not_learned"] if rounds else [],
        "evaluation": None if evaluation is None else dict(evaluation),
        "evaluation_instances": detection,
        "evaluation_suggested": None if evaluation is None else _suggested_dice(evaluation, cases),
        "methods": None if methods is None else dict(methods),
        "sizes": sizes,
        "timing": read_timing(run, rounds),
        "warnings": [*_unlikely(structures, cases, sizes), *told_warnings(run)],
    }
    return {key: finite(value) for key, value in report.items()}


def _plan(run: RunFolder) -> dict[str, Any] | None:
    """The plan's fields; what it was made for stays in the run folder."""
    content = read_json(run.plan, "the plan") if run.plan.exists() else None
    plan = content.get("plan") if isinstance(content, dict) else None
    return plan if isinstance(plan, dict) else None


def _case(run: RunFolder, entry: Mapping[str, Any], rounds: int, head: Mapping[str, Any]) -> dict[str, Any]:
    choices = head.get("configuration", {}).get("relabelling", {})
    rules = (bool(choices.get("largest_component")), bool(choices.get("fill_holes")))
    outcome = read_outcome(run, entry["folder"], rounds, rules)
    return {
        "name": entry["name"],
        "folder": entry["folder"],
        "split": entry["split"],
        "size": list(outcome.grid.size),
        "spacing_mm": list(outcome.grid.spacing),
        "structures": volumes(outcome),
        "instances": _instances(run, entry["folder"]),
    }


def _instances(run: RunFolder, folder: str) -> list[dict[str, Any]] | None:
    """The lesions of a completed scan, the surest first; None where the run was not asked for them or has not come so far."""
    path = run.completed / f"{folder}{LIST}"
    return [asdict(lesion) for lesion in read_lesions(path)] if path.is_file() else None


def _over_cases(name: str, cases: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """How often a structure is labelled, and how much of it was drawn and suggested."""
    mine = [case["structures"][name] for case in cases]
    counts = {state.name.lower() + "_cases": sum(item["state"] == state.value for item in mine) for state in State}
    return {
        **counts,
        "expert_ml": sum(item["expert_ml"] for item in mine),
        "accepted_ml": sum(sum(item["accepted_ml"].values()) for item in mine),
        "filled_ml": sum(item["filled_ml"] for item in mine),
    }


def share_labelled(cases: Sequence[Mapping[str, Any]]) -> float | None:
    """alpha: the share of the pairs of training or validation scan and structure that are drawn or confirmed absent."""
    states = [item["state"] for case in cases if case["split"] != "test" for item in case["structures"].values()]
    known = sum(state in (State.LABELLED.value, State.ABSENT.value) for state in states)
    return known / len(states) if states else None


def _validation(rounds: Sequence[Mapping[str, Any]], names: Sequence[str]) -> dict[str, Any]:
    """Dice on the fixed validation scans at the step that each round kept: per structure and their mean, one value per round."""
    kept = [entry["validation"] for entry in rounds]
    return {
        "structures": {name: [entry["dice"].get(name) for entry in kept] for name in names},
        "mean": [entry["dice_mean"] for entry in kept],
    }


def _suggested_dice(evaluation: Mapping[str, Any], cases: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Dice against the reference only where nobody drew: what an expert drew would count as perfect. {structure: {"mean", "n"}}, and over all."""
    found: dict[str, list[float]] = {}
    for case in cases:
        measured = (
            evaluation.get("cases", {}).get(case["folder"]) or evaluation.get("cases", {}).get(case["name"]) or {}
        )
        for name, item in measured.items():
            own = case["structures"].get(name)
            if own is not None and own["state"] == State.MISSING.value and item.get("dice") is not None:
                found.setdefault(name, []).append(item["dice"])
    structures = {name: {"mean": sum(values) / len(values), "n": len(values)} for name, values in found.items()}
    every = [value for values in found.values() for value in values]
    return {"structures": structures, "overall": {"mean": sum(every) / len(every) if every else None, "n": len(every)}}


def _unlikely(
    structures: Sequence[Mapping[str, Any]], cases: Sequence[Mapping[str, Any]], sizes: Mapping[str, Any] | None
) -> list[dict[str, str]]:
    """Completed structures that nobody drew and whose volume lies outside what the image lets expect, or where that was not regressed far outside
    the drawn ones: below half the least, or above twice the most.

    The farthest first.
    """
    found = unexpected(sizes)
    for name in (entry["name"] for entry in structures if entry["name"] not in (sizes or {})):
        items = [(case["name"], case["structures"][name]) for case in cases]
        drawn = [item["expert_ml"] for _, item in items if item["state"] == State.LABELLED.value]
        if len(drawn) < 3:
            continue
        for case, item in items:
            factor = _outside(item["completed_ml"], drawn)
            if item["state"] == State.MISSING.value and factor > 2:
                size = (
                    f"{item['completed_ml']:.3g} mL were suggested" if item["completed_ml"] else "nothing was suggested"
                )
                message = f"{size}; the drawn ones have {min(drawn):.3g} to {max(drawn):.3g} mL."
                found.append((factor, {"message": message, "case": case, "structure": name}))
    return [warning for _, warning in sorted(found, key=lambda pair: -pair[0])]


def _outside(ml: float, drawn: Sequence[float]) -> float:
    """How many times smaller than the smallest, or larger than the largest; at most a thousand times."""
    return min(1000.0, max(ml / max(drawn), min(drawn) / max(ml, 1e-9)))
