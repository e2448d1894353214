"""Generalised energy distance between two sets of masks: whether a model's variants spread as the raters' masks do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .overlap import check_masks


def energy_distance(predicted: Sequence[NDArray[np.bool_]], raters: Sequence[NDArray[np.bool_]]) -> float:
    """D^2 = 2 E[d(S, Y)] - E[d(S, S')] - E[d(Y, Y')] with d = 1 - IoU (Kohl et al. 2018, Eq. 4), 0 for equal sets, at most 2.

    predicted, raters: boolean masks of one shape, at least one each. Each mean runs over all pairs, a mask with itself included, as the
    paper's does; two empty masks are equal (d = 0). Raises ValueError for an empty set and for masks that do not fit.
    """
    if not predicted or not raters:
        raise ValueError("the energy distance needs at least one mask on each side")
    for mask in (*predicted, *raters):
        check_masks(mask, raters[0], "first rater's")
    own, theirs = _flat(predicted), _flat(raters)
    return 2 * _mean_distance(own, theirs) - _mean_distance(own, own) - _mean_distance(theirs, theirs)


def level_sets(probability: NDArray[np.floating], count: int) -> list[NDArray[np.bool_]]:
    """`count` masks that stand for a probability map: the voxels above each of `count` evenly spread thresholds.

    With thresholds (i + 1/2) / count a voxel of probability p lies in about p * count of them. The thresholds are the same everywhere, so
    the masks contain one another: a network without a random part says how likely a voxel is, not which voxels go together.
    """
    if count < 1:
        raise ValueError(f"count must be at least 1, got {count}")
    return [probability > (number + 0.5) / count for number in range(count)]


def _flat(masks: Sequence[NDArray[np.bool_]]) -> NDArray[np.float64]:
    return np.stack([mask.reshape(-1) for mask in masks]).astype(np.float64)


def _mean_distance(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Mean of 1 - IoU over all pairs of rows."""
    both = first @ second.T
    either = first.sum(axis=1)[:, None] + second.sum(axis=1)[None] - both
    return float(np.mean(np.where(either > 0, 1 - both / np.maximum(either, 1), 0.0)))
