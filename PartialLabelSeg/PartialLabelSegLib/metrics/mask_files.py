"""A segmentation file as masks by structure, whatever its format: `.seg.nrrd`, or a plain label map and what its values mean.

The names of a plain label map's values come from, in this order: the caller; `<name>.json` beside the file, with
{"structures": {name: value}}; nnU-Net's `dataset.json` in the folder or its parent; else they are `label 1`, `label 2`, ...
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..data.geometry import Grid, resample_labels
from ..data.image_io import read_label_map
from ..data.seg_nrrd import read_layers
from ..run.failure import Failure
from ..run.files import read_json
from .pairing import stem

MOST_VALUES, HIGHEST_VALUE = 1000, 65535
"""A file with more distinct values, or a higher one, is taken for a scan. TotalSegmentator has about 120 labels."""


class Naming(Enum):
    """Where the names of a file's structures come from."""

    SEGMENTS = "the segments of a .seg.nrrd file"
    DESCRIBED = "a description of a label map's values"
    VALUES = "nothing but the values of a label map"


@dataclass(frozen=True)
class Place:
    """Where a structure's voxels are: the layer, and the values there (nnU-Net's regions have several)."""

    layer: int
    values: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class MaskFile:
    """The structures of one file on one grid.

    layers: integer arrays (z, y, x); a label map has one. places: by structure.
    ignore: nnU-Net's value for "not known here".
    """

    path: Path
    grid: Grid
    layers: tuple[NDArray[Any], ...]
    places: Mapping[str, Place]
    naming: Naming
    ignore: int | None = None

    def __post_init__(self) -> None:
        if any(layer.shape != self.grid.shape for layer in self.layers):
            raise ValueError(f"all layers must have the grid's shape {self.grid.shape}")

    def mask(self, structure: str) -> NDArray[np.bool_]:
        """Boolean (z, y, x). KeyError for a structure that the file does not have."""
        place = self.places[structure]
        layer = self.layers[place.layer]
        if len(place.values) == 1:
            return np.asarray(layer == place.values[0])
        return np.isin(layer, place.values)

    def known(self) -> NDArray[np.bool_] | None:
        """Boolean (z, y, x): not under the ignore label; None where the file has no such label."""
        return None if self.ignore is None else np.asarray(self.layers[0] != self.ignore)

    def on(self, grid: Grid) -> MaskFile:
        """The same structures on another grid, by nearest neighbour; nothing lies outside the file's own grid."""
        images = (resample_labels(self.grid.image(layer), grid) for layer in self.layers)
        return replace(self, grid=grid, layers=tuple(sitk.GetArrayFromImage(image) for image in images))

    def named_as(self, other: MaskFile) -> MaskFile:
        """A label map without names, with those of another label map; values that those do not name keep `label <value>`."""
        ignore = other.ignore if self.ignore is None else self.ignore
        taken = {value for place in other.places.values() for value in place.values} | {ignore}
        rest = {name: place for name, place in self.places.items() if not taken.intersection(place.values)}
        return replace(self, places={**other.places, **rest}, ignore=ignore)

    def unnamed_values(self) -> tuple[int, ...]:
        """The values above 0 of a described label map that the description leaves out."""
        if self.naming is not Naming.DESCRIBED:
            return ()
        taken = {value for place in self.places.values() for value in place.values} | {self.ignore}
        return tuple(value for value in _values(self.layers[0]) if value not in taken)


def read_masks(path: Path, structures: Mapping[str, int] | None = None) -> MaskFile:
    """The structures of a file. `structures` gives the values of a plain label map, and then only these are read.

    Raises Failure for a file that cannot be read, is no label map, or is described wrongly.
    """
    if path.name.lower().endswith(".seg.nrrd"):
        return _read_segments(path, structures)
    labels, grid = read_label_map(path)
    if labels.min() < 0 or labels.max() > HIGHEST_VALUE or len(_values(labels)) > MOST_VALUES:
        raise Failure(
            f"{path.name} looks like a scan, not like a label map.", way_out="Give the label map of that case."
        )
    described = _given(structures) or _side_file(path) or _dataset_file(path)
    if described is None:
        unnamed = {f"label {value}": Place(0, (value,)) for value in _values(labels)}
        return MaskFile(path, grid, (labels,), unnamed, Naming.VALUES)
    places = {name: Place(0, values) for name, values in described.items()}
    ignore = places.pop("ignore", None)
    return MaskFile(path, grid, (labels,), places, Naming.DESCRIBED, ignore.values[0] if ignore else None)


def _read_segments(path: Path, structures: Mapping[str, int] | None) -> MaskFile:
    stored = read_layers(path)
    heads = [head for head in stored.heads if structures is None or head.name in structures]
    names = [head.name for head in heads]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise Failure(
            f"{path.name} has several segments of that name.", structure=twice[0], way_out="Rename one of them."
        )
    places = {head.name: Place(head.layer, (head.value,)) for head in heads}
    return MaskFile(path, stored.grid, stored.arrays, places, Naming.SEGMENTS)


def _values(array: NDArray[Any]) -> list[int]:
    """The distinct values above 0, sorted. `array` has none below 0 and none above HIGHEST_VALUE."""
    seen = np.zeros(int(array.max()) + 1, dtype=np.bool_)
    # Slice by slice: an index array for the whole volume would take eight times the memory of a uint8 label map.
    for plane in array:
        seen[plane.astype(np.intp)] = True
    return [int(value) for value in np.flatnonzero(seen) if value > 0]


def _given(structures: Mapping[str, int] | None) -> dict[str, tuple[int, ...]] | None:
    return None if structures is None else _meanings("The list of structures", dict(structures))


def _side_file(path: Path) -> dict[str, tuple[int, ...]] | None:
    side = path.with_name(f"{stem(path)}.json")
    described = read_json(side, "the description of the labels") if side.is_file() else None
    if not isinstance(described, dict) or "structures" not in described:
        return None
    return _meanings(side.name, described["structures"])


def _dataset_file(path: Path) -> dict[str, tuple[int, ...]] | None:
    folder = path.resolve().parent
    for dataset in (folder / "dataset.json", folder.parent / "dataset.json"):
        described = read_json(dataset, "the description of the data set") if dataset.is_file() else None
        if isinstance(described, dict) and "labels" in described:
            return _meanings(dataset.name, described["labels"])
    return None


def _meanings(source: str, described: Any) -> dict[str, tuple[int, ...]]:
    """Names with their values above 0. Reads {name: value}, {name: [values]} (nnU-Net 2) and {"value": name} (nnU-Net 1)."""
    if not isinstance(described, dict) or not described:
        raise Failure(f"{source} does not say which whole number stands for which structure.")
    if all(isinstance(name, str) for name in described.values()):
        described = {name: int(value) if value.isdigit() else None for value, name in described.items()}
    values = {str(name): value if isinstance(value, list) else [value] for name, value in described.items()}
    for name, parts in values.items():
        if not parts or any(type(part) is not int or part < 0 for part in parts):
            raise Failure(f"{source} does not say which whole number stands for it.", structure=name)
    return {name: tuple(parts) for name, parts in values.items() if parts != [0]}
