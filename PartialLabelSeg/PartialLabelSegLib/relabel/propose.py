"""What a reviewer is shown at a share gamma: per structure the totals and the connected components, largest first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..data.geometry import Grid
from ..data.labels import Labels
from ..data.prediction import ONE, Prediction
from .components import Box, boxes, components, flat_indices
from .select import accepted, suggested


@dataclass(frozen=True)
class Component:
    """One 26-connected part of the suggestions of a structure.

    seed: its smallest flat voxel index; names it at this gamma. confidence: mean, in 0..1.
    box: (first, last + 1) along z, y, x. touches_border: it reaches the outermost voxels of the scan.
    """

    structure: str
    seed: int
    voxels: int
    volume_ml: float
    confidence: float
    box: tuple[tuple[int, int], tuple[int, int], tuple[int, int]]
    touches_border: bool


@dataclass(frozen=True)
class StructureProposal:
    """The suggestions of one structure. pool: candidates and accepted voxels; accepted: those accepted earlier; suggested: shown at gamma."""

    structure: str
    pool: int
    accepted: int
    suggested: int
    volume_ml: float
    confidence: float
    components: tuple[Component, ...]


@dataclass(frozen=True)
class Proposal:
    """The suggestions of a scan at `gamma`, for the structures that have any pool there."""

    gamma: float
    structures: tuple[StructureProposal, ...]

    def of(self, structure: str) -> StructureProposal:
        """KeyError where the scan has no suggestions of that structure."""
        for item in self.structures:
            if item.structure == structure:
                return item
        raise KeyError(structure)


def propose(prediction: Prediction, labels: Labels, gamma: float, grid: Grid) -> Proposal:
    """The suggestions at `gamma` of all structures that are not known in the scan."""
    shown = suggested(prediction, gamma)
    ranked = np.bincount(prediction.label[prediction.rank > 0], minlength=len(prediction.structures) + 1)
    found = []
    for structure, box in zip(prediction.structures, boxes(shown, len(prediction.structures)), strict=True):
        value = prediction.value(structure)
        taken = accepted(labels, structure)
        no_longer = int(np.count_nonzero(prediction.label.reshape(-1)[taken] != value))
        pool = int(ranked[value]) + no_longer
        if labels.is_known(structure) or not pool:
            continue
        parts = _components(prediction, structure, shown, box, grid) if box is not None else ()
        voxels = sum(part.voxels for part in parts)
        confidence = sum(part.voxels * part.confidence for part in parts) / voxels if voxels else 0.0
        found.append(
            StructureProposal(structure, pool, int(taken.size), voxels, voxels * grid.voxel_ml, confidence, parts)
        )
    return Proposal(gamma, tuple(found))


def _components(
    prediction: Prediction, structure: str, shown: np.ndarray, box: Box, grid: Grid
) -> tuple[Component, ...]:
    mask = shown[box] == prediction.value(structure)
    labelled, count = components(mask)
    numbers = labelled[mask]
    seeds = np.full(count + 1, np.iinfo(np.int64).max)
    np.minimum.at(seeds, numbers, flat_indices(mask, box, shown.shape))
    voxels = np.bincount(numbers, minlength=count + 1)
    sums = np.bincount(numbers, prediction.confidence[box][mask].astype(float), count + 1)
    found = []
    for number, part in enumerate(boxes(labelled, count), 1):
        assert part is not None
        spans = [(part[axis].start + box[axis].start, part[axis].stop + box[axis].start) for axis in range(3)]
        border = any(first == 0 or last == size for (first, last), size in zip(spans, shown.shape, strict=True))
        size = int(voxels[number])
        mean = float(sums[number]) / size / ONE
        found.append(
            Component(
                structure, int(seeds[number]), size, size * grid.voxel_ml, mean, (spans[0], spans[1], spans[2]), border
            )
        )
    return tuple(sorted(found, key=lambda item: (-item.voxels, item.seed)))
