"""Where the raters disagree: a map, and the places to look at first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..labels import Slices


def disagreement(share: np.ndarray, read: Slices | None = None) -> np.ndarray:
    """float32, the shape of `share`: 4 p (1 - p), for a share p of the votes in 0..1: 0 where all agree, 1 where half say yes.

    It is the variance of a vote, relative to the largest possible one. read: elsewhere it is 0 (None: everything was read).
    """
    result = np.float32(4) * share * (np.float32(1) - share)
    if read is not None:
        result *= read.mask(share.shape)
    return np.asarray(result, np.float32)


@dataclass(frozen=True)
class Place:
    """Connected voxels of disagreement. centre: (z, y, x), the voxel of the place that is nearest to its centre of mass.

    score: the sum of the disagreement over its voxels. peak: its largest value, 0..1.
    """

    centre: tuple[int, int, int]
    voxels: int
    score: float
    peak: float


def most_disagreed(disagreed: np.ndarray, level: float = 0.5, most: int = 20) -> tuple[Place, ...]:
    """The places where the disagreement (z, y, x) is at least `level`, above 0, by falling score; at most `most` of them.

    Voxels that touch by a face, an edge or a corner belong to one place. Equal scores: in the order of their first voxel.
    """
    labels, count = ndimage.label((disagreed >= level) & (disagreed > 0), np.ones((3, 3, 3), bool))
    if not count:
        return ()
    scores = np.bincount(labels.ravel(), weights=disagreed.ravel(), minlength=count + 1)[1:]
    chosen = np.argsort(-scores, kind="stable")[:most]
    boxes = ndimage.find_objects(labels)
    return tuple(_place(labels, disagreed, int(value) + 1, boxes[value], float(scores[value])) for value in chosen)


def _place(labels: np.ndarray, disagreed: np.ndarray, value: int, box: tuple[slice, ...], score: float) -> Place:
    voxels = np.argwhere(labels[box] == value) + [side.start for side in box]
    values = disagreed[tuple(voxels.T)].astype(float)
    mean = (voxels * values[:, None]).sum(axis=0) / values.sum()
    z, y, x = voxels[int(np.argmin(((voxels - mean) ** 2).sum(axis=1)))]
    return Place((int(z), int(y), int(x)), len(voxels), score, float(values.max()))
