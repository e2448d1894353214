"""How good a finished network is on held-out scans: overlap and distances of surfaces, of each structure of each scan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.kinds_study import Scan, Study
from PartialLabelSegLib.data.prediction import read_prediction
from PartialLabelSegLib.metrics.overlap import overlap
from PartialLabelSegLib.metrics.surface import surface_distances
from PartialLabelSegLib.rounds import rounds_of
from PartialLabelSegLib.run.files import read_json
from PartialLabelSegLib.train.session import Session

MEASURES = ("dice", "jaccard", "hausdorff", "surface")
"""Shares, and the Hausdorff and the average symmetric surface distance in the study's unit."""


def measure_scan(
    label: np.ndarray, truth: np.ndarray, structures: Sequence[str], spacing_mm: Sequence[float]
) -> dict[str, dict[str, float | None]]:
    """By structure that the scan really has. label, truth: uint8 (z, y, x). A structure of which nothing was found has no distance: None."""
    result: dict[str, dict[str, float | None]] = {}
    for value, name in enumerate(structures, 1):
        mask, found = truth == value, label == value
        if mask.any():
            counts = overlap(found, mask, 1e-3)
            numbers: dict[str, float | None] = {"dice": counts.dice, "jaccard": counts.jaccard}
            distances = surface_distances(found, mask, spacing_mm) if found.any() else None
            numbers["hausdorff"] = distances.hausdorff_mm if distances else None
            numbers["surface"] = distances.average_mm if distances else None
            result[name] = numbers
    return result


def measured(session: Session, study: Study, tests: Iterable[Scan]) -> dict[str, Any]:
    """All held-out scans, the seconds and steps of every stage, and the validation curve of the last."""
    last = rounds_of(session)
    scans = {scan.name: scan for scan in tests}
    cases = {}
    for case in session.of_split("test"):
        prediction, grid = read_prediction(session.round(last).prediction(case.folder.name), case.name)
        scan = scans[case.name]
        found = measure_scan(prediction.label, scan.truth, study.structures, grid.spacing_mm)
        cases[case.name] = {"patient": scan.patient, "structures": found}
    curves = [read_json(session.round(number).training, "curves") for number in range(last + 1)]
    return {
        "cases": cases,
        "unit": study.unit,
        "train_seconds": sum(float(entry["seconds"]) for entry in curves),
        "stages": [int(entry["steps"][-1]) for entry in curves if entry["steps"]],
        "curve": curve_of(curves[-1]["validation"]),
    }


def curve_of(validation: Sequence[Mapping[str, Any]]) -> list[float]:
    """Mean validation Dice of the network as it was at each look in the second half of a training; empty where nothing was validated."""
    looks = [item for item in validation if item.get("step", 0) > 0]
    half = max((int(item["step"]) for item in looks), default=0) / 2
    return [float(np.nanmean(list(item["dice"].values()))) for item in looks if item["step"] > half]


def of_scans(result: Mapping[str, Any], measure: str) -> dict[str, float]:
    """By scan, the mean over its structures; without scans in which none has the measure."""
    means = {}
    for name, case in result["cases"].items():
        values = [item[measure] for item in case["structures"].values() if item[measure] is not None]
        if values:
            means[name] = float(np.mean(values))
    return means


def missed(result: Mapping[str, Any]) -> int:
    """Structures of scans of which nothing was found."""
    return sum(item["dice"] == 0 for case in result["cases"].values() for item in case["structures"].values())
