"""A run folder as the worker leaves it, written by the real writers, with predictions made from the truth by known mistakes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from PartialLabelSegLib.config import Configuration, to_json
from PartialLabelSegLib.data.case import CaseSource, write_case
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.label_files import write_labels
from PartialLabelSegLib.data.labels import FIRST_ROUND, Labels
from PartialLabelSegLib.data.phantom import PHANTOM_STRUCTURES, phantom
from PartialLabelSegLib.data.prediction import Prediction, fixed_point, write_prediction
from PartialLabelSegLib.data.types import Structure, structures_named
from PartialLabelSegLib.relabel.select import rank_volume, select
from PartialLabelSegLib.run.events import Event, EventLog
from PartialLabelSegLib.run.files import write_json
from PartialLabelSegLib.run.folder import RunFolder

LEARNING_STEPS = 400
SHAPE, SPACING_MM = (22, 50, 60), (7.2, 5.6, 5.6)


@dataclass(frozen=True, eq=False)
class Scan:
    """A scan with its truth, and for which structures an annotator looked."""

    name: str
    split: str
    image: np.ndarray
    truth: np.ndarray
    known: tuple[bool, ...]
    grid: Grid


def phantom_scans(count: int, seed: int = 0) -> tuple[tuple[Structure, ...], list[Scan]]:
    """Phantoms, 40 % labelled; the last ones are the test scans."""
    rng = np.random.default_rng(seed)
    scans = []
    for index in range(count):
        body = phantom(np.random.default_rng([seed, index]), SHAPE, SPACING_MM)
        split = "test" if index >= 0.8 * count else "validation" if index >= 0.6 * count else "train"
        known = tuple(bool(flag) and split != "test" for flag in rng.random(len(body.structures)) < 0.4)
        scans.append(Scan(f"{split}{index + 1:03d}", split, body.image, body.label_map, known, body.grid))
    return PHANTOM_STRUCTURES, scans


def block_scans(structures: int, count: int) -> tuple[tuple[Structure, ...], list[Scan]]:
    """Small scans with a block per structure: many structures and scans in little time. Structure k is known in scan i where k + i is even."""
    side = int(np.ceil(structures**0.5))
    truth = np.zeros((4, 6 * side, 6 * side), np.uint8)
    for value in range(structures):
        row, column = divmod(value, side)
        truth[1:3, 6 * row + 1 : 6 * row + 5, 6 * column + 1 : 6 * column + 5] = value + 1
    image = (truth.astype(np.int16) * 10) - 100
    size = (6 * side, 6 * side, 4)
    grid = Grid(size, (1.0, 1.0, 3.0), (0.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0))
    named = structures_named([f"Structure {index + 1}" for index in range(structures)])
    scans = []
    for index in range(count):
        known = tuple((index + value) % 2 == 0 for value in range(structures))
        split = "validation" if index % 5 == 4 else "train"
        scans.append(Scan(f"scan {index + 1}", split, image, truth, known, grid))
    return named, scans


def write_run(
    folder: Path, structures: Sequence[Structure], scans: Sequence[Scan], rounds: int = 2, seed: int = 0
) -> RunFolder:
    """A finished run: round 0 to `rounds`, of which the last one is not relabelled."""
    run, rng = RunFolder(folder), np.random.default_rng(seed)
    run.write_head(_head(structures, scans))
    write_json(
        run.plan,
        {
            "plan": {
                "dimensions": "2d",
                "spacing_mm": [4.0, 3.5, 3.5],
                "intensity": {"low": -160.0, "high": 240.0, "mean": 60.0, "std": 80.0},
            },
            "made_for": "0",
        },
    )
    log = EventLog(run.events)
    log(Event("started", {}, 1000.0))
    log(Event("note", {"message": "Memory ran out; going on with 4 windows per step."}, 1010.0))
    labels = {scan.name: _first_labels(run, structures, scan) for scan in scans}
    for number in range(rounds + 1):
        _write_training(run, number, structures, rng)
        relabelled: dict[str, dict[str, Any]] = {}
        for index, scan in enumerate(scans):
            prediction = _predict(labels[scan.name], scan, rng)
            write_prediction(run.round(number).prediction(f"case{index}"), prediction, scan.grid)
            if number < rounds:
                labels[scan.name], relabelled[scan.name] = _relabel(
                    labels[scan.name], prediction, number, (number + 1) / rounds
                )
                write_labels(run.round(number).labels(f"case{index}"), labels[scan.name], scan.grid)
        if number < rounds:
            scores = {
                item.name: {"precision": 0.95 - 0.05 * number, "recall": 0.5 + 0.3 * number} for item in structures
            }
            ranking = {
                kind: {"auc": auc, "ap_success": 0.95, "ap_error": 0.5}
                for kind, auc in (("learned", 0.83), ("mcp", 0.76))
            }
            gamma = (number + 1) / rounds
            write_json(
                run.round(number).relabelling,
                {"gamma": gamma, "cases": relabelled, "structures": scores, "ranking": ranking},
            )
    log(Event("finished", {}, 1150.0))
    return run


def _head(structures: Sequence[Structure], scans: Sequence[Scan]) -> dict[str, Any]:
    return {
        "configuration": to_json(Configuration()),
        "structures": [
            {"name": item.name, "color": list(item.color), "terminology": item.terminology} for item in structures
        ],
        "overlapping": [],
        "cases": [
            {"name": scan.name, "folder": f"case{index}", "split": scan.split} for index, scan in enumerate(scans)
        ],
    }


def _first_labels(run: RunFolder, structures: Sequence[Structure], scan: Scan) -> Labels:
    kept = np.array([0, *(value if known else 0 for value, known in enumerate(scan.known, 1))], np.uint8)
    labels = Labels.expert(tuple(item.name for item in structures), kept[scan.truth], scan.known)
    index = len(list(run.case("x").parent.iterdir())) if run.case("x").parent.exists() else 0
    source = CaseSource(scan.name, lambda: scan.grid.image(scan.image), lambda grid: labels, split=scan.split)
    write_case(run.case(f"case{index}"), source, scan.name)
    return labels


def _predict(labels: Labels, scan: Scan, rng: np.random.Generator) -> Prediction:
    """The truth seen through smooth shifts of its borders; the confidence is low near the borders."""
    wobble = [ndimage.gaussian_filter(rng.normal(0, 1, scan.truth.shape), 3) for _ in range(3)]
    places = np.meshgrid(*[np.arange(n) for n in scan.truth.shape], indexing="ij")
    moved = [place + 6 * shift / max(shift.std(), 1e-9) / 4 for place, shift in zip(places, wobble)]
    predicted = ndimage.map_coordinates(scan.truth, moved, order=0, mode="nearest").astype(np.uint8)
    inner = ndimage.distance_transform_edt(predicted > 0)
    confidence = np.clip(0.55 + 0.12 * inner + 0.05 * wobble[0] / max(wobble[0].std(), 1e-9), 0.02, 1).astype(
        np.float32
    )
    confidence[predicted == 0] = 0
    rank = rank_volume(labels, predicted, confidence)
    share = fixed_point(confidence)
    return Prediction(labels.structures, predicted, share, share, rank)


def _relabel(labels: Labels, prediction: Prediction, number: int, gamma: float) -> tuple[Labels, dict[str, Any]]:
    label_map, origin, told = labels.label_map.copy(), labels.origin.copy(), {}
    for value, name in enumerate(labels.structures, 1):
        if labels.is_known(name):
            continue
        chosen = select(prediction, labels, name, gamma)
        new = chosen & (label_map == 0)
        label_map[new], origin[new] = value, FIRST_ROUND + number
        total = int(np.sum((label_map == value) & (origin >= FIRST_ROUND)))
        count = int(np.sum((prediction.label == value) & (labels.label_map == 0)))
        told[name] = {
            "candidates": count,
            "accepted_new": int(new.sum()),
            "accepted_total": total,
            "volume_ml": total * 0.049,
        }
    return replace(labels, label_map=label_map, origin=origin), told


def _write_training(run: RunFolder, number: int, structures: Sequence[Structure], rng: np.random.Generator) -> None:
    length = LEARNING_STEPS if number == 0 else LEARNING_STEPS // 2
    steps = list(range(10, length + 1, 10))
    start = 0.9 if number == 0 else 0.3 - 0.05 * number
    loss = [float(0.12 + start * np.exp(-step / 90) + rng.normal(0, 0.012)) for step in steps]
    final = {item.name: 0.6 + 0.3 * ((index * 37) % 10) / 10 for index, item in enumerate(structures)}
    validation = []
    for step in range(50, length + 1, 50):
        risen = 1 - np.exp(-step / 120) if number == 0 else 1.0
        dice = {
            name: float(np.clip(risen * (value + 0.02 * number) + rng.normal(0, 0.012), 0, 1))
            for name, value in final.items()
        }
        validation.append({"step": step, "dice": dice})
    curves = {
        "steps": steps,
        "loss": loss,
        "validation": validation,
        "best_step": length,
        "seconds": 31.5 - 10 * number,
        "batch": 8,
    }
    write_json(run.round(number).training, {**curves, "not_learned": []})
    confidence = {"steps": steps, "loss": loss, "seconds": 6.0, "kind": "learned", "target": "correctness"}
    write_json(run.round(number).confidence_training, confidence)
