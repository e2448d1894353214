"""What became of one scan: the expert's labels, what was accepted in which round, and what the last network filled in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..data.geometry import Grid
from ..data.label_files import read_labels
from ..data.labels import EXPERT, FIRST_ROUND, Labels
from ..data.prediction import ONE, Prediction, read_prediction
from ..relabel.complete import Options, completed
from ..run.folder import RunFolder


@dataclass(frozen=True, eq=False)
class Outcome:
    """One case of a run as far as it got.

    expert: the labels as imported. labels: those of the last round that relabelled. final: `labels` with the last prediction filled in.
    prediction: of round `last_round`, None where no round has predicted yet.
    """

    grid: Grid
    expert: Labels
    labels: Labels
    final: Labels
    prediction: Prediction | None
    last_round: int


def read_outcome(
    run: RunFolder, case_folder: str, rounds: int, shape_rules: tuple[bool, bool] = (False, False)
) -> Outcome:
    """The outcome of a case after `rounds` rounds. shape_rules: largest component only, holes filled. Failure: a file is damaged."""
    expert, grid = read_labels(run.case(case_folder), case_folder)
    labels, prediction, last = expert, None, -1
    for number in range(rounds):
        folder = run.round(number)
        if (folder.labels(case_folder) / "labels.json").exists():
            labels = read_labels(folder.labels(case_folder), case_folder)[0]
        if (folder.prediction(case_folder) / "prediction.json").exists():
            last = number
    if last >= 0:
        prediction = read_prediction(run.round(last).prediction(case_folder), case_folder)[0]
    fill = "accepted" if prediction is None else "prediction"
    final = completed(labels, prediction, fill, Options(max(last, 0), *shape_rules))
    return Outcome(grid, expert, labels, final, prediction, max(last, 0))


def volumes(outcome: Outcome) -> dict[str, dict[str, Any]]:
    """Per structure: state, mL by origin (expert, accepted by round, filled by the last prediction, completed), mean confidence.

    mean_confidence: of the last prediction in 0..1 over the voxels that no annotator drew and that it predicts as the structure; else None.
    """
    before, after = _by_origin(outcome.labels), _by_origin(outcome.final)
    confidence = _mean_confidence(outcome)
    filled_origin = FIRST_ROUND + outcome.last_round
    result = {}
    for value, name in enumerate(outcome.expert.structures, 1):
        accepted = np.minimum(before[value], after[value])
        rounds = {
            str(origin - FIRST_ROUND): int(accepted[origin]) for origin in range(FIRST_ROUND, 256) if accepted[origin]
        }
        filled = int(after[value, filled_origin] - accepted[filled_origin])
        ml = outcome.grid.voxel_ml
        result[name] = {
            "state": outcome.expert.state(name).value,
            "expert_ml": float(after[value, EXPERT] * ml),
            "accepted_ml": {number: count * ml for number, count in rounds.items()},
            "filled_ml": filled * ml,
            "completed_ml": float(after[value].sum() * ml),
            "mean_confidence": confidence[value],
        }
    return result


def _by_origin(labels: Labels) -> np.ndarray:
    """int64 (K + 1, 256): voxels by label value and origin; overlaps count for their own structure. Slice by slice, to need little memory."""
    counts = np.zeros((len(labels.structures) + 1) * 256, np.int64)
    for names, origins in zip(labels.label_map, labels.origin):
        keys = names.astype(np.int32) * 256 + origins
        counts += np.bincount(keys.ravel(), minlength=counts.size)
    table = counts.reshape(-1, 256)
    for name, marks in labels.overlaps.items():
        value = labels.value(name)
        apart = labels.label_map.reshape(-1)[marks.indices] != value
        table[value] += np.bincount(marks.origin[apart], minlength=256)
    return table


def _mean_confidence(outcome: Outcome) -> list[float | None]:
    """Per label value, index 0 unused."""
    size = len(outcome.expert.structures) + 1
    sums, counts = np.zeros(size), np.zeros(size, np.int64)
    if outcome.prediction is not None:
        planes = zip(
            outcome.prediction.label, outcome.prediction.confidence, outcome.final.label_map, outcome.final.origin
        )
        for predicted, confidence, label, origin in planes:
            ours = (predicted == label) & (origin != EXPERT) & (label > 0)
            sums += np.bincount(label[ours], weights=confidence[ours], minlength=size)
            counts += np.bincount(label[ours], minlength=size)
    return [float(total / count / ONE) if count else None for total, count in zip(sums, counts)]
