"""One predicted mask against one reference mask: every measure at once, and the mean and spread of many."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from ..data.geometry import Grid
from .overlap import overlap
from .ranking import Ranking, rank_candidates
from .surface import surface_distances


@dataclass(frozen=True)
class Comparison:
    """A predicted and a reference mask, boolean (z, y, x) on one grid, and what else is known about their voxels.

    within: boolean, the voxels where the truth is known; None for all.
    confidence: of the prediction, any real dtype; larger is surer, whatever the scale.
    """

    predicted: NDArray[np.bool_]
    reference: NDArray[np.bool_]
    grid: Grid
    within: NDArray[np.bool_] | None = None
    confidence: NDArray[np.number] | None = None


@dataclass(frozen=True)
class Measured:
    """The measures of one structure in one case; nan where undefined (overlap.py and surface.py say where)."""

    case: str
    structure: str
    dice: float
    jaccard: float
    precision: float
    recall: float
    hd_mm: float
    hd95_mm: float
    asd_mm: float
    volume_predicted_ml: float
    volume_reference_ml: float
    volume_error_ml: float
    relative_volume_error: float
    ranking: Ranking | None = None

    def values(self) -> dict[str, float]:
        """Every measure by its name; those of the ranking only where there was a confidence."""
        own = {field.name: getattr(self, field.name) for field in fields(self) if field.name not in _NOT_MEASURES}
        if self.ranking is None:
            return own
        return {
            **own,
            "auc": self.ranking.auc,
            "ap_success": self.ranking.ap_success,
            "ap_error": self.ranking.ap_error,
        }


_NOT_MEASURES = ("case", "structure", "ranking")


def measure(case: str, structure: str, masks: Comparison) -> Measured:
    """Compare one structure of one case. Raises ValueError for masks that do not fit each other or the grid."""
    predicted, reference = masks.predicted, masks.reference
    if predicted.shape != masks.grid.shape:
        raise ValueError(f"the masks must have the grid's shape {masks.grid.shape}, got {predicted.shape}")
    counts = overlap(predicted, reference, masks.grid.voxel_ml, masks.within)
    if masks.within is not None:
        predicted, reference = predicted & masks.within, reference & masks.within
    distances = surface_distances(predicted, reference, masks.grid.spacing_mm)
    return Measured(
        case=case,
        structure=structure,
        dice=counts.dice,
        jaccard=counts.jaccard,
        precision=counts.precision,
        recall=counts.recall,
        hd_mm=distances.hausdorff_mm,
        hd95_mm=distances.hausdorff95_mm,
        asd_mm=distances.average_mm,
        volume_predicted_ml=counts.volume_predicted_ml,
        volume_reference_ml=counts.volume_reference_ml,
        volume_error_ml=counts.volume_error_ml,
        relative_volume_error=counts.relative_volume_error,
        ranking=None if masks.confidence is None else rank_candidates(predicted, reference, masks.confidence),
    )


def measure_label_maps(
    case: str, predicted: NDArray[np.integer], reference: NDArray[np.integer], grid: Grid, structures: Mapping[str, int]
) -> tuple[Measured, ...]:
    """Compare two label maps (z, y, x) on one grid for each structure, given by name with its value."""
    return tuple(
        measure(case, name, Comparison(predicted == value, reference == value, grid))
        for name, value in structures.items()
    )


@dataclass(frozen=True)
class Summary:
    """Mean and standard deviation (n - 1 in the denominator) over the `n` values that are defined; `undefined` are not."""

    mean: float
    std: float
    n: int
    undefined: int

    @classmethod
    def of(cls, values: Iterable[float]) -> Summary:
        """The mean is nan without a value, the deviation with fewer than two."""
        given = list(values)
        known = [value for value in given if not math.isnan(value)]
        mean = float(np.mean(known)) if known else math.nan
        std = float(np.std(known, ddof=1)) if len(known) > 1 else math.nan
        return cls(mean, std, len(known), len(given) - len(known))


def summarise(measured: Iterable[Measured]) -> dict[str, Summary]:
    """Mean and spread of every measure, by its name."""
    columns: dict[str, list[float]] = {}
    for item in measured:
        for name, value in item.values().items():
            columns.setdefault(name, []).append(value)
    return {name: Summary.of(values) for name, values in columns.items()}
