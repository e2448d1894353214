"""Small scans and label files for the tests: written in a line, on straight and on oblique grids."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.seg_nrrd import Segment, write_seg_nrrd

IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)


def turned(degrees_z: float, degrees_x: float = 0.0) -> tuple[float, ...]:
    """A direction matrix: turned about x, then about z."""
    z, x = math.radians(degrees_z), math.radians(degrees_x)
    about_z = np.array([[math.cos(z), -math.sin(z), 0], [math.sin(z), math.cos(z), 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, math.cos(x), -math.sin(x)], [0, math.sin(x), math.cos(x)]])
    return tuple(float(value) for value in (about_z @ about_x).ravel())


STRAIGHT = Grid((6, 5, 4), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), IDENTITY)
OBLIQUE = Grid((6, 5, 4), (0.7, 0.9, 2.5), (10.0, -20.0, 30.0), turned(20, -12))
GRIDS = {
    "straight": STRAIGHT,
    "oblique": OBLIQUE,
    "sagittal, left-handed": Grid(
        (6, 5, 4), (2.0, 0.5, 3.0), (1.0, 2.0, 3.0), (0.0, 0.0, -1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    ),
    "far and turned": Grid((6, 5, 4), (0.71, 0.71, 1.37), (-250.5, 180.25, -1100.75), turned(135, 40)),
}


def grey_values(grid: Grid, seed: int = 0) -> np.ndarray:
    """Noise like a CT's, int16 (z, y, x)."""
    return np.random.default_rng(seed).integers(-1000, 1000, grid.shape).astype(np.int16)


def write_volume(path: Path, grid: Grid, array: np.ndarray | None = None) -> Path:
    """Writes an array (else noise) on a grid in the format of the path's ending."""
    path.parent.mkdir(parents=True, exist_ok=True)
    sitk.WriteImage(grid.image(grey_values(grid) if array is None else array), str(path))
    return path


def blocks(grid: Grid, **places: tuple[int, int, int]) -> dict[str, np.ndarray]:
    """Masks of 2 x 2 x 2 voxels at the given (z, y, x), by name."""
    masks = {}
    for name, (z, y, x) in places.items():
        masks[name] = np.zeros(grid.shape, bool)
        masks[name][z : z + 2, y : y + 2, x : x + 2] = True
    return masks


def label_map(masks: Mapping[str, np.ndarray]) -> np.ndarray:
    """uint8: the masks as values 1, 2, ... in order."""
    result = np.zeros(next(iter(masks.values())).shape, np.uint8)
    for value, mask in enumerate(masks.values(), 1):
        result[mask] = value
    return result


def write_segments(
    path: Path, grid: Grid, masks: Mapping[str, np.ndarray], tags: Mapping[str, Mapping[str, str]] | None = None
) -> Path:
    """A `.seg.nrrd` of the masks; `tags` by segment name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    segments = [
        Segment(f"S{number}", name, (number / 10, 0.5, 0.25), f"code^{name}", mask, (tags or {}).get(name, {}))
        for number, (name, mask) in enumerate(masks.items())
    ]
    write_seg_nrrd(path, segments, grid)
    return path
