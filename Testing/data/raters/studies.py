"""A small knee for the tests: a scan of 6 slices of 12 x 14 voxels, a bone, and a grid of 2 x 3 cells of 4 x 3 voxels each."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from data.small_scans import IDENTITY, write_volume
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.raters.rated import RatedScan
from PartialLabelSegLib.data.raters.template import Corners, GridTemplate, write_template
from PartialLabelSegLib.data.raters.types import Reading, Tick

KNEE = Grid((14, 12, 6), (0.5, 0.5, 3.0), (-3.0, 2.0, 10.0), IDENTITY)
CORNERS: Corners = ((1.5, 1.5), (1.5, 10.5), (9.5, 10.5), (9.5, 1.5))
"""The grid's cells are rows 2..5 and 6..9 of the slice, and columns 2..4, 5..7 and 8..10."""
TEMPLATE = GridTemplate(2, 3, {0: CORNERS})
COLUMNS = ("case", "structure", "image", "bone", "grid", "scores", "masks", "read", "split")


def knee_bone() -> np.ndarray:
    """bool (6, 12, 14): slices 1..4, rows 2..9, columns 2..11; it reaches one column beyond the grid."""
    bone = np.zeros(KNEE.shape, bool)
    bone[1:5, 2:10, 2:12] = True
    return bone


def knee_image() -> np.ndarray:
    """int16 (6, 12, 14): 100 everywhere, 50 in the bone, and 200 in two voxels of the bone: (2, 3, 3) and (3, 8, 9)."""
    image = np.full(KNEE.shape, 100, np.int16)
    image[knee_bone()] = 50
    image[2, 3, 3] = image[3, 8, 9] = 200
    return image


def reading(rater: str, *cells: tuple[int, int, int], slices: Iterable[int] | None = None) -> Reading:
    read = None if slices is None else frozenset(slices)
    return Reading("knee-1", rater, read, tuple(Tick(*cell) for cell in cells))


def knee(*readings: Reading) -> RatedScan:
    return RatedScan(readings, KNEE.shape, TEMPLATE, knee_bone(), knee_image())


def masks(*readers: np.ndarray, slices: Sequence[Iterable[int] | None] | None = None) -> RatedScan:
    """Masks (z, y, x) by r0, r1, ...; slices: what each read."""
    read = slices or [None] * len(readers)
    named = zip(readers, read)
    return RatedScan(
        tuple(
            Reading("a", f"r{number}", None if which is None else frozenset(which), (), mask.astype(bool))
            for number, (mask, which) in enumerate(named)
        ),
        (readers[0].shape[0], readers[0].shape[1], readers[0].shape[2]),
    )


def write_table(path: Path, lines: Iterable[Mapping[str, str]], columns: Sequence[str] = COLUMNS) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, columns, restval="")
        writer.writeheader()
        writer.writerows(lines)
    return path


KNEE_LINE = {"case": "knee-1", "structure": "BML", "image": "knee-1.nrrd", "bone": "bone.nrrd", "grid": "grid.json"}
SCORES = "scan,rater,slice,row,column\nknee-1,anna,2,0,0\nknee-1,ben,2,0,0\nknee-1,ben,3,1,2\nknee-1,cara,all,,\n"
"""Three raters read all of knee-1: two tick the first cell of slice 2, one of them the last cell of slice 3 as well; the third ticks nothing."""


def write_knee(folder: Path, lines: Iterable[Mapping[str, str]] = (KNEE_LINE,), scores: str = SCORES) -> Path:
    """A study of one knee in `folder`; returns the folder."""
    write_volume(folder / "knee-1.nrrd", KNEE, knee_image())
    write_volume(folder / "bone.nrrd", KNEE, knee_bone())
    write_template(folder / "grid.json", TEMPLATE, KNEE)
    (folder / "scores.csv").write_text(scores, encoding="utf-8")
    write_table(folder / "study.csv", lines)
    return folder


def noisy_masks(
    errors: tuple[float, ...], shape: tuple[int, int, int] = (5, 14, 15), seed: int = 1
) -> list[np.ndarray]:
    """Readers who mark a block, each wrong in a share of all voxels."""
    generator = np.random.default_rng(seed)
    truth = np.zeros(shape, bool)
    truth[1:4, 4:11, 3:10] = True
    return [np.where(generator.random(shape) < error, ~truth, truth) for error in errors]
