"""Regions of a quickly made label that a person should look at again: where the weights learned from trusted scans speak against it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..data.geometry import Grid
from ..data.label_files import place_of
from ..data.labels import Labels
from ..run.failure import Failure
from ..run.files import read_json, write_json
from .components import Box, bounding_box, boxes, components

NAME = "doubts.json"
FORMAT = 1
SHOULD_IT_BE_HERE, IS_IT_MISSING_HERE = "should it be here?", "is it missing here?"
KINDS = (SHOULD_IT_BE_HERE, IS_IT_MISSING_HERE)
ONE = 1000
"""The stored value of weight 1 in `weights-<value>.nrrd`, int16."""
MOST_REGIONS = 50
CLEARLY = 1.0
"""A weight below -1: the trusted scans speak against the label by more than e to 1."""
FEWEST_VOXELS = 5
REACH_MM = 10.0
"""A structure is said to be missing within this distance of what is drawn of it, or where the network draws it."""

Triple = tuple[int, int, int]
Spans = tuple[tuple[int, int], tuple[int, int], tuple[int, int]]


@dataclass(frozen=True)
class Doubt:
    """A region to check. kind: one of KINDS: it is drawn and distrusted, or it is not drawn and that is distrusted.

    score: the sum over its voxels of the weight against the label, times mL. box: (first, behind the last) along z, y, x.
    centre_ijk: its voxel (x, y, z) nearest to its centre of mass.
    """

    structure: str
    kind: str
    voxels: int
    ml: float
    score: float
    centre_ijk: Triple
    box: Spans

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind must be one of {KINDS}, got {self.kind!r}")
        if self.voxels < 1 or not 0 < self.ml < np.inf or not 0 <= self.score < np.inf:
            raise ValueError(f"a region needs voxels, a volume and a score, got {self.voxels}, {self.ml}, {self.score}")


@dataclass(frozen=True, eq=False)
class Weighed:
    """One structure of a scan, all arrays (z, y, x) of its grid.

    drawn, doubtful: bool, the given label and where it is doubtful. weight: float32, how far the trusted scans uphold what is given
    (natural log-odds; below 0: they speak against it). probability: float32, the networks' of the structure.
    """

    structure: str
    drawn: np.ndarray
    doubtful: np.ndarray
    weight: np.ndarray
    probability: np.ndarray


@dataclass(frozen=True, eq=False)
class Region:
    """A region to check with its voxels: places int64 (voxels, 3), indices along z, y, x."""

    doubt: Doubt
    places: np.ndarray


def doubtful_voxels(labels: Labels, structure: str) -> np.ndarray:
    """bool (z, y, x): where what is given of a structure may be wrong. Nowhere unless it is imperfect; elsewhere a trusted label of another excludes it."""
    if structure not in labels.imperfect:
        return np.zeros(labels.label_map.shape, bool)
    mask = labels.certain(structure)
    for other in labels.structures:
        if other not in labels.imperfect and labels.excludes(structure, other):
            mask &= ~labels.positive(other)
    return mask | labels.positive(structure)


def find_regions(weighed: Weighed, grid: Grid) -> list[Region]:
    """The regions of one structure, in no order.

    The weights are smoothed by one (finest) voxel; of voxels that then clearly speak against the label 26-connected regions are made.
    """
    # Loaded when needed: it takes longer than all of Slicer's panel, which needs this file too.
    from scipy import ndimage

    upholds = np.where(weighed.drawn, weighed.weight, -weighed.weight)
    finest = min(grid.spacing_mm)
    smooth = ndimage.gaussian_filter(upholds, [finest / spacing for spacing in grid.spacing_mm], mode="nearest")
    against = np.where(weighed.drawn, -smooth, smooth)
    distrusted = weighed.doubtful & (against > CLEARLY)
    likely = _within(weighed.drawn, grid) | (weighed.probability >= 0.5)
    missing = distrusted & ~weighed.drawn & likely
    return [
        *_regions(weighed.structure, SHOULD_IT_BE_HERE, distrusted & weighed.drawn, against, grid),
        *_regions(weighed.structure, IS_IT_MISSING_HERE, missing, against, grid),
    ]


def most_doubtful(doubts: Iterable[Doubt]) -> list[Doubt]:
    """The most distrusted regions of a scan, the first most of all, at most MOST_REGIONS."""
    return sorted(doubts, key=lambda doubt: -doubt.score)[:MOST_REGIONS]


def most_doubtful_regions(regions: Iterable[Region]) -> list[Region]:
    """The same with their voxels."""
    return sorted(regions, key=lambda region: -region.doubt.score)[:MOST_REGIONS]


def _within(drawn: np.ndarray, grid: Grid) -> np.ndarray:
    """bool: the voxels within REACH_MM of those drawn."""
    from scipy import ndimage

    box, near = bounding_box(drawn), np.zeros(drawn.shape, bool)
    if box is not None:
        margins = [int(np.ceil(REACH_MM / spacing)) for spacing in grid.spacing_mm]
        wide = tuple(slice(max(0, span.start - margin), span.stop + margin) for span, margin in zip(box, margins))
        near[wide] = ndimage.distance_transform_edt(~drawn[wide], sampling=grid.spacing_mm) <= REACH_MM
    return near


def _regions(structure: str, kind: str, mask: np.ndarray, against: np.ndarray, grid: Grid) -> list[Region]:
    labelled, count = components(mask)
    found = []
    for number, box in enumerate(boxes(labelled, count), 1):
        assert box is not None, "every number is that of some voxel"
        places = np.argwhere(labelled[box] == number)
        if len(places) >= FEWEST_VOXELS:
            score = float(against[box][tuple(places.T)].sum()) * grid.voxel_ml
            ml = len(places) * grid.voxel_ml
            doubt = Doubt(structure, kind, len(places), ml, score, _centre(places, box), _spans(box))
            found.append(Region(doubt, places + [span.start for span in box]))
    return found


def _centre(places: np.ndarray, box: Box) -> Triple:
    nearest = places[np.argmin(np.square(places - places.mean(0)).sum(1))]
    z, y, x = (int(place) + span.start for place, span in zip(nearest, box, strict=True))
    return x, y, z


def _spans(box: Box) -> Spans:
    z, y, x = ((int(span.start), int(span.stop)) for span in box)
    return z, y, x


def write_doubts(folder: Path, case: str, weights: Mapping[str, int], doubts: Sequence[Doubt]) -> None:
    """Writes `doubts.json`, the last file of a scan's folder of weights. weights: the label value of each structure with a `weights-<value>.nrrd`."""
    regions = [dataclasses.asdict(doubt) for doubt in doubts]
    head = {"format": FORMAT, "case": case, "one": ONE, "weights": dict(weights)}
    write_json(folder / NAME, {**head, "regions": regions})


def read_doubts(folder: Path, case: str = "") -> tuple[Doubt, ...]:
    """The regions to check of a scan, the most distrusted first. Failure: absent or damaged."""
    value = read_json(folder / NAME, "the list of the regions to check")
    try:
        if value["format"] != FORMAT:
            raise ValueError("another format")
        return tuple(_doubt(item) for item in value["regions"])
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        text = f"the list of its regions to check is damaged ({error})."
        way_out = f"Delete {place_of(folder)}/{NAME} and run the same command again; it is made anew."
        raise Failure(text, case=case or folder.name, way_out=way_out) from None


def _doubt(item: Mapping[str, Any]) -> Doubt:
    x, y, z = (int(place) for place in item["centre_ijk"])
    first, second, third = ((int(start), int(behind)) for start, behind in item["box"])
    numbers = int(item["voxels"]), float(item["ml"]), float(item["score"])
    return Doubt(str(item["structure"]), str(item["kind"]), *numbers, (x, y, z), (first, second, third))
