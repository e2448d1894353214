"""The completed segmentation of a scan: the labels as they are, and suggestions where a structure is not known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..data.labels import EXPERT, FIRST_ROUND, Labels
from ..data.prediction import Prediction
from .components import fill_holes, largest_component
from .draft import Draft
from .select import accepted, open_at

FILLS = ("prediction", "accepted")


@dataclass(frozen=True)
class Options:
    """How to complete. The two rules for shape are off unless asked for; neither ever changes a voxel that the annotator settled.

    round_number: the round of the prediction; suggested voxels get the origin FIRST_ROUND + round_number.
    largest_component: of a structure that is not known, keep its largest component and those that hold a voxel of the annotator.
    fill_holes: fill what it encloses, where nothing else is labelled.
    """

    round_number: int = 0
    largest_component: bool = False
    fill_holes: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.round_number <= 255 - FIRST_ROUND:
            raise ValueError(f"round must be 0..{255 - FIRST_ROUND}, got {self.round_number}")


def completed(
    labels: Labels, prediction: Prediction | None, fill: str = "prediction", options: Options = Options()
) -> Labels:
    """The completed labels of a scan; the annotator's voxels, and structures that are known, are as in `labels`.

    fill 'prediction': a structure that is not known gets every voxel predicted as it whose label is open, and is then known.
    fill 'accepted': it keeps what was accepted in the rounds, and stays not known.
    """
    if fill not in FILLS:
        raise ValueError(f"fill must be one of {', '.join(FILLS)}, got {fill!r}")
    if fill == "prediction" and prediction is None:
        raise ValueError("filling with the prediction needs a prediction")
    unknown = [name for name in labels.structures if not labels.is_known(name)]
    result = labels
    if fill == "prediction" and prediction is not None:
        result = _filled(labels, prediction, unknown, FIRST_ROUND + options.round_number)
    for structure in unknown:
        if options.largest_component:
            result = _without_islands(result, structure)
        if options.fill_holes:
            result = _without_holes(result, structure, FIRST_ROUND + options.round_number)
    if fill == "prediction":
        for structure in unknown:
            result = result.with_known(structure)
    return result


def _filled(labels: Labels, prediction: Prediction, unknown: list[str], origin: int) -> Labels:
    if prediction.structures != labels.structures or prediction.label.shape != labels.label_map.shape:
        raise ValueError("labels and prediction must have the same structures and shape")
    draft = Draft(labels)
    for structure in unknown:
        places = np.flatnonzero(prediction.label == labels.value(structure))
        values = np.full(places.shape, labels.value(structure), np.uint8)
        draft.add(structure, places[open_at(labels, places, values)], origin)
    return draft.labels()


def _without_islands(labels: Labels, structure: str) -> Labels:
    kept = largest_component(labels.positive(structure), _expert(labels, structure))
    taken = accepted(labels, structure)
    draft = Draft(labels)
    draft.withdraw(structure, taken[~kept.reshape(-1)[taken]])
    return draft.labels()


def _expert(labels: Labels, structure: str) -> np.ndarray:
    """bool (z, y, x): the voxels that the annotator drew."""
    mask = (labels.label_map == labels.value(structure)) & (labels.origin == EXPERT)
    if structure in labels.overlaps:
        marks = labels.overlaps[structure]
        mask.reshape(-1)[marks.indices[marks.origin == EXPERT]] = True
    return mask


def _without_holes(labels: Labels, structure: str, origin: int) -> Labels:
    mask = labels.positive(structure)
    places = np.flatnonzero(fill_holes(mask) & ~mask & (labels.label_map == 0))
    values = np.full(places.shape, labels.value(structure), np.uint8)
    draft = Draft(labels)
    draft.add(structure, places[open_at(labels, places, values)], origin)
    return draft.labels()
