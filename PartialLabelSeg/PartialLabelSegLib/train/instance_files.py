"""The instances of a scan as files: one numbered label map on the scan's own grid, and what is known of each number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..config import Plan
from ..data.geometry import Grid, resample_labels
from ..data.label_files import write_image
from ..data.lesions import Found, lesion_of, numbered, parts_of, write_lesions
from ..metrics.detection import Instance
from .prepared import from_network_order, prepared_grid


def write_instances(
    folder: Path, found: Mapping[str, Sequence[Instance]], shape: tuple[int, int, int], grid: Grid, plan: Plan
) -> None:
    """Writes `instances.nrrd` (whole numbers on `grid`, the scan's) and `instances.json`, the list of data/lesions.py.

    found: per structure its instances on the prepared grid, of `shape` (slice, row, column). Numbers go by falling score over all
    structures; where two share a voxel it shows the surer one. An instance that no voxel of the scan's grid falls into is left out.
    """
    pairs = [(name, one) for name, own in found.items() for one in own]
    pairs.sort(key=lambda pair: -pair[1].score)
    numbers = numbered([one.indices for _, one in pairs], shape)
    prepared = np.ascontiguousarray(from_network_order(numbers, plan))
    there = sitk.GetArrayFromImage(resample_labels(prepared_grid(grid, plan).image(prepared), grid))
    write_image(folder / "instances.nrrd", grid.image(there))
    lesions = []
    for number, voxels in parts_of(there).items():
        structure, one = pairs[number - 1]
        lesions.append(lesion_of(number, Found(structure, voxels, one.score), "suggested", grid))
    write_lesions(folder / "instances.json", lesions)
