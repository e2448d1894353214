"""Connected parts of a mask: found inside its bounding box only; the largest one, and holes, as stated options."""

from __future__ import annotations

import numpy as np

Box = tuple[slice, slice, slice]
_CORNERS = np.ones((3, 3, 3), bool)
"""Voxels that share a face, an edge or a corner belong together."""


def bounding_box(mask: np.ndarray) -> Box | None:
    """The smallest box that holds a bool mask (z, y, x); None where it is empty."""
    spans = []
    for axis in range(3):
        hit = np.flatnonzero(mask.any(axis=tuple(other for other in range(3) if other != axis)))
        if not hit.size:
            return None
        spans.append(slice(int(hit[0]), int(hit[-1]) + 1))
    return (spans[0], spans[1], spans[2])


def boxes(label_map: np.ndarray, values: int) -> list[Box | None]:
    """The bounding box of each label value 1..values, in one pass."""
    # Loaded when needed: it takes longer than all of Slicer's panel, which needs this file too.
    from scipy import ndimage

    return list(ndimage.find_objects(label_map, values))


def components(mask: np.ndarray) -> tuple[np.ndarray, int]:
    """int32 of the mask's shape: 1..n for its n 26-connected components, and n."""
    from scipy import ndimage

    labelled, count = ndimage.label(mask, _CORNERS)
    return labelled, int(count)


def flat_indices(mask: np.ndarray, box: Box, shape: tuple[int, ...]) -> np.ndarray:
    """Sorted flat indices (int64) in a volume of `shape` of the voxels of `mask`, which covers `box` of it."""
    starts = [span.start for span in box]
    places = [index + start for index, start in zip(np.nonzero(mask), starts, strict=True)]
    return np.ravel_multi_index(tuple(places), shape).astype(np.int64, copy=False)


def component_of(mask: np.ndarray, seed: int) -> np.ndarray:
    """Sorted flat indices of the component of `mask` that holds the voxel of flat index `seed`; none where the mask does not hold it."""
    box = bounding_box(mask)
    if box is None or not 0 <= seed < mask.size or not mask.reshape(-1)[seed]:
        return np.empty(0, np.int64)
    labelled, _ = components(mask[box])
    place = tuple(int(index) - span.start for index, span in zip(np.unravel_index(seed, mask.shape), box, strict=True))
    return flat_indices(labelled == labelled[place], box, mask.shape)


def largest_component(mask: np.ndarray, keep: np.ndarray | None = None) -> np.ndarray:
    """The component with the most voxels (the first in scan order of several such), and those that hold a voxel of the bool mask `keep`."""
    result = np.zeros(mask.shape, bool)
    box = bounding_box(mask)
    if box is not None:
        labelled, count = components(mask[box])
        kept = np.zeros(count + 1, bool)
        kept[1 + int(np.argmax(np.bincount(labelled.ravel())[1:]))] = True
        if keep is not None:
            kept[labelled[keep[box]]] = True
            kept[0] = False
        result[box] = kept[labelled]
    return result


def fill_holes(mask: np.ndarray) -> np.ndarray:
    """The mask with the voxels that it encloses in all three directions (no path of face neighbours leads out)."""
    result = mask.copy()
    box = bounding_box(mask)
    if box is not None:
        from scipy import ndimage

        result[box] = ndimage.binary_fill_holes(mask[box])
    return result
