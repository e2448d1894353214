"""Errors that were put into labels on purpose: how well a map of weights, or of any other number, tells their voxels, and finds their regions.

Every measure is taken of the learned weights and of a plain baseline beside them, the finished network's own probability of the given label.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy import ndimage

from PartialLabelSegLib.data.case import Case
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.label_files import read_array, read_labels
from PartialLabelSegLib.data.labels import Labels
from PartialLabelSegLib.metrics.ranking import ranking
from PartialLabelSegLib.relabel.components import components
from PartialLabelSegLib.relabel.doubts import (
    FEWEST_VOXELS,
    NAME,
    ONE,
    Region,
    Weighed,
    doubtful_voxels,
    find_regions,
    most_doubtful_regions,
)
from PartialLabelSegLib.train.learn import segmentation_network
from PartialLabelSegLib.train.predict import on_scan_grid, predict_volume
from PartialLabelSegLib.train.session import Session
from PartialLabelSegLib.train.weigh import weighed_structures

BAND_MM = 10.0
"""The band of a structure: within this distance of what is drawn of it, or truly is it."""
FLAGS = 10
_SURE = 1e-4


@dataclass(frozen=True, eq=False)
class Planted:
    """One structure of a scan. true: bool (z, y, x), what is right; where `weighed.drawn` differs, an error was planted."""

    weighed: Weighed
    true: np.ndarray

    @property
    def right(self) -> np.ndarray:
        return np.asarray(self.weighed.drawn == self.true)


def auc(planted: Planted, grid: Grid, band: bool) -> float:
    """The chance that a true voxel has a larger weight than a corrupted one, of the doubtful voxels in the band or of all; nan without errors."""
    chosen = planted.weighed.doubtful
    if band:
        chosen = chosen & in_band(planted, grid)
    return ranking(planted.weighed.weight[chosen], planted.right[chosen]).auc


def in_band(planted: Planted, grid: Grid) -> np.ndarray:
    """bool (z, y, x): within BAND_MM of the drawn or the true structure."""
    either = planted.weighed.drawn | planted.true
    if not either.any():
        return either
    return np.asarray(ndimage.distance_transform_edt(~either, sampling=grid.spacing_mm) <= BAND_MM)


def planted_regions(planted: Planted) -> list[np.ndarray]:
    """The 26-connected regions, bool (z, y, x), that were wrongly added, and those wrongly left out, of at least FEWEST_VOXELS voxels."""
    wrong = planted.weighed.doubtful & ~planted.right
    found = []
    for mask in (wrong & planted.weighed.drawn, wrong & planted.true):
        labelled, count = components(mask)
        sizes = np.bincount(labelled.ravel(), minlength=count + 1)
        found += [labelled == number for number in range(1, count + 1) if sizes[number] >= FEWEST_VOXELS]
    return found


def flagged(structures: Sequence[Planted], grid: Grid) -> list[Region]:
    """The first FLAGS regions to check of a scan."""
    found = (region for planted in structures for region in find_regions(planted.weighed, grid))
    return most_doubtful_regions(found)[:FLAGS]


def recall(structures: Sequence[Planted], grid: Grid) -> float:
    """The share of a scan's planted regions that the first FLAGS flags of the scan overlap; nan without errors."""
    flags, found = flagged(structures, grid), []
    for planted in structures:
        marked = _marked(planted, flags)
        found += [bool((region & marked).any()) for region in planted_regions(planted)]
    return float(np.mean(found)) if found else math.nan


def recall_of_voxels(structures: Sequence[Planted], grid: Grid) -> float:
    """The share of a scan's corrupted voxels that lie in its first FLAGS flags; nan without errors."""
    flags, found = flagged(structures, grid), []
    for planted in structures:
        wrong = planted.weighed.doubtful & ~planted.right
        found.append(_marked(planted, flags)[wrong])
    voxels = np.concatenate(found) if found else np.zeros(0, bool)
    return float(voxels.mean()) if voxels.size else math.nan


def _marked(planted: Planted, flags: Sequence[Region]) -> np.ndarray:
    marked = np.zeros(planted.true.shape, bool)
    for flag in flags:
        if flag.doubt.structure == planted.weighed.structure:
            marked[tuple(flag.places.T)] = True
    return marked


def precision(structures: Sequence[Planted], grid: Grid) -> float:
    """The share of the first FLAGS flags of a scan that overlap a corrupted voxel; nan without flags."""
    wrong = {planted.weighed.structure: ~planted.right for planted in structures}
    hits = [bool(wrong[flag.doubt.structure][tuple(flag.places.T)].any()) for flag in flagged(structures, grid)]
    return float(np.mean(hits)) if hits else math.nan


def of_probability(planted: Planted, probability: np.ndarray) -> Planted:
    """The baseline: log-odds of the probability (z, y, x) of what is given, in place of the weight."""
    share = np.clip(probability, _SURE, 1 - _SURE)
    odds = np.log(share / (1 - share)) * np.where(planted.weighed.drawn, 1, -1)
    weight = np.where(planted.weighed.doubtful, odds, 0).astype(np.float32)
    return replace(planted, weighed=replace(planted.weighed, weight=weight, probability=probability))


def measured(structures: Sequence[Planted], grid: Grid) -> dict[str, list[float]]:
    """AUC per structure with an error, recall and precision of ten flags of the scan."""
    faulty = [planted for planted in structures if not planted.right[planted.weighed.doubtful].all()]
    return {
        "AUC_in_the_band": [auc(planted, grid, True) for planted in faulty],
        "AUC_of_all_voxels": [auc(planted, grid, False) for planted in faulty],
        "recall_at_ten_flags": [recall(structures, grid)],
        "recall_of_voxels_at_ten_flags": [recall_of_voxels(structures, grid)],
        "flags_that_hit": [precision(structures, grid)],
    }


def planted_errors(session: Session, truth: Path) -> Mapping[str, list[float]]:
    """All measures over the weighed scans of a finished run; those of the baseline follow with "probability" before their names.

    truth: a folder with the true labels of each case in `<case folder>/`. Empty where no scan was weighed.
    """
    result: dict[str, list[float]] = {}
    for structures, probabilities, grid in _scans(session, truth):
        baseline = [of_probability(planted, found) for planted, found in zip(structures, probabilities, strict=True)]
        for prefix, chosen in (("", structures), ("probability_", baseline)):
            for name, values in measured(chosen, grid).items():
                result.setdefault(prefix + name, []).extend(values)
    return result


def _scans(session: Session, truth: Path) -> Iterator[tuple[list[Planted], list[np.ndarray], Grid]]:
    number = _latest(session)
    if number < 0:
        return
    network = segmentation_network(session, number).eval()
    for case in session.of_split("train"):
        if not (session.round(number).weights(case.folder.name) / NAME).exists():
            continue
        volumes = predict_volume(network, session.open(case, number).image, session.plan, session.device)
        labels = session.labels(case, number)
        right = read_labels(truth / case.folder.name, case.name)[0]
        structures, probabilities = [], []
        for name in weighed_structures(session, case, number):
            found = on_scan_grid(volumes[labels.value(name) - 1], case.grid, session.plan)
            structures.append(_planted(session, number, case, labels, name, right.positive(name), found))
            probabilities.append(found)
        yield structures, probabilities, case.grid


def _latest(session: Session) -> int:
    """The last round that weighed labels; -1: none did."""
    found = [int(path.parent.name) for path in (session.run.path / "rounds").glob("*/weights")]
    return max(found, default=-1)


def _planted(
    session: Session, number: int, case: Case, labels: Labels, name: str, true: np.ndarray, probability: np.ndarray
) -> Planted:
    path = session.round(number).weights(case.folder.name) / f"weights-{labels.value(name)}.nrrd"
    weight = (read_array(path) / ONE).astype(np.float32)
    drawn, doubtful = labels.positive(name), doubtful_voxels(labels, name)
    return Planted(Weighed(name, drawn, doubtful, weight, probability), true)
