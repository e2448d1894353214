"""From the labels of a round and the decisions on its suggestions to the labels of the next round: a pure function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..data.labels import FIRST_ROUND, Labels
from ..data.prediction import Prediction
from ..run.failure import Failure
from .components import component_of
from .draft import Draft
from .drawn import open_to_drawing
from .review import ACCEPTED, COMPLETE, NOT_NOW, WRONG, Decision, Review
from .select import accepted, accepted_at, among, open_at, suggested_at, threshold, united

LAST_ROUND = 255 - FIRST_ROUND
NOTHING = np.empty(0, np.int64)


def apply(
    labels: Labels,
    prediction: Prediction,
    review: Review,
    case: str,
    round_number: int,
    edits: Mapping[str, np.ndarray] = {},
) -> Labels:
    """The labels of `case` after the review of round `round_number` (0..253); `labels` stays as it is.

    Accepted suggestions become positives of this round's origin; beside a label of a structure that may share voxels they become overlaps.
    Wrong ones become marked negatives, and are withdrawn where they were accepted before; nothing else is learned from them.
    What a person drew takes the place of all that was accepted of the structure, and of what was accepted of others there.
    Complete makes the structure known in the whole scan, and trusted where its label was made quickly. Voxels and slices that the annotator settled never change.
    The last decision on each structure and on each component counts; what is said of a component stands over what is said of its whole
    structure. Applying the same review again changes nothing. Suggestions are what the prediction's ranks say, whatever the labels are by now.

    edits: per file of an edit, the sorted flat indices (int64) drawn in it (`read_edits`).
    Failure: a decision names a structure that the labels lack, or a component that is not suggested.
    """
    if not 0 <= round_number <= LAST_ROUND:
        raise ValueError(f"round must be 0..{LAST_ROUND}, got {round_number}")
    if prediction.structures != labels.structures or prediction.label.shape != labels.label_map.shape:
        raise Failure("its prediction was made for other structures or another grid.", case=case)
    decisions = review.latest(case)
    verdicts = []
    for structure in dict.fromkeys(item.structure for item in decisions):
        if structure not in labels.structures:
            raise Failure(
                "a decision speaks of a structure that the labels do not have.", case=case, structure=structure
            )
        mine = [item for item in decisions if item.structure == structure]
        verdicts.append(_verdict(labels, prediction, mine, edits))
    draft = Draft(labels)
    for verdict in _without_what_others_drew(labels, verdicts, decisions):
        _change(draft, labels, verdict, FIRST_ROUND + round_number)
    result = draft.labels()
    for item in decisions:
        if item.decision == COMPLETE:
            result = result.confirmed(item.structure)
    return result


@dataclass(frozen=True, eq=False)
class _Verdict:
    """Sorted flat indices of what is and of what is not the structure. drawn: those of `yes` that a person drew; None where nobody drew it."""

    structure: str
    yes: np.ndarray
    no: np.ndarray
    drawn: np.ndarray | None = None


def _verdict(
    labels: Labels, prediction: Prediction, decisions: Sequence[Decision], edits: Mapping[str, np.ndarray]
) -> _Verdict:
    """First what is said of the whole, then of components; where a person drew, one after the other."""
    yes, no, drawn = NOTHING, NOTHING, None
    if all(item.edit is None for item in decisions):
        decisions = sorted(decisions, key=lambda item: item.component is not None)
    for item in decisions:
        if item.edit is not None:
            drawn = open_to_drawing(labels, edits[item.edit.file], item.structure)
            yes, no = drawn, _without(no, drawn)
        if item.gamma is None:
            continue
        places = _places(prediction, item)
        said_yes, said_no = item.decision in (ACCEPTED, COMPLETE), item.decision == WRONG
        if said_no and item.component is None:
            places = united(places, _no_longer_predicted(labels, prediction, item.structure))
        yes = united(yes, places) if said_yes else _without(yes, places)
        no = united(no, places) if said_no else _without(no, places)
    return _Verdict(decisions[0].structure, yes, no, drawn)


def _without(indices: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The sorted `indices` that are not among the sorted `others`."""
    return indices[~among(indices, others)] if indices.size else indices


def _places(prediction: Prediction, decision: Decision) -> np.ndarray:
    """The suggestions that a decision speaks of."""
    assert decision.gamma is not None
    if decision.component is None:
        if decision.decision == NOT_NOW:
            return NOTHING
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


def _without_what_others_drew(
    labels: Labels, verdicts: Sequence[_Verdict], decisions: Sequence[Decision]
) -> list[_Verdict]:
    """No voxel is two structures that exclude each other: what was drawn stands over what was accepted, and of two drawings the later one."""
    when = {item.structure: place for place, item in enumerate(decisions) if item.edit is not None}
    result = []
    for verdict in verdicts:
        drawn, clicked = verdict.drawn, verdict.yes if verdict.drawn is None else _without(verdict.yes, verdict.drawn)
        for other in verdicts:
            if other.drawn is None or not labels.excludes(verdict.structure, other.structure):
                continue
            clicked = _without(clicked, other.drawn)
            if drawn is not None and when[other.structure] > when[verdict.structure]:
                drawn = _without(drawn, other.drawn)
        result.append(replace(verdict, yes=clicked if drawn is None else united(drawn, clicked), drawn=drawn))
    return result


def _change(draft: Draft, labels: Labels, verdict: _Verdict, origin: int) -> None:
    structure, value = verdict.structure, labels.value(verdict.structure)
    new = open_at(labels, verdict.yes, np.full(verdict.yes.shape, value, np.uint8))
    if verdict.drawn is not None:
        taken = accepted(labels, structure)
        for other in labels.structures:
            if labels.excludes(structure, other):
                draft.withdraw(other, verdict.drawn)
        draft.allow(structure, verdict.drawn)
        draft.withdraw(structure, _without(taken, verdict.yes))
        new = (new | among(verdict.yes, verdict.drawn)) & ~among(verdict.yes, taken)
    draft.add(structure, verdict.yes[new], origin)
    values = np.full(verdict.no.shape, value, np.uint8)
    mutable = open_at(labels, verdict.no, values) | accepted_at(labels, verdict.no, values)
    draft.withdraw(structure, verdict.no[mutable])
    draft.deny(structure, verdict.no[mutable], origin)
