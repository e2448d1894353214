"""The instances of a scan as files: one numbered label map on the scan's own grid, and what is known of each number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from ..config import Plan
from ..data.geometry import Grid, resample_labels
from ..data.label_files import write_image
from ..metrics.detection import Instance
from ..run.files import write_json
from .instances import label_map
from .prepared import from_network_order, prepared_grid

FORMAT = 1


def write_instances(
    folder: Path, found: Mapping[str, Sequence[Instance]], shape: tuple[int, int, int], grid: Grid, plan: Plan
) -> None:
    """Writes `instances.nrrd` (uint16 on `grid`, the scan's) and `instances.json`: structure, score, volume and box of each number.

    found: per structure its instances on the prepared grid, of `shape` (slice, row, column). Numbers go by falling score over all
    structures; where two share a voxel it shows the surer one. An instance that no voxel of the scan's grid falls into is left out.
    """
    pairs = [(name, one) for name, own in found.items() for one in own]
    pairs.sort(key=lambda pair: -pair[1].score)
    numbers = label_map([one for _, one in reversed(pairs)], shape)
    # The surest was written last, over the others, and so had the largest number.
    numbers = np.where(numbers > 0, np.uint16(len(pairs) + 1) - numbers, 0).astype(np.uint16)
    prepared = np.ascontiguousarray(from_network_order(numbers, plan))
    image = resample_labels(prepared_grid(grid, plan).image(prepared), grid)
    there = sitk.GetArrayFromImage(image)
    write_image(folder / "instances.nrrd", grid.image(there))
    write_json(folder / "instances.json", {"format": FORMAT, "instances": list(_described(there, pairs, grid))})


def _described(numbers: np.ndarray, pairs: Sequence[tuple[str, Instance]], grid: Grid) -> list[dict[str, Any]]:
    counts = np.bincount(numbers.ravel(), minlength=len(pairs) + 1)
    boxes = ndimage.find_objects(numbers, len(pairs))
    result = []
    for number, ((structure, one), box) in enumerate(zip(pairs, boxes, strict=True), 1):
        if box is not None:
            result.append(
                {
                    "number": number,
                    "structure": structure,
                    "score": round(one.score, 6),
                    "volume_ml": int(counts[number]) * grid.voxel_ml,
                    # First voxel and the one behind the last, (z, y, x).
                    "box": [[span.start for span in box], [span.stop for span in box]],
                }
            )
    return result
