"""Detection of lesions: instances with scores, matched to the reference by IoU, and average precision, precision and recall.

An instance is a connected component of a mask (`instances_of`), or whatever an instance network says. Average precision is the area
under the precision-recall curve over all scans together, with the precision made monotone (PASCAL VOC 2010 and later; Mask R-CNN).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse

from ..data.lesions import parts_of


@dataclass(frozen=True, eq=False)
class Instance:
    """One lesion: sorted flat indices (int64, C order of the scan) of its voxels, at least one, and its score; larger is surer."""

    indices: NDArray[np.int64]
    score: float = 1.0

    def __post_init__(self) -> None:
        if self.indices.ndim != 1 or self.indices.size == 0 or not bool(np.all(np.diff(self.indices) > 0)):
            raise ValueError("an instance needs sorted voxel indices without repeats, at least one")
        if not math.isfinite(self.score):
            raise ValueError(f"a score is a finite number, got {self.score}")


@dataclass(frozen=True)
class Scored:
    """What became of one detection: its score, and the IoU with the reference lesion that it was matched to, 0 where there is none."""

    score: float
    iou: float


@dataclass(frozen=True)
class Detection:
    """The detections of many scans against their reference at one IoU threshold. Fractions in 0..1.

    `found` detections match a lesion, `wrong` do not, `missed` lesions have no detection.
    average_precision: nan where there is no lesion. matched_iou: mean IoU of the matched pairs; nan without one.
    """

    threshold: float
    average_precision: float
    matched_iou: float
    found: int
    wrong: int
    missed: int

    @property
    def precision(self) -> float:
        """Share of the detections that are lesions; nan where nothing was detected."""
        return self.found / (self.found + self.wrong) if self.found + self.wrong else math.nan

    @property
    def recall(self) -> float:
        """Share of the lesions that were detected; nan where there is none."""
        return self.found / (self.found + self.missed) if self.found + self.missed else math.nan


def instances_of(
    mask: NDArray[np.bool_], probability: NDArray[np.floating] | None = None, smallest: int = 1
) -> list[Instance]:
    """The connected components of a boolean mask (voxels touch by faces, edges or corners), of at least `smallest` voxels.

    The score is the mean of `probability` (the same shape) over the component's voxels: its maximum is near 1 for every component of
    a confident network and ranks nothing. Without `probability` it is 1. Raises ValueError for arrays that do not fit.
    """
    if mask.dtype != np.bool_ or (probability is not None and probability.shape != mask.shape):
        raise ValueError("instances need a boolean mask and a probability of its shape")
    values = None if probability is None else probability.reshape(-1)
    return [
        Instance(part, 1.0 if values is None else float(values[part].mean(dtype=np.float64)))
        for part in parts_of(component_numbers(mask)).values()
        if part.size >= smallest
    ]


def component_numbers(mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    """1, 2, ... for the connected components of a boolean mask, in the order of their first voxels; int32 of its shape."""
    labels, _ = ndimage.label(mask, structure=np.ones((3,) * mask.ndim, bool))
    numbers: NDArray[np.int32] = labels.astype(np.int32, copy=False)
    return numbers


def iou_table(detected: Sequence[Instance], reference: Sequence[Instance]) -> NDArray[np.float64]:
    """IoU of every detected with every reference instance: float64 (detected, reference)."""
    if not detected or not reference:
        return np.zeros((len(detected), len(reference)))
    width = 1 + max(int(item.indices[-1]) for item in (*detected, *reference))
    rows, columns = _as_rows(detected, width), _as_rows(reference, width)
    both = np.asarray((rows @ columns.T).todense(), np.float64)
    sizes = [np.array([item.indices.size for item in side], np.float64) for side in (detected, reference)]
    return both / (sizes[0][:, None] + sizes[1][None] - both)


def _as_rows(items: Sequence[Instance], width: int) -> sparse.csr_matrix:
    columns = np.concatenate([item.indices for item in items])
    starts = np.cumsum([0, *(item.indices.size for item in items)])
    return sparse.csr_matrix((np.ones(columns.size, np.int64), columns, starts), shape=(len(items), width))


def match(detected: Sequence[Instance], reference: Sequence[Instance], threshold: float) -> list[Scored]:
    """Match the detections of one scan, the surest first, each to the free lesion with the highest IoU of at least `threshold`.

    A lesion is matched once: a second detection of it is wrong. Detections of equal score go by their best IoU, so that the order of
    the input does not matter. The result is in the order in which they were matched.
    """
    table = iou_table(detected, reference)
    best = table.max(axis=1, initial=0.0)
    order = sorted(range(len(detected)), key=lambda place: (-detected[place].score, -best[place]))
    free = np.ones(len(reference), bool)
    result = []
    for place in order:
        row = np.where(free, table[place], -1.0)
        chosen = int(np.argmax(row)) if row.size else -1
        hit = chosen >= 0 and row[chosen] >= threshold
        if hit:
            free[chosen] = False
        result.append(Scored(detected[place].score, float(row[chosen]) if hit else 0.0))
    return result


def detection(scans: Sequence[tuple[Sequence[Instance], Sequence[Instance]]], threshold: float) -> Detection:
    """Measure (detected, reference) instances of many scans at an IoU threshold (0.5 for AP50, 0.75 for AP75).

    Raises ValueError for a threshold outside (0, 1].
    """
    if not 0 < threshold <= 1:
        raise ValueError(f"the IoU threshold must lie in (0, 1], got {threshold}")
    scored = [item for detected, reference in scans for item in match(detected, reference, threshold)]
    return summed(scored, sum(len(reference) for _, reference in scans), threshold)


def summed(scored: Sequence[Scored], lesions: int, threshold: float) -> Detection:
    """The same of what `match` said of each scan at that threshold, and the number of reference lesions in all of them."""
    matched = [item.iou for item in scored if item.iou > 0]
    return Detection(
        threshold=threshold,
        average_precision=average_precision(scored, lesions),
        matched_iou=float(np.mean(matched)) if matched else math.nan,
        found=len(matched),
        wrong=len(scored) - len(matched),
        missed=lesions - len(matched),
    )


def average_precision(scored: Sequence[Scored], lesions: int) -> float:
    """Area under the monotone precision-recall curve of matched detections; nan where there is no lesion.

    Detections of one score share one point of the curve, so the result does not depend on their order.
    """
    if lesions == 0:
        return math.nan
    if not scored:
        return 0.0
    scores = np.array([item.score for item in scored])
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.diff(scores[order]) != 0, True)
    hits = np.cumsum([scored[place].iou > 0 for place in order])[last]
    precision = hits / (np.flatnonzero(last) + 1)
    # The best precision that is still reached at this recall or beyond.
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(hits, prepend=0) * envelope) / lesions)
