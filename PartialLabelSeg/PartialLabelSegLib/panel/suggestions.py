"""What is suggested in one scan, as the panel holds it: which structure, at which rank, and from that the voxels of any share gamma."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..data.geometry import Grid
from ..relabel.components import Box, boxes, components
from ..relabel.select import threshold
from ..run.failure import Failure
from ..run.files import read_json
from .load_ahead import load_ahead
from .masks import Region, around, tight
from .steps import Steps, scaled
from .stream import read_into, way_out
from .volumes import image_array, new_image

_SLICES = 1 << 20
"""Voxels looked at in one step."""


@dataclass(frozen=True, eq=False)
class Suggestions:
    """The suggestions of a scan on its own grid.

    label_image: a vtkOrientedImageData of uint8, the value 1..K of the structure that each voxel is suggested as, 0 where nothing is
    suggested. rank_image: uint16, the rank of each such voxel (data/prediction.py). Both share their memory with `label` and `rank`
    (z, y, x). boxes: around all suggestions of each structure that has any.
    """

    structures: tuple[str, ...]
    grid: Grid
    label_image: Any
    rank_image: Any
    boxes: Mapping[str, Box]

    @property
    def label(self) -> np.ndarray:
        return image_array(self.label_image)

    @property
    def rank(self) -> np.ndarray:
        return image_array(self.rank_image)

    def value(self, structure: str) -> int:
        """The label value 1..K. KeyError where there is no such structure."""
        if structure not in self.structures:
            raise KeyError(structure)
        return self.structures.index(structure) + 1

    def mask(self, structure: str, gamma: float) -> Region | None:
        """The suggestions of a structure at a share gamma: a box and a bool mask of it; None where there are none."""
        box = self.boxes.get(structure)
        if box is None:
            return None
        return tight(box, (self.label[box] == self.value(structure)) & (self.rank[box] > threshold(gamma)))

    def part(self, structure: str, gamma: float, seed: int) -> Region | None:
        """The connected part of the suggestions at gamma that holds the voxel of flat index `seed`; None where that is not suggested."""
        found = self.mask(structure, gamma)
        if found is None or not 0 <= seed < self.label.size:
            return None
        box, mask = found
        place = [int(index) - span.start for index, span in zip(np.unravel_index(seed, self.label.shape), box)]
        inside = all(0 <= index < size for index, size in zip(place, mask.shape))
        if not inside or not mask[place[0], place[1], place[2]]:
            return None
        numbers, _ = components(mask)
        return tight(box, numbers == numbers[place[0], place[1], place[2]])

    def at(self, ijk: tuple[int, int, int]) -> str:
        """The structure that the voxel (x, y, z) is suggested as; empty where none, or outside the scan."""
        x, y, z = ijk
        shape = self.label.shape
        if not all(0 <= index < size for index, size in zip((z, y, x), shape)):
            return ""
        value = int(self.label[z, y, x])
        return self.structures[value - 1] if value else ""


def read_suggestions(folder: Path, case: str = "") -> Steps[Suggestions]:
    """Reads the suggestions of a prediction's folder in steps. Failure: absent, damaged, or not as it was written."""
    try:
        head = read_json(folder / "prediction.json", "the description of the prediction")
        grid = Grid.from_json(head["grid"])
        structures = tuple(str(name) for name in head["structures"])
        sums = {name: int(head["crc32"][name]) for name in ("label", "rank")}
    except Failure as failure:
        raise Failure(failure.wrong, case=case, way_out=way_out(folder)) from None
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Failure("its prediction is damaged.", case=case, way_out=way_out(folder)) from None
    yield from load_ahead()
    images = {name: new_image(grid.shape, kind) for name, kind in (("rank", np.uint16), ("label", np.uint8))}
    for name, first, last in (("rank", 0.0, 0.6), ("label", 0.6, 0.8)):
        found = yield from scaled(read_into(image_array(images[name]), folder / f"{name}.nrrd"), first, last)
        if found != sums[name]:
            raise Failure(
                f"the file of its predicted {name} is not what was written (its checksum differs).",
                case=case,
                way_out=way_out(folder),
            )
    around = yield from scaled(
        _keep_suggested(image_array(images["label"]), image_array(images["rank"]), len(structures)), 0.8, 1.0
    )
    named = {structures[value - 1]: box for value, box in around.items()}
    return Suggestions(structures, grid, images["label"], images["rank"], named)


def _keep_suggested(label: np.ndarray, rank: np.ndarray, values: int) -> Steps[dict[int, Box]]:
    """Takes away, in place, the labels of voxels that are not suggested; the box around each value that is left."""
    found: dict[int, Box] = {}
    thick = max(1, _SLICES // max(1, label[0].size))
    for first in range(0, label.shape[0], thick):
        slab = label[first : first + thick]
        slab *= rank[first : first + thick] > 0
        if int(slab.max(initial=0)) > values:
            raise Failure("its prediction speaks of a structure that it does not name.")
        for value, box in enumerate(boxes(slab, values), 1):
            if box is not None:
                moved = (slice(box[0].start + first, box[0].stop + first), box[1], box[2])
                found[value] = around(found[value], moved) if value in found else moved
        yield (first + thick) / label.shape[0]
    return found
