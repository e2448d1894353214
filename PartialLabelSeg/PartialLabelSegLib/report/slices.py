"""The one slice of a case that shows most of what was suggested, turned the way a radiologist looks at it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from ..data.geometry import Grid
from ..data.labels import EXPERT, Labels
from ..data.prediction import ONE
from .outcome import Outcome

_LETTERS = (("R", "L"), ("A", "P"), ("I", "S"))
_PLANES = ("sagittal", "coronal", "axial")


@dataclass(frozen=True, eq=False)
class View:
    """One slice: which, and how its rows and columns run on the screen.

    axis, index: along the array (z, y, x). flips: whether rows and columns are reversed. swap: rows and columns change places first.
    letters: patient directions at the left, right, top and bottom of the screen. pixel_mm: height and width of a pixel on the screen.
    """

    axis: int
    index: int
    swap: bool
    flips: tuple[bool, bool]
    plane: str
    letters: tuple[str, str, str, str]
    pixel_mm: tuple[float, float]

    def take(self, volume: np.ndarray) -> np.ndarray:
        """The slice of an array (z, y, x), rows and columns as on the screen."""
        plane = np.take(volume, self.index, axis=self.axis)
        plane = plane.T if self.swap else plane
        rows, columns = (slice(None, None, -1) if flip else slice(None) for flip in self.flips)
        return plane[rows, columns]


@dataclass(frozen=True, eq=False)
class Picture:
    """What is drawn of a case. All arrays (rows, columns) of one shape.

    expert, suggested: bool masks per structure, only those that show. confidence: 0..1, nan where the last network predicts nothing.
    """

    case: str
    view: View
    slices: int
    grey: np.ndarray
    expert: dict[str, np.ndarray]
    suggested: dict[str, np.ndarray]
    confidence: np.ndarray


def picture_of(case: str, image: np.ndarray, outcome: Outcome) -> Picture:
    """The slice of `image` (z, y, x) where the suggested structures are largest, each measured by its own largest section; without any, the drawn ones.

    Cropped to the body (the grey values above the darkest tenth of their range) and all outlines.
    """
    axis = _slice_axis(outcome.grid)
    view = _view(outcome.grid, axis, _most_telling(outcome.final, axis))
    plain = view.take(image).astype(np.float32)
    expert, suggested = _masks(outcome.final, view)
    confidence = np.full(plain.shape, np.nan, np.float32)
    if outcome.prediction is not None:
        predicted = view.take(outcome.prediction.label) > 0
        confidence[predicted] = view.take(outcome.prediction.confidence)[predicted] / np.float32(ONE)
    window = _body(plain, [*expert.values(), *suggested.values()])
    cut = (
        {name: mask[window] for name, mask in expert.items()},
        {name: mask[window] for name, mask in suggested.items()},
    )
    return Picture(case, view, outcome.grid.shape[axis], plain[window], *cut, confidence[window])


def _slice_axis(grid: Grid) -> int:
    """The array axis of the thickest slices; nearly even voxels are cut across the body's long axis."""
    spacing = grid.spacing_mm
    thickest = int(np.argmax(spacing))
    if spacing[thickest] > 1.5 * sorted(spacing)[1]:
        return thickest
    return next(axis for axis, (patient, _) in enumerate(_patient_axes(grid)) if patient == 2)


def _patient_axes(grid: Grid) -> list[tuple[int, bool]]:
    """For each array axis (z, y, x) the patient axis it runs along (0 left, 1 posterior, 2 superior) and whether it runs against it."""
    cosines = np.reshape(grid.direction, (3, 3))[:, ::-1]
    order = max(itertools.permutations(range(3)), key=lambda axes: sum(abs(cosines[axes[i], i]) for i in range(3)))
    return [(patient, bool(cosines[patient, axis] < 0)) for axis, patient in enumerate(order)]


def _view(grid: Grid, axis: int, index: int) -> View:
    axes = _patient_axes(grid)
    rows, columns = (other for other in range(3) if other != axis)
    # Columns run to the left, or backwards in a sagittal slice; rows run backwards in an axial slice, else downwards.
    swap = axes[rows][0] == 0 or (axes[axis][0] == 0 and axes[rows][0] == 1)
    if swap:
        rows, columns = columns, rows
    flips = (axes[rows][1] != (axes[rows][0] == 2), axes[columns][1])
    across, along = _LETTERS[axes[columns][0]], _LETTERS[axes[rows][0]]
    top, bottom = (along[1], along[0]) if axes[rows][0] == 2 else along
    pixel = (grid.spacing_mm[rows], grid.spacing_mm[columns])
    return View(axis, index, swap, flips, _PLANES[axes[axis][0]], (*across, top, bottom), pixel)


def _most_telling(labels: Labels, axis: int) -> int:
    """The index of the slice with the largest sum of shares: of each structure, and of all together, in their own largest section."""
    others = tuple(other for other in range(3) if other != axis)
    for drawn_too in (False, True):
        shown = labels.label_map > 0 if drawn_too else labels.origin > EXPERT
        if not shown.any():
            continue
        # The area of all together decides between slices that show as many of them.
        together = np.count_nonzero(shown, axis=others)
        score = together / together.max()
        for value in range(1, len(labels.structures) + 1):
            area = np.count_nonzero(shown & (labels.label_map == value), axis=others)
            score = score + area / max(1, int(area.max()))
        return int(np.argmax(score))
    return int(labels.label_map.shape[axis] // 2)


def _masks(labels: Labels, view: View) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    values, origins = view.take(labels.label_map), view.take(labels.origin)
    expert: dict[str, np.ndarray] = {}
    suggested: dict[str, np.ndarray] = {}
    for value, name in enumerate(labels.structures, 1):
        mine = values == value
        drawn, new = mine & (origins == EXPERT), mine & (origins > EXPERT)
        if name in labels.overlaps:
            marks = labels.overlaps[name]
            shared = np.zeros(labels.label_map.size, np.uint8)
            shared[marks.indices] = marks.origin
            plane = view.take(shared.reshape(labels.label_map.shape))
            drawn, new = drawn | (plane == EXPERT), new | (plane > EXPERT)
        for group, mask in ((expert, drawn), (suggested, new)):
            if mask.any():
                group[name] = mask
    return expert, suggested


def _body(plain: np.ndarray, masks: list[np.ndarray]) -> tuple[slice, slice]:
    low, high = (float(value) for value in np.nanpercentile(plain, (0, 99)))
    shown = plain > low + 0.1 * (high - low)
    for mask in masks:
        shown |= mask
    if not shown.any():
        return slice(None), slice(None)
    parts = []
    for hits in (np.flatnonzero(shown.any(axis=1)), np.flatnonzero(shown.any(axis=0))):
        margin = 2 + (hits[-1] - hits[0]) // 40
        parts.append(slice(max(0, int(hits[0] - margin)), int(hits[-1] + margin + 1)))
    return parts[0], parts[1]
