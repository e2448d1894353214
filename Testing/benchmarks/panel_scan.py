"""A scan of 512 x 512 x 300 voxels with seven structures, three drawn and four suggested: what the panel's speed is measured on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.label_files import write_labels
from PartialLabelSegLib.data.labels import Labels
from PartialLabelSegLib.data.prediction import Prediction, fixed_point, write_prediction
from PartialLabelSegLib.data.types import Structure, structures_named
from PartialLabelSegLib.relabel.select import rank_volume

GRID = Grid((512, 512, 300), (0.8, 0.8, 1.5), (-204.8, -204.8, -225.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0))
NAMES = ("Liver", "Spleen", "LeftKidney", "RightKidney", "Gallbladder", "Pancreas", "Aorta")
DRAWN = ("Liver", "LeftKidney", "Aorta")
# Centre and radii along x, y, z, as shares of half the scan, and the grey value.
BODIES = (
    ((-0.35, -0.05, 0.1), (0.33, 0.30, 0.60), 60),
    ((0.50, -0.10, 0.25), (0.16, 0.20, 0.35), 50),
    ((0.34, 0.32, -0.3), (0.11, 0.13, 0.35), 35),
    ((-0.32, 0.32, -0.3), (0.11, 0.13, 0.35), 35),
    ((-0.12, -0.38, -0.1), (0.06, 0.08, 0.12), 10),
    ((0.12, -0.10, -0.1), (0.25, 0.08, 0.20), 40),
    ((0.05, 0.22, 0.0), (0.05, 0.05, 1.50), 120),
)


@dataclass(frozen=True, eq=False)
class LargeScan:
    """image: int16 (z, y, x); drawn: the expert's masks by name; predictions and labels: folders as the worker leaves them."""

    grid: Grid
    structures: tuple[Structure, ...]
    image: np.ndarray
    drawn: dict[str, np.ndarray]
    prediction: Path
    labels: Path


@dataclass(frozen=True, eq=False)
class Body:
    """image: int16 (z, y, x); label: uint8, the value 1..7 of the organ in each voxel; confidence: float32, highest in an organ's middle."""

    image: np.ndarray
    label: np.ndarray
    confidence: np.ndarray

    def labels(self, drawn: tuple[str, ...]) -> Labels:
        """What an expert who drew these structures left."""
        flags = tuple(name in drawn for name in NAMES)
        values = np.array([0, *(value if flag else 0 for value, flag in enumerate(flags, 1))], np.uint8)
        return Labels.expert(NAMES, values[self.label], flags)

    def prediction(self, labels: Labels) -> Prediction:
        """What a network that knows the body suggests beside these labels."""
        share = fixed_point(self.confidence)
        return Prediction(NAMES, self.label, share, share, rank_volume(labels, self.label, self.confidence))


def body(grid: Grid = GRID) -> Body:
    """A body with seven organs that fills a grid."""
    noise = np.random.default_rng(0).normal(0, 12, (1, *grid.shape[1:])).astype(np.int16)
    image = np.full(grid.shape, -1000, np.int16)
    label = np.zeros(grid.shape, np.uint8)
    depth = np.zeros(grid.shape, np.float32)
    z, y, x = (np.linspace(-1, 1, size, dtype=np.float32) for size in grid.shape)
    z, y, x = z[:, None, None], y[None, :, None], x[None, None, :]
    image[np.broadcast_to((x / 0.85) ** 2 + (y / 0.65) ** 2 + 0 * z < 1, grid.shape)] = 20
    for value, ((a, b, c), (ra, rb, rc), grey) in enumerate(BODIES, 1):
        away = ((x - a) / ra) ** 2 + ((y - b) / rb) ** 2 + ((z - c) / rc) ** 2
        inside = away < 1
        image[inside], label[inside], depth[inside] = grey, value, 1 - away[inside]
    image += np.roll(np.broadcast_to(noise, grid.shape), 1)
    return Body(image, label, np.clip(depth, 0, 1))


def large_scan(folder: Path, grid: Grid = GRID) -> LargeScan:
    """Makes the scan, and writes its prediction and labels below `folder`."""
    made = body(grid)
    labels = made.labels(DRAWN)
    write_prediction(folder / "prediction", made.prediction(labels), grid)
    write_labels(folder / "labels", labels, grid)
    masks = {name: made.label == value for value, name in enumerate(NAMES, 1) if name in DRAWN}
    return LargeScan(grid, structures_named(list(NAMES)), made.image, masks, folder / "prediction", folder / "labels")
