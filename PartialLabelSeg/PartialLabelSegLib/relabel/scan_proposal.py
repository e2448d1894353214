"""The suggestions of a scan at every level of gamma, for those who show and count them: the same as the proposal, at all levels at once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ..data.geometry import Grid
from ..data.labels import EXPERT, FIRST_ROUND, Labels
from ..data.prediction import ONE, Prediction
from .components import Box, boxes
from .levels import GAMMAS, Parts, parts_at_levels
from .select import suggested, threshold, united

Triple = tuple[int, int, int]
Spans = tuple[tuple[int, int], tuple[int, int], tuple[int, int]]


@dataclass(frozen=True)
class Part:
    """A connected part at a level. seed: its smallest flat voxel index in the scan. confidence: mean, 0..1.

    box: (first, behind the last) along z, y, x. centre_ijk: its voxel (x, y, z) nearest to its centre of mass.
    touches_border: it reaches the outermost voxels of the scan.
    """

    seed: int
    voxels: int
    ml: float
    confidence: float
    box: Spans
    centre_ijk: Triple
    touches_border: bool


@dataclass(frozen=True)
class Level:
    """What is shown at a gamma. parts: how many connected parts there are; components: the largest 50 of them, in falling size."""

    gamma: float
    voxels: int
    ml: float
    confidence: float
    parts: int
    components: tuple[Part, ...]


@dataclass(frozen=True)
class StructureLevels:
    """The suggestions of one structure in a scan.

    pool: candidates and voxels accepted before. accepted: those accepted before. unranked: of those, the ones that are no longer predicted
    so (they stay accepted and are not shown). drawn: voxels that the annotator drew (on some slices).
    box: (first, behind the last) along z, y, x of all that is ever shown; None where nothing is. confidence: mean of all of it, 0..1.
    levels: one for each of GAMMAS.
    """

    pool: int
    accepted: int
    unranked: int
    drawn: int
    box: Spans | None
    confidence: float
    levels: tuple[Level, ...]

    def __post_init__(self) -> None:
        if [item.gamma for item in self.levels] != list(GAMMAS):
            raise ValueError(f"suggestions need the {len(GAMMAS)} levels of gamma")

    def at(self, gamma: float) -> Level | None:
        """The highest level that is not above gamma; None below the first."""
        number = math.floor(gamma * len(GAMMAS) + 1e-9)
        return self.levels[number - 1] if number > 0 else None

    def shown(self, gamma: float) -> int:
        """How many voxels are shown at any gamma; exact."""
        return shown_at(self.pool, self.unranked, gamma)


@dataclass(frozen=True)
class ScanProposal:
    """The suggestions of a scan. structures: those with a pool, in the order of the run. nothing: those not known of which nothing is suggested.

    shape, spacing_mm: of the scan, (z, y, x). made_for: the checksums of the prediction that it speaks of.
    """

    case: str
    shape: Triple
    spacing_mm: tuple[float, float, float]
    voxel_ml: float
    structures: Mapping[str, StructureLevels]
    nothing: tuple[str, ...]
    made_for: Mapping[str, int] = field(default_factory=dict)


def shown_at(pool: int, unranked: int, gamma: float) -> int:
    """How many voxels have a rank above the threshold of gamma, where `unranked` voxels hold the first of `pool` positions (`rank_volume`)."""
    # Position p is shown where 65535 (2 (pool - p) - 1) / (2 pool) > cut: all p below this, in whole numbers.
    behind = -((2 * pool * (threshold(gamma) - ONE) + ONE) // (2 * ONE))
    return max(0, min(behind, pool) - unranked)


def first_levels() -> np.ndarray:
    """uint8 (65536,): for each rank the number of the first of GAMMAS, from 1, at which it is shown; 0 for rank 0."""
    table = np.zeros(ONE + 1, np.uint8)
    for number in range(len(GAMMAS), 0, -1):
        table[threshold(GAMMAS[number - 1]) + 1 :] = number
    return table


def propose_levels(prediction: Prediction, labels: Labels, grid: Grid, case: str) -> ScanProposal:
    """The suggestions at every level of all structures that are not known in the scan; at each the same as `propose`."""
    ever = suggested(prediction, 1.0)
    origins = _origins(labels)
    found, nothing = {}, []
    for structure, box in zip(prediction.structures, boxes(ever, len(prediction.structures)), strict=True):
        if labels.is_known(structure):
            continue
        drawn, taken = origins[structure]
        if box is None and not taken.size:
            nothing.append(structure)
            continue
        value = prediction.value(structure)
        levels = _levels(prediction, ever, value, box, grid)
        unranked = int(np.count_nonzero(prediction.label.reshape(-1)[taken] != value))
        pool = unranked + levels[-1].voxels
        spans = None if box is None else _spans([span.start for span in box], [span.stop for span in box])
        found[structure] = StructureLevels(pool, taken.size, unranked, drawn, spans, levels[-1].confidence, levels)
    return ScanProposal(case, grid.shape, grid.spacing_mm, grid.voxel_ml, found, tuple(nothing))


def _origins(labels: Labels) -> dict[str, tuple[int, np.ndarray]]:
    """Per structure how many voxels the annotator drew, and the sorted flat indices of those accepted in a round; in one pass over the scan."""
    flat = labels.label_map.reshape(-1)
    later = np.flatnonzero(labels.origin >= FIRST_ROUND)
    values = flat[later]
    counts = np.bincount(flat[labels.origin.reshape(-1) == EXPERT], minlength=len(labels.structures) + 1)
    found = {}
    for value, name in enumerate(labels.structures, 1):
        drawn, taken = int(counts[value]), later[values == value]
        if name in labels.overlaps:
            marks = labels.overlaps[name]
            drawn += int(np.count_nonzero(marks.origin == EXPERT))
            taken = united(taken, marks.indices[marks.origin >= FIRST_ROUND])
        found[name] = (drawn, taken)
    return found


def _levels(prediction: Prediction, ever: np.ndarray, value: int, box: Box | None, grid: Grid) -> tuple[Level, ...]:
    if box is None:
        return tuple(Level(gamma, 0, 0.0, 0.0, 0, ()) for gamma in GAMMAS)
    levels = first_levels()[prediction.rank[box]]
    levels[ever[box] != value] = 0
    found = []
    for gamma, parts in zip(GAMMAS, parts_at_levels(levels, prediction.confidence[box], grid.spacing_mm), strict=True):
        components = _listed(parts, box, grid)
        ml = parts.voxels * grid.voxel_ml
        found.append(Level(gamma, parts.voxels, ml, parts.confidence, parts.count, components))
    return tuple(found)


def _listed(parts: Parts, box: Box, grid: Grid) -> tuple[Part, ...]:
    """The rows of the tables of a box as parts of the whole scan."""
    starts = np.array([span.start for span in box])
    low, behind, centre = parts.low + starts, parts.high + starts + 1, parts.centre + starts
    border = ((low == 0) | (behind == grid.shape)).any(axis=1)
    places = np.stack(np.unravel_index(parts.seed, tuple(span.stop - span.start for span in box)), 1) + starts
    seeds = np.ravel_multi_index(tuple(places.T), grid.shape).tolist()
    numbers = zip(seeds, parts.sizes.tolist(), parts.confidences.tolist(), border.tolist(), strict=True)
    spans = zip(low.tolist(), behind.tolist(), centre.tolist(), strict=True)
    return tuple(
        Part(seed, size, size * grid.voxel_ml, sure, _spans(first, last), (x, y, z), edge)
        for (seed, size, sure, edge), (first, last, (z, y, x)) in zip(numbers, spans, strict=True)
    )


def _spans(first: list[int], behind: list[int]) -> Spans:
    return ((first[0], behind[0]), (first[1], behind[1]), (first[2], behind[2]))
