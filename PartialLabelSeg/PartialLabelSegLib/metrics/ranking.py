"""How well a confidence ranks correct before wrong voxels, and how good the labels are that were accepted by it.

All values are fractions in 0..1 (the paper prints percent). The measures are those of INERRANT (Petit, Thome and Soler 2021), after
Corbiere et al. 2019: AUC, AP_success and AP_error, taken on the candidates for relabelling.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .overlap import check_masks


@dataclass(frozen=True)
class Ranking:
    """How well a confidence separates correct from wrong; nan where there is nothing correct or nothing wrong.

    `auc`: the chance that a correct voxel is more confident than a wrong one, ties counting one half.
    `ap_success`: average precision of finding the correct voxels, the most confident first.
    `ap_error`: average precision of finding the wrong voxels, the least confident first.
    `count` voxels were ranked, `errors` of them wrong.
    """

    auc: float
    ap_success: float
    ap_error: float
    count: int
    errors: int

    def __post_init__(self) -> None:
        if not 0 <= self.errors <= self.count:
            raise ValueError(f"errors must lie in 0..{self.count} (count), got {self.errors}.")


def ranking(confidence: NDArray[np.number], correct: NDArray[np.bool_]) -> Ranking:
    """Rank n values of confidence (any real dtype, finite, shape (n,)) against whether each was correct (boolean, (n,)).

    Equal values share one threshold, so the result does not depend on the order of the input. The values are compared as
    they are and never turned into 1 - confidence, which would make ties near 1. Raises ValueError for a wrong dtype or
    shape and for values that are not finite.
    """
    _check_ranked(confidence, correct)
    right, wrong = _count_by_confidence(confidence, correct)
    successes, errors = int(right.sum()), int(wrong.sum())
    count = successes + errors
    if successes == 0 or errors == 0:
        return Ranking(math.nan, math.nan, math.nan, count, errors)
    return Ranking(
        auc=_auc(right, wrong),
        ap_success=_average_precision(right[::-1], wrong[::-1]),
        ap_error=_average_precision(wrong, right),
        count=count,
        errors=errors,
    )


def rank_candidates(
    predicted: NDArray[np.bool_], reference: NDArray[np.bool_], confidence: NDArray[np.number]
) -> Ranking:
    """Rank the candidates, the voxels of the predicted mask, by their confidence; correct are those in the reference.

    All three arrays have one shape; the masks are boolean. Raises ValueError otherwise.
    """
    check_masks(predicted, reference, "reference")
    if confidence.shape != predicted.shape:
        raise ValueError(f"The confidence must have the masks' shape {predicted.shape}, got {confidence.shape}.")
    return ranking(confidence[predicted], reference[predicted])


@dataclass(frozen=True)
class RelabelQuality:
    """Voxels accepted as a missing structure, those of them that truly are it, and all that truly are it."""

    accepted: int
    accepted_true: int
    true: int

    def __post_init__(self) -> None:
        if not 0 <= self.accepted_true <= min(self.accepted, self.true):
            raise ValueError(
                f"accepted_true must lie in 0..{min(self.accepted, self.true)} "
                f"(the smaller of accepted {self.accepted} and true {self.true}), got {self.accepted_true}."
            )

    def __add__(self, other: RelabelQuality) -> RelabelQuality:
        """Pool the voxels of two scans or structures."""
        return RelabelQuality(
            self.accepted + other.accepted, self.accepted_true + other.accepted_true, self.true + other.true
        )

    @property
    def precision(self) -> float:
        """Share of the accepted voxels that truly are the structure; nan where nothing was accepted."""
        return self.accepted_true / self.accepted if self.accepted else math.nan

    @property
    def recall(self) -> float:
        """Share of the structure's true voxels that were accepted; nan where it has none."""
        return self.accepted_true / self.true if self.true else math.nan


def relabel_quality(accepted: NDArray[np.bool_], truth: NDArray[np.bool_]) -> RelabelQuality:
    """Compare the voxels accepted as a structure that was missing with all voxels that truly are it.

    Boolean arrays of one shape; raises ValueError otherwise.
    """
    check_masks(accepted, truth, "true")
    return RelabelQuality(
        accepted=int(np.count_nonzero(accepted)),
        accepted_true=int(np.count_nonzero(accepted & truth)),
        true=int(np.count_nonzero(truth)),
    )


def _check_ranked(confidence: NDArray[np.number], correct: NDArray[np.bool_]) -> None:
    if confidence.ndim != 1 or confidence.shape != correct.shape:
        raise ValueError(
            f"confidence and correct must be arrays of one axis and one length, got {confidence.shape} and {correct.shape}."
        )
    if correct.dtype != np.bool_:
        raise ValueError(f"correct must be a boolean array, got {correct.dtype}.")
    if not np.isrealobj(confidence) or not np.isfinite(confidence).all():
        raise ValueError("confidence must hold finite real numbers only.")


def _count_by_confidence(
    confidence: NDArray[np.number], correct: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many voxels are correct and how many wrong at each distinct confidence, the lowest first."""
    order = np.argsort(confidence)
    ordered = confidence[order]
    last = np.append(np.flatnonzero(ordered[1:] != ordered[:-1]), len(ordered) - 1) if len(ordered) else order
    up_to = np.cumsum(correct[order], dtype=np.int64)[last]
    right = np.diff(up_to, prepend=0)
    return right, np.diff(last + 1, prepend=0) - right


def _auc(right: NDArray[np.int64], wrong: NDArray[np.int64]) -> float:
    """Share of all (correct, wrong) pairs in which the correct one is more confident; counted in whole numbers, so exact."""
    wrong_below = np.cumsum(wrong) - wrong
    doubled = int(np.sum(right * (2 * wrong_below + wrong)))
    return doubled / (2 * int(right.sum()) * int(wrong.sum()))


def _average_precision(found: NDArray[np.int64], other: NDArray[np.int64]) -> float:
    """Sum over the thresholds, in the order given, of the step in recall times the precision up to there."""
    hits = np.cumsum(found)
    precision = hits / (hits + np.cumsum(other))
    return float(np.sum(found * precision) / hits[-1])
