"""Large masks looked at a few slices at a time, so that the window lives meanwhile."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..relabel.components import Box
from .steps import Steps

_VOXELS = 1 << 21
"""A few milliseconds."""


def slabs_of(shape: tuple[int, ...]) -> Iterator[slice]:
    """Slices along z, one after the other, each of some million voxels at most (one plane at least)."""
    thick = max(1, _VOXELS // max(1, shape[1] * shape[2]))
    for first in range(0, shape[0], thick):
        yield slice(first, min(shape[0], first + thick))


def tight_in_steps(box: Box, mask: np.ndarray) -> Steps[tuple[Box, np.ndarray] | None]:
    """A mask (bool, of the shape of the box) cut to the smallest box around its voxels; None where it has none."""
    planes = np.zeros(mask.shape[0], bool)
    flat = np.zeros(mask.shape[1:], bool)
    for slab in slabs_of(mask.shape):
        planes[slab] = mask[slab].any(axis=(1, 2))
        flat |= mask[slab].any(axis=0)
        yield slab.stop / mask.shape[0]
    spans = []
    for hits in (planes, flat.any(axis=1), flat.any(axis=0)):
        places = np.flatnonzero(hits)
        if not places.size:
            return None
        spans.append(slice(int(places[0]), int(places[-1]) + 1))
    z, y, x = (slice(one.start + all_.start, one.stop + all_.start) for one, all_ in zip(spans, box))
    return (z, y, x), mask[spans[0], spans[1], spans[2]]
