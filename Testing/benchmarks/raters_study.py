"""Lung nodules that four readers drew, for the benchmark of several raters: who learns from which of them, and as what label.

Reader 1 of one nodule is not reader 1 of the next, so no reader is followed from scan to scan.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from benchmarks.real_scans import data_folder
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.labels import EXPERT, HARD, Labels
from PartialLabelSegLib.data.raters.consensus import majority, vote_share
from PartialLabelSegLib.data.raters.rated import RatedScan
from PartialLabelSegLib.data.raters.staple import staple
from PartialLabelSegLib.data.raters.steps import SoftSteps, prepare, soft_label
from PartialLabelSegLib.data.raters.template import GridTemplate
from PartialLabelSegLib.data.raters.types import Reading, Tick

STRUCTURE = "Nodule"
SEED, FOLDS = 2022, 4
SIDE = 96
"""The crops are cut down to this at a place drawn for each: as published, every nodule lies in the very middle."""
CELLS = 12
"""Rows and columns of the coarse grid: cells of 8 x 8 voxels. A nodule is about 10 voxels wide."""
TICKED_FROM = 0.25
KEPT_READERS, LOST_LESIONS = 2, 0.2
NEAR = 8
"""Voxels in the plane around what any reader marked, where calibration is measured and STAPLE estimates."""
LUNG_REACH = 12


@dataclass(frozen=True)
class Nodule:
    """One nodule with its files; read once, when asked."""

    name: str
    image_file: Path
    readers_file: Path

    @property
    def patient(self) -> str:
        return self.name.split("_")[0]

    def rng(self, purpose: int) -> np.random.Generator:
        """The same chance for this nodule in every cell."""
        return np.random.default_rng([SEED, purpose, *self.name.encode()])

    @cached_property
    def _window(self) -> tuple[slice, slice]:
        size = sitk.GetArrayViewFromImage(sitk.ReadImage(str(self.image_file))).shape
        first = [int(self.rng(0).integers(0, length - SIDE + 1)) for length in size[1:]]
        return slice(first[0], first[0] + SIDE), slice(first[1], first[1] + SIDE)

    @cached_property
    def image(self) -> np.ndarray:
        """int16 (z, y, x)."""
        array = sitk.GetArrayFromImage(sitk.ReadImage(str(self.image_file)))
        return np.ascontiguousarray(array[(slice(None), *self._window)].astype(np.int16))

    @cached_property
    def masks(self) -> np.ndarray:
        """bool (4, z, y, x)."""
        array = sitk.GetArrayFromImage(sitk.ReadImage(str(self.readers_file)))
        return np.ascontiguousarray(array[(slice(None), slice(None), *self._window)] > 0)

    @property
    def grid(self) -> Grid:
        """The spacing is not published; voxels count as 1 mm."""
        depth, rows, columns = self.image.shape
        return Grid((columns, rows, depth), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), (1, 0, 0, 0, 1, 0, 0, 0, 1))

    @cached_property
    def lung(self) -> np.ndarray:
        """bool (z, y, x)."""
        return lung(self.image)

    def read_image(self) -> sitk.Image:
        return self.grid.image(self.image)

    def consensus(self) -> np.ndarray:
        """bool (z, y, x): marked by at least half of the four readers."""
        result: np.ndarray = np.count_nonzero(self.masks, axis=0) * 2 >= len(self.masks)
        return result

    def near(self) -> np.ndarray:
        """bool (z, y, x): at most NEAR voxels in the plane from what any reader marked on that slice."""
        marked = np.asarray(self.masks.any(axis=0))
        planes = [ndimage.distance_transform_edt(~plane) <= NEAR if plane.any() else plane for plane in marked]
        return np.stack(planes)


def nodules() -> list[Nodule]:
    """All of them, in the order of their names. FileNotFoundError where the scans are not there."""
    folder = data_folder() / "lidc"
    ending = "_image.nii.gz"
    images = sorted(folder.glob(f"*{ending}"))
    return [
        Nodule(path.name[: -len(ending)], path, path.with_name(path.name.replace("_image", "_readers")))
        for path in images
    ]


@dataclass(frozen=True)
class Split:
    """The test and the training nodules of a fold, by patient; `lost`: names of training nodules that all readers of a coarse grid overlooked."""

    tests: tuple[Nodule, ...]
    training: tuple[Nodule, ...]
    lost: frozenset[str]

    @classmethod
    def of(cls, fold: int, found: list[Nodule]) -> Split:
        patients = sorted({item.patient for item in found})
        order = np.random.default_rng(SEED).permutation(len(patients))
        tested = {patients[index] for index in order[fold::FOLDS]}
        training = tuple(item for item in found if item.patient not in tested)
        chosen = np.random.default_rng([SEED, fold]).permutation(len(training))[: round(LOST_LESIONS * len(training))]
        lost = frozenset(training[index].name for index in chosen)
        return cls(tuple(item for item in found if item.patient in tested), training, lost)


def labels_of(nodule: Nodule, kind: str, lost: bool) -> Labels:
    """What is learned of a nodule. kind: 'single', 'majority', 'STAPLE', 'mean'; or 'grid' of hard, 'grid soft' of soft labels of ticks.

    'grid soft' may name the steps that are left out: 'grid soft -bright -neighbours'.
    """
    if kind == "single":
        return hard(nodule.masks[int(nodule.rng(1).integers(len(nodule.masks)))])
    if kind.startswith("grid"):
        return _of_ticks(nodule, kind, lost)
    scan = RatedScan(
        tuple(Reading(nodule.name, f"reader {n}", mask=mask) for n, mask in enumerate(nodule.masks)), _shape(nodule)
    )
    if kind == "majority":
        return hard(majority(scan).plane >= HARD)
    if kind == "STAPLE":
        return hard(staple(scan, nodule.near()).label.plane >= HARD)
    assert kind == "mean", kind
    return soft(vote_share(scan).plane)


def _of_ticks(nodule: Nodule, kind: str, lost: bool) -> Labels:
    """Half of the readers, on the coarse grid; nobody ticked a lost nodule."""
    readers = sorted(nodule.rng(2).permutation(len(nodule.masks))[:KEPT_READERS])
    template = coarse_grid()
    readings = tuple(
        Reading(nodule.name, f"reader {n}", ticks=() if lost else ticks_of(nodule.masks[n], template)) for n in readers
    )
    scan = RatedScan(readings, _shape(nodule), template, nodule.lung, nodule.image.astype(np.float32))
    left_out = {word[1:] for word in kind.split() if word.startswith("-")}
    plain = not kind.startswith("grid soft")
    steps = SoftSteps(
        bright="bright" not in left_out and not plain, neighbours="neighbours" not in left_out and not plain
    )
    plane = soft_label(prepare(scan), steps).plane
    return hard(plane >= HARD) if plain else soft(plane)


def coarse_grid() -> GridTemplate:
    far = SIDE - 0.5
    return GridTemplate(CELLS, CELLS, {0: ((-0.5, -0.5), (-0.5, far), (far, far), (far, -0.5))})


def ticks_of(mask: np.ndarray, template: GridTemplate) -> tuple[Tick, ...]:
    """The cells of which a mask (bool (z, y, x)) covers a quarter, and on each slice with some mask the one that it covers most."""
    ticks = []
    for index, plane in enumerate(mask):
        if plane.any():
            cells = template.cells(index, plane.shape)
            size = np.bincount(cells[cells >= 0], minlength=template.cells_per_slice)
            covered = np.bincount(cells[plane & (cells >= 0)], minlength=size.size) / np.maximum(size, 1)
            chosen = covered >= min(TICKED_FROM, float(covered.max()))
            ticks += [Tick(index, *divmod(int(cell), template.columns)) for cell in np.flatnonzero(chosen)]
    return tuple(ticks)


def lung(image: np.ndarray) -> np.ndarray:
    """bool (z, y, x): the lung with the vessels and nodules in it, as the bone is in the paper: dark voxels, closed over what is up to 24 voxels wide."""
    threshold = sitk.OtsuThresholdImageFilter()
    threshold.Execute(sitk.GetImageFromArray(image))
    y, x = np.ogrid[-LUNG_REACH : LUNG_REACH + 1, -LUNG_REACH : LUNG_REACH + 1]
    disc = y * y + x * x <= LUNG_REACH**2
    planes = []
    for plane in image < threshold.GetThreshold():
        padded = np.pad(ndimage.binary_opening(plane), LUNG_REACH, mode="edge")
        closed = ndimage.binary_closing(padded, disc)[LUNG_REACH:-LUNG_REACH, LUNG_REACH:-LUNG_REACH]
        planes.append(ndimage.binary_fill_holes(closed))
    return np.stack(planes)


def hard(mask: np.ndarray) -> Labels:
    return Labels.expert((STRUCTURE,), mask.astype(np.uint8), (True,))


def soft(plane: np.ndarray) -> Labels:
    """Labels that are a probability, float32 (z, y, x)."""
    label = (plane >= HARD).astype(np.uint8)
    return Labels((STRUCTURE,), label, (True,), label * np.uint8(EXPERT), soft={STRUCTURE: plane})


def unseen(nodule: Nodule) -> Labels:
    """Of a test scan nothing is known."""
    return Labels.expert((STRUCTURE,), np.zeros(nodule.image.shape, np.uint8), (False,))


def _shape(nodule: Nodule) -> tuple[int, int, int]:
    return nodule.grid.shape
