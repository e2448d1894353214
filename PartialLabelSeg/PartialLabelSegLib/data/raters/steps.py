"""From several raters' readings to a soft label, in the four steps of Felfeliyan et al. 2022 (section IV.A.1), each of which can be switched off.

1. votes       q = sum of the grades of a voxel's cell (or of the masks there) / number of raters who read that slice of that scan.
               Off: q = the highest grade that any rater gave.
2. inside_bone q = 0 outside the bone mask.
3. bright      where q > 0 after step 2 and the voxel lies in the bone: q = 1 if its grey value is above the percentile `bright_percentile` of
               the grey values of all bone voxels of the scan (linear between order statistics, as numpy's). Only strictly brighter ones.
4. neighbours  q = 1 - (1 - q)(1 - w n), rule 'noisy-or', or q = max(q, w n), rule 'max': n is the larger of the values of step 3 at the same
               place on the two neighbouring slices, w is `neighbour_weight`. It never lowers a value, fills no voxel outside the bone while
               step 2 is on, and takes from the slices as step 3 left them, so nothing creeps further than one slice. A neighbouring
               slice that nobody read says nothing; one that lies beyond the scan neither.

A slice that no rater read stays 0 and is not known: no step makes a label of it. The paper gives no numbers for steps 3 and 4; the defaults are this
project's. The result never falls when a rater ticks one cell more, since the percentile is that of the whole bone whatever is ticked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from typing import Any

import numpy as np

from ..labels import Slices
from .rated import RatedScan
from .types import Reading

VOTES, INSIDE_BONE, BRIGHT, NEIGHBOURS = STEPS = ("votes", "inside_bone", "bright", "neighbours")
NEIGHBOUR_RULES = ("noisy-or", "max")


@dataclass(frozen=True)
class SoftSteps:
    """Which steps are taken, and their numbers. bright_percentile: 0..100. neighbour_weight: 0..1. See the top of this file."""

    votes: bool = True
    inside_bone: bool = True
    bright: bool = True
    neighbours: bool = True
    bright_percentile: float = 90.0
    neighbour_rule: str = "noisy-or"
    neighbour_weight: float = 0.25

    def __post_init__(self) -> None:
        if not 0 <= self.bright_percentile <= 100:
            raise ValueError(f"the percentile of the bone must lie in 0..100, got {self.bright_percentile}")
        if not 0 <= self.neighbour_weight <= 1 or self.neighbour_rule not in NEIGHBOUR_RULES:
            raise ValueError(
                f"the neighbours need a weight in 0..1 and one of the rules {', '.join(NEIGHBOUR_RULES)}, "
                f"got {self.neighbour_weight} and {self.neighbour_rule!r}"
            )

    @property
    def needs_bone(self) -> bool:
        return self.inside_bone or self.bright

    def without_bone(self) -> SoftSteps:
        """The same without the two steps that need a bone mask."""
        return replace(self, inside_bone=False, bright=False)

    def to_json(self) -> dict[str, Any]:
        return {item.name: getattr(self, item.name) for item in fields(self)}


@dataclass(frozen=True, eq=False)
class Prepared:
    """A rated scan with what all its slices share, so that one slice is previewed at once.

    sums, highest: float32 (slices, cells + 1), the sum and the largest of the grades of each cell; the last entry, outside the grid, is 0.
    readers: int64 (slices,), how many raters read each slice. bone_values: the sorted grey values of the bone, empty where there is none.
    """

    scan: RatedScan
    sums: np.ndarray
    highest: np.ndarray
    readers: np.ndarray
    bone_values: np.ndarray

    def with_readings(self, readings: tuple[Reading, ...]) -> Prepared:
        """The same scan with other readings; what depends on the image is kept, so this is fast enough to follow a mouse."""
        return _tabulated(self.scan.with_readings(readings), self.bone_values)

    def bright_level(self, percentile: float) -> float:
        """The grey value above which bone counts as bright; infinite where there is no bone."""
        if not self.bone_values.size:
            return float("inf")
        place = percentile / 100 * (self.bone_values.size - 1)
        low = int(place)
        first, second = (float(self.bone_values[min(low + step, self.bone_values.size - 1)]) for step in (0, 1))
        return first + (place - low) * (second - first)


def prepare(scan: RatedScan) -> Prepared:
    """What `soft_label` and `preview` work on."""
    values = np.empty(0, np.float32)
    if scan.bone is not None and scan.image is not None:
        values = np.sort(scan.image[scan.bone])
    return _tabulated(scan, values)


def _tabulated(scan: RatedScan, bone_values: np.ndarray) -> Prepared:
    cells = scan.template.cells_per_slice if scan.template is not None else 0
    sums, highest = (np.zeros((scan.count, cells + 1), np.float32) for _ in range(2))
    for reading in scan.readings:
        for tick in reading.ticks:
            assert scan.template is not None
            cell = tick.row * scan.template.columns + tick.column
            sums[tick.slice, cell] += tick.grade
            highest[tick.slice, cell] = max(highest[tick.slice, cell], tick.grade)
    return Prepared(scan, sums, highest, scan.readers(), bone_values)


@dataclass(frozen=True, eq=False)
class SoftLabel:
    """A probability per voxel, and where it is one.

    plane: float32 (z, y, x) in 0..1; 0 where nobody read. readers: int64 (slices,), how many raters read each slice along `axis`.
    changed: how many voxels each step changed; of the first step, how many it made more than 0. bright_level: the grey value of step 3.
    """

    plane: np.ndarray
    readers: np.ndarray
    axis: int
    changed: Mapping[str, int]
    bright_level: float = float("inf")

    def read_slices(self) -> Slices | None:
        """The slices that at least one rater read; None where these are all."""
        if bool(np.all(self.readers > 0)):
            return None
        return Slices(self.axis, tuple(int(index) for index in np.flatnonzero(self.readers)))

    def known(self) -> np.ndarray:
        """bool (z, y, x): where at least one rater read."""
        where = self.read_slices()
        return np.ones(self.plane.shape, bool) if where is None else where.mask(self.plane.shape)


@dataclass(frozen=True, eq=False)
class Preview:
    """The steps on one slice. stages: float32 plane after each step that is on, in order; changed: bool plane of what that step changed.

    The first stage, 'votes', is always there: with that step off it holds the highest grades. What it changed is where it is above 0.
    known: whether anybody read the slice. bright_level: the grey value of step 3.
    """

    stages: Mapping[str, np.ndarray]
    changed: Mapping[str, np.ndarray]
    known: bool
    bright_level: float


def soft_label(prepared: Prepared, steps: SoftSteps | None = None) -> SoftLabel:
    """The soft label of a whole scan. ValueError: a step needs the bone mask (or the image) and there is none."""
    steps = steps or SoftSteps()
    _check(prepared.scan, steps)
    scan = prepared.scan
    plane = np.zeros(scan.shape, np.float32)
    changed = dict.fromkeys(_taken(steps), 0)
    third: list[np.ndarray | None] = []
    for index in range(scan.count):
        stages = _until_bright(prepared, index, steps)
        third.append(next(reversed(stages.values())) if stages else None)
        before: np.ndarray | None = None
        for name, stage in stages.items():
            changed[name] += int(np.count_nonzero(stage if before is None else stage != before))
            before = stage
    for index, own in enumerate(third):
        if own is not None:
            final = _raised(own, _around(third, index), _bone(scan, index, steps), steps)
            scan.plane(plane, index)[...] = final
            if steps.neighbours:
                changed[NEIGHBOURS] += int(np.count_nonzero(final != own))
    return SoftLabel(plane, prepared.readers, scan.axis, changed, prepared.bright_level(steps.bright_percentile))


def preview(prepared: Prepared, index: int, steps: SoftSteps | None = None) -> Preview:
    """Every step on slice `index` alone: the same values as `soft_label` has there. ValueError as there, and for a slice beyond the scan."""
    steps = steps or SoftSteps()
    _check(prepared.scan, steps)
    if not 0 <= index < prepared.scan.count:
        raise ValueError(f"slice {index} is not in a scan of {prepared.scan.count} slices")
    level = prepared.bright_level(steps.bright_percentile)
    stages = _until_bright(prepared, index, steps)
    if not stages:
        empty = np.zeros(prepared.scan.plane_shape, np.float32)
        return Preview(dict.fromkeys(_taken(steps), empty), dict.fromkeys(_taken(steps), empty > 0), False, level)
    if steps.neighbours:
        own = next(reversed(stages.values()))
        beside = [_last(_until_bright(prepared, place, steps)) for place in _places_around(index, prepared.scan.count)]
        stages[NEIGHBOURS] = _raised(own, beside, _bone(prepared.scan, index, steps), steps)
    planes = list(stages.values())
    changes = [planes[0] > 0, *(after != before for before, after in pairwise(planes))]
    return Preview(stages, dict(zip(stages, changes)), True, level)


def _taken(steps: SoftSteps) -> list[str]:
    """The first stage always exists: without shares it holds the highest grades."""
    return [name for name in STEPS if name == VOTES or getattr(steps, name)]


def _check(scan: RatedScan, steps: SoftSteps) -> None:
    if steps.needs_bone and scan.bone is None:
        raise ValueError("the steps inside_bone and bright need a bone mask")
    if steps.bright and scan.image is None:
        raise ValueError("the step bright needs the image")


def _until_bright(prepared: Prepared, index: int, steps: SoftSteps) -> dict[str, np.ndarray]:
    """The slice after each of the first three steps that are on; empty where nobody read it."""
    if not prepared.readers[index]:
        return {}
    scan = prepared.scan
    stages = {VOTES: _votes(prepared, index, steps.votes)}
    if steps.inside_bone:
        assert scan.bone is not None
        stages[INSIDE_BONE] = np.where(scan.plane(scan.bone, index), stages[VOTES], np.float32(0))
    if steps.bright:
        assert scan.bone is not None and scan.image is not None
        before = next(reversed(stages.values()))
        bright = scan.plane(scan.image, index) > prepared.bright_level(steps.bright_percentile)
        bright &= before > 0
        bright &= scan.plane(scan.bone, index)
        stages[BRIGHT] = np.where(bright, np.float32(1), before)
    return stages


def _votes(prepared: Prepared, index: int, shares: bool) -> np.ndarray:
    """float32 plane: the share of the votes, or the highest of them."""
    scan = prepared.scan
    readers = np.float32(prepared.readers[index])
    table = prepared.sums[index] / readers if shares else prepared.highest[index]
    result = np.zeros(scan.plane_shape, np.float32)
    if table.any():
        cells = scan.cells(index)
        assert cells is not None
        result = table[cells]
    masks = [scan.plane(r.mask, index) for r in scan.readings if r.mask is not None and _has_read(r, index)]
    if masks and shares:
        drawn = np.zeros(scan.plane_shape, np.uint8 if len(masks) < 256 else np.uint32)
        for mask in masks:
            drawn += mask
        result += drawn / readers
    elif masks:
        result = np.maximum(result, np.logical_or.reduce(masks))
    return np.minimum(result, np.float32(1)).astype(np.float32, copy=False)


def _has_read(reading: Reading, index: int) -> bool:
    return reading.slices is None or index in reading.slices


def _raised(own: np.ndarray, beside: list[np.ndarray | None], bone: np.ndarray | None, steps: SoftSteps) -> np.ndarray:
    """Step 4 on one slice: `own` raised by what is beside it."""
    there = [plane for plane in beside if plane is not None]
    if not steps.neighbours or not there:
        return own
    push = np.float32(steps.neighbour_weight) * np.maximum.reduce(there)
    if bone is not None:
        push *= bone
    if steps.neighbour_rule == "max":
        return np.maximum(own, push)
    # q + (1 - q) w n: the same as 1 - (1 - q)(1 - w n), and in rounded numbers never below q.
    return own + (np.float32(1) - own) * push


def _bone(scan: RatedScan, index: int, steps: SoftSteps) -> np.ndarray | None:
    return scan.plane(scan.bone, index) if steps.inside_bone and scan.bone is not None else None


def _places_around(index: int, count: int) -> list[int]:
    return [place for place in (index - 1, index + 1) if 0 <= place < count]


def _around(planes: list[np.ndarray | None], index: int) -> list[np.ndarray | None]:
    return [planes[place] for place in _places_around(index, len(planes))]


def _last(stages: dict[str, np.ndarray]) -> np.ndarray | None:
    return next(reversed(stages.values())) if stages else None
