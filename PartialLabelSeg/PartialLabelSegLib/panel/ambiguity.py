"""Where nobody has said whether a structure is there (the paper's ambiguity map): a pale veil over that part of the scan.

INERRANT's w (Eq. 2) is 1 where the label is certain: the structure was looked for, or another label settles it, or it was marked as wrong.
The veil lies where w is 0.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import slicer

from ..data.geometry import Grid
from ..data.label_files import read_description
from ..run.failure import Failure
from .geometry import ijk_to_ras, vtk_matrix
from .our_nodes import BINARY, hidden_segmentation
from .steps import Steps
from .stream import read_into
from .volumes import image_array, new_image

ROLE = "not annotated"
SEGMENT = "not_annotated"
_VOXELS = 1 << 21


@dataclass(frozen=True, eq=False)
class Said:
    """What the labels of a scan say, without their origin: the label map (uint8, z, y, x) and the description and marks beside it."""

    grid: Grid
    label_map: np.ndarray
    description: Mapping[str, Any]
    marks: Mapping[str, np.ndarray]

    @property
    def structures(self) -> tuple[str, ...]:
        return tuple(self.description["structures"])

    def overlap(self, value: int, origin: int | None = None) -> np.ndarray:
        """Flat indices of the further voxels of a structure (its label value 1..K) that carry another label, of those of one origin or of all."""
        indices = self.marks.get(f"overlap-{value}")
        if indices is None:
            return np.empty(0, np.int64)
        if origin is None:
            return indices
        of_it: np.ndarray = indices[self.marks[f"overlap-origin-{value}"] == origin]
        return of_it

    def settled_by(self, structure: str) -> np.ndarray:
        """bool (K + 1,): the label values that settle whether a voxel is the structure."""
        pairs = {frozenset(pair) for pair in self.description["overlapping"]}
        table = [other == structure or frozenset((structure, other)) not in pairs for other in self.structures]
        return np.array([False, *table])

    def marked(self, structure: str) -> np.ndarray:
        """Flat indices of voxels whose marks settle it: beside another label, or marked as wrong."""
        settles = self.settled_by(structure)
        own = self.structures.index(structure) + 1
        found = [self.marks[f"negative-{own}"]] if f"negative-{own}" in self.marks else []
        for value in np.flatnonzero(settles):
            if f"overlap-{value}" in self.marks:
                found.append(self.marks[f"overlap-{value}"])
        return np.concatenate(found) if found else np.empty(0, np.int64)


def read_said(folder: Path) -> Steps[Said]:
    """Reads the labels of a folder as `data/label_files.py` writes them. Failure: absent or damaged."""
    head = read_description(folder)
    try:
        grid = Grid.from_json(head["grid"])
        label_map = np.empty(grid.shape, np.uint8)
        found = yield from read_into(label_map, folder / "labels.nrrd")
        complete = {"structures", "known", "slices", "overlapping"} <= set(head)
        if not complete or found != head["crc32"]["labels"] or int(label_map.max(initial=0)) > len(head["structures"]):
            raise ValueError("labels.nrrd")
        return Said(grid, label_map, head, _marks(folder / "marks.npz", head["crc32"].get("marks")))
    except Failure:
        raise
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Failure("the labels of the scan are damaged.", way_out="Add the scan again, and learn anew.") from None


def _marks(path: Path, expected: int | None) -> dict[str, np.ndarray]:
    if expected is None:
        return {}
    content = path.read_bytes() if path.is_file() else b""
    if zlib.crc32(content) != expected:
        raise ValueError(path.name)
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def ambiguous(said: Said, structure: str, result: np.ndarray) -> Steps[None]:
    """Fills `result`, uint8 (z, y, x), with 1 where nobody has said whether the voxel is the structure, else 0."""
    place = said.structures.index(structure)
    known = bool(said.description["known"][place])
    open_values = (~said.settled_by(structure) & (not known)).astype(np.uint8)
    thick = max(1, _VOXELS // max(1, result[0].size))
    for first in range(0, result.shape[0], thick):
        result[first : first + thick] = open_values[said.label_map[first : first + thick]]
        yield min(1.0, (first + thick) / result.shape[0])
    slices = said.description["slices"].get(structure)
    if slices is not None:
        np.moveaxis(result, int(slices["axis"]), 0)[list(slices["indices"])] = 0
    result.reshape(-1)[said.marked(structure)] = 0


def make_veil(scan: Any, said: Said, structure: str) -> Steps[Any]:
    """The segmentation node of ours with the veil for a structure; in no list, and not saved with the scene."""
    image = new_image(said.grid.shape, np.uint8)
    image.SetImageToWorldMatrix(vtk_matrix(ijk_to_ras(said.grid)))
    yield from ambiguous(said, structure, image_array(image))
    node = hidden_segmentation(scan, f"{scan.GetName()} not annotated", ROLE)
    segment = slicer.vtkSegment()
    segment.SetName(f"{structure}: nobody has said")
    segment.SetColor(0.92, 0.92, 1.0)
    segment.AddRepresentation(BINARY, image)
    node.GetSegmentation().AddSegment(segment, SEGMENT)
    display = node.GetDisplayNode()
    display.SetVisibility3D(False)
    display.SetOpacity2DFill(0.25)
    display.SetOpacity2DOutline(0.6)
    return node
