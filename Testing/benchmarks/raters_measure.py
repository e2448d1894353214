"""What a probability is worth on nodules whose readers nobody learned from: overlap, detection, calibration, and spread."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from benchmarks.raters_study import Nodule
from PartialLabelSegLib.metrics.calibration import Reliability, reliability
from PartialLabelSegLib.metrics.detection import Instance, detection, instances_of
from PartialLabelSegLib.metrics.energy import energy_distance, level_sets
from PartialLabelSegLib.metrics.overlap import overlap
from PartialLabelSegLib.run.files import read_json

LEVELS = 16
SMALLEST = 8
"""Components below this many voxels are crumbs, of a prediction as of a consensus."""
BINS = 10


@dataclass(frozen=True, eq=False)
class OneScan:
    """What is measured of one scan before all are put together."""

    numbers: Mapping[str, float]
    instances: tuple[list[Instance], list[Instance]]
    near: Reliability
    whole: Reliability


def measure_scan(nodule: Nodule, probability: np.ndarray, found: Sequence[Instance] | None = None) -> OneScan:
    """A model against all four readers. probability: float32 (z, y, x) in 0..1. found: what an instance network detected; None: the components."""
    return _measured(nodule, probability, nodule.masks, found)


def _measured(
    nodule: Nodule, probability: np.ndarray, masks: np.ndarray, found: Sequence[Instance] | None = None
) -> OneScan:
    votes = masks.mean(axis=0)
    consensus, drawn = votes >= 0.5, probability >= 0.5
    counts = overlap(drawn, consensus, 1e-3)
    numbers = {
        "dice": counts.dice,
        "iou": counts.jaccard,
        "dice_readers": float(np.mean([overlap(drawn, mask, 1e-3).dice for mask in masks])),
        "volume_error": counts.relative_volume_error,
        "ged": energy_distance([drawn], list(masks)),
        "ged_levels": energy_distance(level_sets(probability, LEVELS), list(masks)),
    }
    own = instances_of(drawn, probability) if found is None else found
    lesions = instances_of(consensus)
    # Where all that the readers agree on is smaller, it is the lesion all the same.
    smallest = min(SMALLEST, max((item.indices.size for item in lesions), default=1))
    instances = _above(own, smallest), _above(lesions, smallest)
    near = reliability(probability, votes, BINS, nodule.near())
    return OneScan(numbers, instances, near, reliability(probability, votes, BINS))


def _above(items: Iterable[Instance], smallest: int) -> list[Instance]:
    return [item for item in items if item.indices.size >= smallest]


def found_instances(folder: Path) -> list[Instance] | None:
    """What an instance network detected in a scan, of the folder of its prediction; None where there is none."""
    if not (folder / "instances.json").exists():
        return None
    numbers = sitk.GetArrayFromImage(sitk.ReadImage(str(folder / "instances.nrrd"))).reshape(-1)
    said = read_json(folder / "instances.json", "the instances")["instances"]
    return [Instance(np.flatnonzero(numbers == item["number"]).astype(np.int64), float(item["score"])) for item in said]


def together(names: Iterable[str], scans: list[OneScan]) -> dict[str, Any]:
    """Everything as plain numbers; Dice and energy distance of each scan stay, for paired comparisons."""
    near = sum((scan.near for scan in scans[1:]), scans[0].near)
    whole = sum((scan.whole for scan in scans[1:]), scans[0].whole)
    result: dict[str, Any] = {key: _mean(scans, key) for key in scans[0].numbers}
    for percent in (50, 75):
        found = detection([scan.instances for scan in scans], percent / 100)
        result[f"ap{percent}"] = found.average_precision
        if percent == 50:
            result.update(precision=found.precision, recall=found.recall, matched_iou=found.matched_iou)
    result.update(ece=near.ece, ece_whole=whole.ece, brier=near.brier, worst_bin=near.worst)
    result["bins"] = {
        "counts": near.counts.tolist(),
        "probability": near.probability.tolist(),
        "truth": near.truth.tolist(),
        "squared": near.squared,
    }
    result["cases"] = {name: dict(scan.numbers) for name, scan in zip(names, scans)}
    return result


def bins_of(result: Mapping[str, Any]) -> Reliability:
    """The reliability bins of a result, as they were."""
    bins = result["bins"]
    return Reliability(
        np.array(bins["counts"], np.int64),
        np.array(bins["probability"], float),
        np.array(bins["truth"], float),
        float(bins["squared"]),
    )


def readers_themselves(tests: Iterable[Nodule]) -> dict[str, Any]:
    """Each reader against the other three, as a model is against all four: what a model can hope for."""
    names, scans = [], []
    for nodule in tests:
        for number in range(len(nodule.masks)):
            others = np.delete(nodule.masks, number, axis=0)
            scans.append(_measured(nodule, nodule.masks[number].astype(np.float32), others))
            names.append(f"{nodule.name} {number}")
    return together(names, scans)


def _mean(scans: list[OneScan], key: str) -> float:
    return float(np.nanmean([scan.numbers[key] for scan in scans]))
