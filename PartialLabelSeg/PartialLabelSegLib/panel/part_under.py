"""Which part of which suggestion lies under the mouse."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..relabel.scan_proposal import Part
from .acceptance import Acceptance
from .geometry import voxel_at
from .viewed import Viewed


def suggested_at(viewed: Viewed, ras: tuple[float, float, float]) -> tuple[str, tuple[int, int, int]]:
    """The structure that is suggested at a place in the views, and its voxel (x, y, z); '' where nothing is."""
    ijk = voxel_at(viewed.volume, ras)
    return (viewed.suggestions.at(ijk) if viewed.suggestions is not None else ""), ijk


def part_at(
    acceptance: Acceptance,
    structure: str,
    gamma: float,
    ijk: tuple[int, int, int],
    shape: tuple[int, ...],
    parts: Sequence[Part],
) -> int | None:
    """The seed of the listed part that holds a voxel; the voxel itself where its part is not listed (a crumb); None where none is shown there.

    shape: of the scan, (z, y, x). parts: those that are listed at gamma.
    """
    seed = int(np.ravel_multi_index(ijk[::-1], shape))
    region = acceptance.part(structure, gamma, seed)
    if region is None:
        return None
    box, mask = region
    for part in parts:
        place = [int(index) - span.start for index, span in zip(np.unravel_index(part.seed, shape), box)]
        if all(0 <= index < size for index, size in zip(place, mask.shape)) and mask[place[0], place[1], place[2]]:
            return part.seed
    return seed
