"""Which voxels are suggested: the candidates of each structure, their rank by confidence, and the share gamma of them.

The candidates of a structure in a scan where it is not known are the voxels predicted as it whose label is still open. Together with the
voxels accepted in earlier rounds they are its pool. The pool is ordered: accepted voxels first, then by falling confidence. The share gamma
of the pool, from the top, is selected (INERRANT, Algorithm 2), so that what was accepted earlier counts towards the share.
"""

from __future__ import annotations

import numpy as np

from ..data.labels import FIRST_ROUND, Labels
from ..data.prediction import ONE, Prediction


def candidates(labels: Labels, predicted: np.ndarray, structure: str) -> np.ndarray:
    """bool (z, y, x): voxels predicted as `structure` (uint8 label map) of which the labels do not yet say whether they are."""
    mask: np.ndarray = predicted == labels.value(structure)
    mask &= ~labels.certain(structure)
    return mask


def accepted(labels: Labels, structure: str) -> np.ndarray:
    """Sorted flat indices (int64) of the voxels of `structure` that were accepted in a round."""
    indices = np.flatnonzero(labels.origin >= FIRST_ROUND)
    indices = indices[labels.label_map.reshape(-1)[indices] == labels.value(structure)]
    if structure in labels.overlaps:
        marks = labels.overlaps[structure]
        indices = united(indices, marks.indices[marks.origin >= FIRST_ROUND])
    return indices.astype(np.int64, copy=False)


def united(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The sorted union of two sorted index arrays without repeats. For millions of indices much faster than numpy's union1d, which hashes."""
    if not first.size or not second.size:
        return first if first.size else second
    both = np.concatenate([first, second])
    both.sort(kind="stable")
    return both[np.concatenate([[True], both[1:] != both[:-1]])]


def rank_volume(labels: Labels, predicted: np.ndarray, confidence: np.ndarray) -> np.ndarray:
    """uint16 (z, y, x): the rank of each voxel in the pool of the structure that it is predicted as; 0 outside the pools.

    predicted: uint8 label map. confidence: float32 in 0..1, in the predicted label.
    In a pool of n voxels the one at position p = 0..n-1 has the rank ceil(65535 (n - p - 1/2) / n), so that
    `rank > (1 - gamma) 65535` holds for round(gamma n) voxels (within n / 65535 in pools of more than 65535).
    Equal confidences are ordered by flat index. Accepted voxels that are no longer predicted so have the first positions and no rank.
    """
    if predicted.shape != labels.label_map.shape or confidence.shape != predicted.shape or predicted.dtype != np.uint8:
        raise ValueError(
            f"prediction {predicted.dtype} {predicted.shape} and confidence {confidence.shape} must fit the labels"
        )
    rank = np.zeros(predicted.shape, np.uint16)
    indices = np.flatnonzero(predicted != 0)
    values = predicted.reshape(-1)[indices]
    taken = accepted_at(labels, indices, values)
    pool = open_at(labels, indices, values) | taken
    for value, (structure, known) in enumerate(zip(labels.structures, labels.known, strict=True), 1):
        mine = np.flatnonzero(pool & (values == value))
        if known or not mine.size:
            continue
        no_longer_predicted = accepted(labels, structure).size - int(np.count_nonzero(taken[mine]))
        places = indices[mine]
        order = _order(confidence.reshape(-1)[places], taken[mine])
        rank.reshape(-1)[places[order]] = _ranks(no_longer_predicted, no_longer_predicted + mine.size)
    return rank


def open_at(labels: Labels, indices: np.ndarray, values: np.ndarray) -> np.ndarray:
    """bool (n,): whether the labels leave open that voxel `indices[i]` is the structure of value `values[i]`.

    indices: sorted flat indices; values: label values of one dtype. The same as `~labels.certain`, for some voxels and several structures.
    """
    settles = _settling(labels)
    settled = settles[values, labels.label_map.reshape(-1)[indices]]
    for structure, marks in labels.overlaps.items():
        settled |= settles[values, labels.value(structure)] & among(indices, marks.indices)
    for structure, marks in labels.negatives.items():
        settled |= (values == labels.value(structure)) & among(indices, marks.indices)
    for structure, where in labels.slices.items():
        mine = np.flatnonzero(values == labels.value(structure))
        coordinate = np.unravel_index(indices[mine], labels.label_map.shape)[where.axis]
        settled[mine] |= np.isin(coordinate, where.indices)
    return ~settled


def _settling(labels: Labels) -> np.ndarray:
    """bool (K + 1, K + 1): whether a voxel with the label of the column is certainly, or certainly not, the structure of the row."""
    table = np.zeros((len(labels.structures) + 1, len(labels.structures) + 1), bool)
    for row, structure in enumerate(labels.structures, 1):
        table[row] = labels.known[row - 1]
        for column, other in enumerate(labels.structures, 1):
            table[row, column] |= other == structure or labels.excludes(structure, other)
    return table


def accepted_at(labels: Labels, indices: np.ndarray, values: np.ndarray) -> np.ndarray:
    """bool (n,): whether voxel `indices[i]` was accepted as the structure of value `values[i]`."""
    taken = labels.label_map.reshape(-1)[indices] == values
    taken &= labels.origin.reshape(-1)[indices] >= FIRST_ROUND
    for structure, marks in labels.overlaps.items():
        taken |= (values == labels.value(structure)) & among(indices, marks.indices[marks.origin >= FIRST_ROUND])
    return taken


def among(indices: np.ndarray, few: np.ndarray) -> np.ndarray:
    """bool (n,): which of the sorted `indices` occur in the sorted `few`."""
    found = np.zeros(indices.shape, bool)
    if indices.size and few.size:
        places = np.minimum(np.searchsorted(indices, few), indices.size - 1)
        found[places[indices[places] == few]] = True
    return found


def _order(confidence: np.ndarray, first: np.ndarray) -> np.ndarray:
    """int64 (n,): the order of a pool. One 64-bit key holds all three criteria: sorting numbers is several times faster than lexsort."""
    if confidence.size and not (float(confidence.min()) >= 0 and float(confidence.max()) <= 1):
        raise ValueError("confidence must lie in 0..1")
    # The bits of float32 numbers from 0 up, read as integers, have the order of the numbers; adding 0 turns -0 into 0.
    bits = (confidence.astype(np.float32) + np.float32(0)).view(np.uint32).astype(np.uint64)
    key = (np.uint64(0x7FFFFFFF) - bits) << np.uint64(32)
    key |= (~first).astype(np.uint64) << np.uint64(63)
    key |= np.arange(confidence.size, dtype=np.uint64)
    key.sort()
    return (key & np.uint64(0xFFFFFFFF)).astype(np.int64)


def _ranks(first: int, pool: int) -> np.ndarray:
    """uint16: the ranks of the positions first..pool-1 in a pool of `pool` voxels, in exact integers."""
    doubled = 2 * (pool - np.arange(first, pool, dtype=np.int64)) - 1
    return ((ONE * doubled + 2 * pool - 1) // (2 * pool)).astype(np.uint16)


def threshold(gamma: float) -> int:
    """The rank above which a voxel belongs to the share `gamma`. ValueError: gamma outside 0..1."""
    if not 0 <= gamma <= 1:
        raise ValueError(f"gamma must lie in 0..1, got {gamma}")
    return int((1 - gamma) * ONE)


def suggested(prediction: Prediction, gamma: float) -> np.ndarray:
    """uint8 (z, y, x): the label map of all suggestions at `gamma`, every structure in one pass over the volume."""
    result: np.ndarray = np.multiply(prediction.label, prediction.rank > threshold(gamma), dtype=np.uint8)
    return result


def suggested_at(prediction: Prediction, structure: str, gamma: float) -> np.ndarray:
    """Sorted flat indices (int64) of the suggestions of one structure at `gamma`."""
    mask = prediction.rank > threshold(gamma)
    mask &= prediction.label == prediction.value(structure)
    return np.flatnonzero(mask)


def select(prediction: Prediction, labels: Labels, structure: str, gamma: float) -> np.ndarray:
    """bool (z, y, x): the share `gamma` of the structure's pool; voxels that were accepted but are no longer predicted are always in it."""
    places = suggested_at(prediction, structure, gamma)
    values = np.full(places.shape, labels.value(structure), np.uint8)
    taken = accepted(labels, structure)
    result = np.zeros(labels.label_map.shape, bool)
    flat = result.reshape(-1)
    flat[places[open_at(labels, places, values) | accepted_at(labels, places, values)]] = True
    flat[taken[prediction.label.reshape(-1)[taken] != labels.value(structure)]] = True
    return result
