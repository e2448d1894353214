"""Draws the pictures of our samples for Slicer's module Sample Data: four scans each, in which different organs are coloured.

From the project's folder: PYTHONPATH=PartialLabelSeg:Testing .venv/bin/python -m host.thumbnails FOLDER-OF-REAL-SCANS
"""

# ruff: noqa: E402  Qt comes before the panel's files, as everywhere.
from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from host import environment, qt_host

# What makes the scans is a part of the panel.
environment.draw_without_display()
qt_host.install()

from PartialLabelSegLib.data.importers.openkbp import ORGANS
from PartialLabelSegLib.data.phantom import PHANTOM_STRUCTURES, partial_states, phantom
from PartialLabelSegLib.data.types import State, structures_named
from PartialLabelSegLib.panel.sample_data import PICTURES
from PartialLabelSegLib.panel.sample_scans import SCANS, SEED, SHARE, SOFT_TISSUE, ZERO_OF_STUDY
from PartialLabelSegLib.report.pictures import grey, png

WIDTH, HEIGHT, GAP = 138, 118, 4
"""Of one of the four tiles, in pixels."""
TINT = 0.55
PATIENTS = ("pt_22", "pt_18", "pt_14", "pt_16")

Color = tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class Tile:
    """A slice, its upper left corner first. plane: grey values. masks: what is drawn. spacing_mm: of its rows and columns."""

    plane: np.ndarray
    masks: Mapping[str, np.ndarray]
    spacing_mm: tuple[float, float]


def made_up() -> np.ndarray:
    """The picture of the made-up sample, uint8 (rows, columns, 3)."""
    bodies = [phantom(np.random.default_rng([SEED, index])) for index in range(SCANS)]
    names = [structure.name for structure in PHANTOM_STRUCTURES]
    present = np.array(
        [[bool((body.label_map == value).any()) for value in range(1, len(names) + 1)] for body in bodies]
    )
    states = partial_states(np.random.default_rng([SEED, 1 << 32]), ["train"] * SCANS, present, SHARE)
    tiles = []
    for body, row in list(zip(bodies, states))[:4]:
        drawn = {
            name: body.label_map == value
            for value, (name, state) in enumerate(zip(names, row), 1)
            if state is State.LABELLED
        }
        tiles.append(_axial(body.image, drawn, body.grid.spacing_mm))
    return _four(tiles, {structure.name: structure.color for structure in PHANTOM_STRUCTURES}, SOFT_TISSUE)


def study(folder: Path) -> np.ndarray:
    """The picture of the published study. folder: its scans as NIfTI."""
    tiles = []
    for patient in PATIENTS:
        path = next(folder.rglob(f"{patient}_ct.nii.gz"))
        scan = sitk.DICOMOrient(sitk.ReadImage(str(path)), "LPS")
        labels = sitk.GetArrayFromImage(sitk.DICOMOrient(sitk.ReadImage(str(path).replace("_ct.", "_oar.")), "LPS"))
        drawn = {name: labels == value for value, name in enumerate(ORGANS, 1) if (labels == value).any()}
        x, y, z = scan.GetSpacing()
        tiles.append(_sagittal(sitk.GetArrayFromImage(scan), drawn, (z, y, x)))
    colors = {structure.name: structure.color for structure in structures_named(ORGANS)}
    return _four(tiles, colors, (SOFT_TISSUE[0] + ZERO_OF_STUDY, SOFT_TISSUE[1] + ZERO_OF_STUDY))


def _axial(image: np.ndarray, drawn: Mapping[str, np.ndarray], spacing_mm: tuple[float, float, float]) -> Tile:
    index = _most_telling(drawn, 0)
    return Tile(image[index], {name: mask[index] for name, mask in drawn.items()}, spacing_mm[1:])


def _sagittal(image: np.ndarray, drawn: Mapping[str, np.ndarray], spacing_mm: tuple[float, float, float]) -> Tile:
    """The head above, the face to the left; the air around is cut off."""
    index = _most_telling(drawn, 2)
    body = image[::-1, :, index]
    rows, columns = (np.flatnonzero((body > 0).any(axis=axis)) for axis in (1, 0))
    within = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    return Tile(body[within], {name: mask[::-1, :, index][within] for name, mask in drawn.items()}, spacing_mm[:2])


def _most_telling(drawn: Mapping[str, np.ndarray], axis: int) -> int:
    """The slice in which each structure has the largest share of its own largest area, summed."""
    others = tuple(other for other in range(3) if other != axis)
    areas = [np.count_nonzero(mask, axis=others) for mask in drawn.values()]
    return int(np.argmax(sum(area / max(1, area.max()) for area in areas)))


def _four(tiles: Sequence[Tile], colors: Mapping[str, Color], window: tuple[float, float]) -> np.ndarray:
    """Two by two."""
    canvas = np.full((2 * HEIGHT + GAP, 2 * WIDTH + GAP, 3), 255, np.uint8)
    for place, tile in enumerate(tiles):
        top, left = (place // 2) * (HEIGHT + GAP), (place % 2) * (WIDTH + GAP)
        canvas[top : top + HEIGHT, left : left + WIDTH] = _drawn(tile, colors, window)
    return canvas


def _drawn(tile: Tile, colors: Mapping[str, Color], window: tuple[float, float]) -> np.ndarray:
    """One tile, uint8 (HEIGHT, WIDTH, 3): as large as fits, in the middle, with colours over the grey values."""
    plane = _fitted(grey(tile.plane, *window).astype(np.float32), tile.spacing_mm)
    pixels = np.repeat(plane[..., None], 3, axis=2)
    for name, mask in tile.masks.items():
        share = TINT * np.clip(_fitted(mask.astype(np.float32), tile.spacing_mm), 0, 1)[..., None]
        pixels = pixels * (1 - share) + 255 * np.array(colors[name], np.float32) * share
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)


def _fitted(plane: np.ndarray, spacing_mm: tuple[float, float]) -> np.ndarray:
    """A plane on the pixels of a tile; what lies outside is 0."""
    per_pixel = max(plane.shape[0] * spacing_mm[0] / HEIGHT, plane.shape[1] * spacing_mm[1] / WIDTH)
    rows = _places(HEIGHT, plane.shape[0], per_pixel / spacing_mm[0])
    columns = _places(WIDTH, plane.shape[1], per_pixel / spacing_mm[1])
    found: np.ndarray = ndimage.map_coordinates(plane, np.meshgrid(rows, columns, indexing="ij"), order=1, cval=0.0)
    return found


def _places(pixels: int, voxels: int, step: float) -> np.ndarray:
    return (np.arange(pixels) - (pixels - 1) / 2) * step + (voxels - 1) / 2


def main(arguments: Sequence[str]) -> int:
    """Writes both pictures; the study's only where its scans are at hand."""
    (PICTURES / "phantoms.png").write_bytes(png(made_up()))
    if arguments:
        (PICTURES / "openkbp.png").write_bytes(png(study(Path(arguments[0]))))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
