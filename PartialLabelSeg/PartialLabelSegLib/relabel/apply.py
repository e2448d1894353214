"""From the labels of a round and the decisions on its suggestions to the labels of the next round: a pure function."""

from __future__ import annotations

import numpy as np

from ..data.labels import FIRST_ROUND, Labels
from ..data.prediction import Prediction
from ..run.failure import Failure
from .components import component_of
from .draft import Draft
from .review import ACCEPTED, COMPLETE, NOT_NOW, WRONG, Decision, Review
from .select import accepted, accepted_at, among, open_at, suggested_at, threshold, united

LAST_ROUND = 255 - FIRST_ROUND


def apply(labels: Labels, prediction: Prediction, review: Review, case: str, round_number: int) -> Labels:
    """The labels of `case` after the review of round `round_number` (0..253); `labels` stays as it is.

    Accepted suggestions become positives of this round's origin; beside a label of a structure that may share voxels they become overlaps.
    Wrong ones become marked negatives, and are withdrawn where they were accepted before; nothing else is learned from them.
    Complete makes the structure known in the whole scan. Voxels and slices that the annotator settled never change.
    The last decision on each structure and on each component counts; what is said of a component stands over what is said of its whole
    structure. Applying the same review again changes nothing. Suggestions are what the prediction's ranks say, whatever the labels are by now.

    Failure: a decision names a structure that the labels lack, or a component that is not suggested.
    """
    if not 0 <= round_number <= LAST_ROUND:
        raise ValueError(f"round must be 0..{LAST_ROUND}, got {round_number}")
    if prediction.structures != labels.structures or prediction.label.shape != labels.label_map.shape:
        raise Failure("its prediction was made for other structures or another grid.", case=case)
    decisions = review.latest(case)
    draft = Draft(labels)
    for structure in dict.fromkeys(item.structure for item in decisions):
        if structure not in labels.structures:
            raise Failure(
                "a decision speaks of a structure that the labels do not have.", case=case, structure=structure
            )
        mine = [item for item in decisions if item.structure == structure]
        yes, no = _verdict(labels, prediction, mine)
        _change(draft, labels, structure, yes, no, FIRST_ROUND + round_number)
    result = draft.labels()
    for item in decisions:
        if item.decision == COMPLETE:
            result = result.with_known(item.structure)
    return result


def _verdict(labels: Labels, prediction: Prediction, decisions: list[Decision]) -> tuple[np.ndarray, np.ndarray]:
    """Flat indices of the accepted and of the wrong suggestions of one structure: first what is said of the whole, then of components."""
    yes = no = np.empty(0, np.int64)
    for item in sorted(decisions, key=lambda item: item.component is not None):
        if item.gamma is None:
            continue
        places = _places(prediction, item)
        said_yes, said_no = item.decision in (ACCEPTED, COMPLETE), item.decision == WRONG
        if said_no and item.component is None:
            places = united(places, _no_longer_predicted(labels, prediction, item.structure))
        yes = united(yes, places) if said_yes else _without(yes, places)
        no = united(no, places) if said_no else _without(no, places)
    return yes, no


def _without(indices: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The sorted `indices` that are not among the sorted `others`."""
    return indices[~among(indices, others)] if indices.size else indices


def _places(prediction: Prediction, decision: Decision) -> np.ndarray:
    """The suggestions that a decision speaks of."""
    assert decision.gamma is not None
    if decision.component is None:
        if decision.decision == NOT_NOW:
            return np.empty(0, np.int64)
        return suggested_at(prediction, decision.structure, decision.gamma)
    mask = prediction.rank > threshold(decision.gamma)
    mask &= prediction.label == prediction.value(decision.structure)
    places = component_of(mask, decision.component)
    if not places.size:
        raise Failure(
            f"a decision names the component at voxel {decision.component}, but nothing is suggested there at gamma {decision.gamma:g}.",
            way_out="Delete that decision from review.json, or decide anew, and run the same command again.",
            case=decision.case,
            structure=decision.structure,
        )
    return places


def _no_longer_predicted(labels: Labels, prediction: Prediction, structure: str) -> np.ndarray:
    """Voxels accepted in an earlier round that the network now takes for something else."""
    taken = accepted(labels, structure)
    return taken[prediction.label.reshape(-1)[taken] != prediction.value(structure)]


def _change(draft: Draft, labels: Labels, structure: str, yes: np.ndarray, no: np.ndarray, origin: int) -> None:
    value = labels.value(structure)
    draft.add(structure, yes[open_at(labels, yes, np.full(yes.shape, value, np.uint8))], origin)
    values = np.full(no.shape, value, np.uint8)
    mutable = open_at(labels, no, values) | accepted_at(labels, no, values)
    draft.withdraw(structure, no[mutable])
    draft.deny(structure, no[mutable], origin)
