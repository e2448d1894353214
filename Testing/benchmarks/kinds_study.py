"""Real scans whose labels were checked, were made quickly, or are missing: who has which in a fold, and what is learned of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from benchmarks.corruption import Corruption, corrupted
from benchmarks.real_scans import HIPPOCAMPUS, ORGANS, data_folder, hippocampus, openkbp
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.labels import Labels

FOLDS, SEED = 5, 2023
CHECKED, QUICK, NONE = "checked", "quick", "none"
HEART = ("RV", "Myocardium", "LV")
LONGEST, SIDE = 96, 72
"""The heart's slices are made this long, since their spacing is not stored, and cut down to their middle, which holds every heart."""


@dataclass(frozen=True)
class Scan:
    """A scan with all its labels; read once, when asked. values: the file's label values in the order of the study's structures.

    shown: how the arrays of a file are put on the study's grid; None leaves image and grid as they are.
    """

    name: str
    patient: str
    image_file: Path
    labels_file: Path
    values: tuple[int, ...]
    shown: Callable[[np.ndarray, bool], np.ndarray] | None = None

    @cached_property
    def image(self) -> sitk.Image:
        image = sitk.ReadImage(str(self.image_file))
        if self.shown is None:
            return image
        return _plain(_scaled(self.shown(sitk.GetArrayFromImage(image).astype(np.float32), False)))

    @cached_property
    def truth(self) -> np.ndarray:
        """uint8 (z, y, x): 1..K."""
        array = sitk.GetArrayFromImage(sitk.ReadImage(str(self.labels_file))).astype(np.uint8)
        table = np.zeros(256, np.uint8)
        table[list(self.values)] = np.arange(1, len(self.values) + 1)
        shown = array if self.shown is None else self.shown(array, True)
        return np.asarray(table[shown])

    @property
    def grid(self) -> Grid:
        return Grid.from_image(self.image)


def _scaled(array: np.ndarray) -> np.ndarray:
    low, high = np.percentile(array, (1, 99))
    return np.clip(1000 * (array - low) / (high - low), -500, 2000).astype(np.int16)


def _plain(array: np.ndarray) -> sitk.Image:
    """On a grid of 1 mm: voxels are the unit."""
    return sitk.GetImageFromArray(np.ascontiguousarray(array))


def as_it_is(array: np.ndarray, _labels: bool) -> np.ndarray:
    return array


def middle_of_the_heart(array: np.ndarray, labels: bool) -> np.ndarray:
    """(z, SIDE, SIDE): each slice made LONGEST voxels long, then its middle; labels by the nearest voxel, grey values linearly."""
    factor = max(array.shape[1:]) / LONGEST
    size = [round(length / factor) for length in array.shape[1:]]
    image = sitk.GetImageFromArray(array)
    grid = sitk.Image([size[1], size[0], array.shape[0]], image.GetPixelID())
    grid.SetSpacing((array.shape[2] / size[1], array.shape[1] / size[0], 1.0))
    grid.SetOrigin([(spacing - 1) / 2 for spacing in grid.GetSpacing()])
    how = sitk.sitkNearestNeighbor if labels else sitk.sitkLinear
    small = sitk.GetArrayFromImage(sitk.Resample(image, grid, sitk.Transform(), how, 0.0))
    for axis in (1, 2):
        missing = max(0, SIDE - small.shape[axis])
        around = [(0, 0)] * 3
        around[axis] = (missing // 2, missing - missing // 2)
        small = np.pad(small, around)
        first = (small.shape[axis] - SIDE) // 2
        small = np.take(small, range(first, first + SIDE), axis=axis)
    return np.asarray(small)


@dataclass(frozen=True)
class Made:
    """How the labels of the training scans were made: shares of the patients that are checked, and quick; the others have none.

    level: the mean Dice of quick labels. alpha: the share in percent of the scans that have labels in which a structure's label is there, for each by itself.
    """

    checked: float
    quick: float = 0.0
    level: float = 1.0
    alpha: int = 100
    at_least: int = 3

    def __post_init__(self) -> None:
        if not (0 < self.checked <= 1 and self.quick >= 0 and self.checked + self.quick <= 1 + 1e-9):
            raise ValueError(f"shares of checked and quick labels must be from 0 and together at most 1, got {self}")
        if not 0 < self.alpha <= 100:
            raise ValueError(f"alpha is a share above 0 and at most 100, got {self.alpha}")


ALL_CHECKED = Made(1.0)


@dataclass(frozen=True)
class Study:
    """Scans, their structures, and how they are learned. unit: of distances."""

    name: str
    structures: tuple[str, ...]
    scans: tuple[Scan, ...]
    dimensions: str
    unit: str
    plan: dict[str, Any] = field(default_factory=dict)

    def split(self, fold: int) -> tuple[tuple[Scan, ...], tuple[Scan, ...]]:
        """Held-out and training scans of a fold, by patient; the training scans in the order in which their labels are checked."""
        patients = sorted({scan.patient for scan in self.scans})
        order = [patients[index] for index in np.random.default_rng(SEED).permutation(len(patients))]
        held = order[fold::FOLDS]
        rest = [patient for patient in order if patient not in held]
        again = np.random.default_rng([SEED, fold]).permutation(len(rest))
        rank = {rest[index]: place for place, index in enumerate(again)}
        tests = tuple(scan for scan in self.scans if scan.patient in held)
        training = sorted((scan for scan in self.scans if scan.patient in rank), key=lambda scan: rank[scan.patient])
        return tests, tuple(training)

    def kinds(self, fold: int, made: Made) -> dict[str, tuple[str, ...]]:
        """Per training scan and structure: checked, quick or none. Shares are nested: who is checked in a small share is so in a larger one."""
        training = self.split(fold)[1]
        patients = list(dict.fromkeys(scan.patient for scan in training))
        first = min(len(patients), max(made.at_least, round(made.checked * len(patients))))
        second = min(len(patients), first + round(made.quick * len(patients)))
        by_patient = dict(zip(patients, [CHECKED] * first + [QUICK] * (second - first) + [NONE] * len(patients)))
        kinds = {scan.name: [by_patient[scan.patient]] * len(self.structures) for scan in training}
        for column in range(len(self.structures)):
            for kind in (CHECKED, QUICK):
                names = [scan.name for scan in training if by_patient[scan.patient] == kind]
                order = np.random.default_rng([SEED, fold, column, kind == QUICK]).permutation(len(names))
                for index in order[max(1, round(made.alpha / 100 * len(names))) :]:
                    kinds[names[index]][column] = NONE
        return {name: tuple(row) for name, row in kinds.items()}

    def corruption(self, fold: int, made: Made) -> Corruption:
        """Of all training scans that are not checked, whether their labels are used or not: those of a smaller share are the same."""
        kinds = self.kinds(fold, replace(made, alpha=100))
        return corrupted({s.name: s.truth for s in self.split(fold)[1] if CHECKED not in kinds[s.name]}, made.level)


def labels_of(scan: Scan, structures: tuple[str, ...], kinds: Sequence[str], quick: np.ndarray | None) -> Labels:
    """What is learned of a scan: the true label where it is checked, that of `quick` (uint8 (z, y, x)) where it was made quickly, nothing else."""
    label = np.zeros(scan.truth.shape, np.uint8)
    for value, kind in enumerate(kinds, 1):
        if kind != NONE:
            assert kind == CHECKED or quick is not None, f"{scan.name} has no quick label"
            label[(scan.truth if kind == CHECKED or quick is None else quick) == value] = value
    known = tuple(kind != NONE for kind in kinds)
    doubtful = frozenset(name for name, kind in zip(structures, kinds) if kind == QUICK)
    return replace(Labels.expert(structures, label, known), imperfect=doubtful)


def _small(patch: tuple[int, int, int]) -> dict[str, Any]:
    """The network of every row of the small studies; a window holds a whole slice."""
    strides = [[1, 1, 1], [1, 2, 2], [1, 2, 2], [1, 2, 2]]
    return {"patch": list(patch), "widths": [16, 32, 64, 128], "strides": strides, "batch": 8, "mirror": []}


def _grey(high: float, mean: float, std: float) -> dict[str, Any]:
    """What the plan finds on scans put on one scale; found on each row's own labels it would differ from row to row."""
    return {"own_scale": False, "intensity": {"low": 0.0, "high": float(high), "mean": float(mean), "std": float(std)}}


def _acdc(name: str, values: tuple[int, ...]) -> Study:
    ending = "_image.nii.gz"
    images = sorted((data_folder() / "acdc").glob(f"*{ending}"))
    scans = tuple(
        Scan(
            path.name[: -len(ending)],
            path.name.split("_")[0],
            path,
            path.with_name(path.name.replace("_image.", "_label.")),
            values,
            middle_of_the_heart,
        )
        for path in images
    )
    structures = tuple(HEART[value - 1] for value in values)
    return Study(name, structures, scans, "2d", "voxel", {**_small((1, SIDE, SIDE)), **_grey(1100, 474, 242)})


def _hippocampus() -> Study:
    scans = tuple(Scan(item.name, item.name, item.image, item.labels, (1, 2), as_it_is) for item in hippocampus(60))
    plan = {**_small((1, 56, 48)), **_grey(1000, 397, 125)}
    return Study("hippocampus", HIPPOCAMPUS, scans, "2d", "mm", plan)


def _openkbp() -> Study:
    values = tuple(range(1, len(ORGANS) + 1))
    scans = tuple(Scan(item.name, item.name, item.image, item.labels, values) for item in openkbp(30))
    return Study("openkbp", ORGANS, scans, "2.5d", "mm", {"mirror": [2]})


STUDIES: dict[str, Callable[[], Study]] = {
    "acdc": lambda: _acdc("acdc", (1, 2, 3)),
    "acdc-lv": lambda: _acdc("acdc-lv", (3,)),
    "hippocampus": _hippocampus,
    "openkbp": _openkbp,
}
