"""Overlap of a predicted and a reference mask: counted once, many measures derived.

The rule for empty masks: where both are empty they agree, so Dice and Jaccard are 1; where only one is empty they are 0.
Precision is nan where nothing was predicted, recall and relative volume error are nan where the reference is empty.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Overlap:
    """Voxel counts of two masks on one grid; `voxel_ml` is the volume of one voxel in millilitres."""

    true_positive: int
    false_positive: int
    false_negative: int
    voxel_ml: float

    def __post_init__(self) -> None:
        for name in ("true_positive", "false_positive", "false_negative"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} is a voxel count and at least 0, got {getattr(self, name)}.")
        if not (math.isfinite(self.voxel_ml) and self.voxel_ml > 0):
            raise ValueError(f"voxel_ml is a volume above 0, got {self.voxel_ml}.")

    @property
    def predicted(self) -> int:
        """Voxels of the predicted mask."""
        return self.true_positive + self.false_positive

    @property
    def reference(self) -> int:
        """Voxels of the reference mask."""
        return self.true_positive + self.false_negative

    @property
    def dice(self) -> float:
        """2 |P and R| / (|P| + |R|); 1 where both masks are empty."""
        return _share(2 * self.true_positive, self.predicted + self.reference, empty=1.0)

    @property
    def jaccard(self) -> float:
        """|P and R| / |P or R|; 1 where both masks are empty."""
        return _share(self.true_positive, self.predicted + self.false_negative, empty=1.0)

    @property
    def precision(self) -> float:
        """Share of the predicted voxels that are in the reference; nan where nothing was predicted."""
        return _share(self.true_positive, self.predicted, empty=math.nan)

    @property
    def recall(self) -> float:
        """Share of the reference voxels that were predicted; nan where the reference is empty."""
        return _share(self.true_positive, self.reference, empty=math.nan)

    @property
    def volume_predicted_ml(self) -> float:
        """Volume of the predicted mask in millilitres."""
        return self.predicted * self.voxel_ml

    @property
    def volume_reference_ml(self) -> float:
        """Volume of the reference mask in millilitres."""
        return self.reference * self.voxel_ml

    @property
    def volume_error_ml(self) -> float:
        """Predicted minus reference volume in millilitres: above 0 where too much was predicted."""
        return (self.predicted - self.reference) * self.voxel_ml

    @property
    def relative_volume_error(self) -> float:
        """Volume error as a share of the reference volume; nan where the reference is empty."""
        return _share(self.predicted - self.reference, self.reference, empty=math.nan)


def overlap(
    predicted: NDArray[np.bool_],
    reference: NDArray[np.bool_],
    voxel_ml: float,
    within: NDArray[np.bool_] | None = None,
) -> Overlap:
    """Count how two boolean masks of one shape overlap.

    `within` (boolean, the same shape) keeps only the voxels where the truth is known; the others count in neither mask.
    Raises ValueError for masks that are not boolean, or of different shapes.
    """
    check_masks(predicted, reference, "reference")
    if within is not None:
        check_masks(predicted, within, "within")
        predicted = predicted & within
        reference = reference & within
    both = int(np.count_nonzero(predicted & reference))
    return Overlap(
        true_positive=both,
        false_positive=int(np.count_nonzero(predicted)) - both,
        false_negative=int(np.count_nonzero(reference)) - both,
        voxel_ml=voxel_ml,
    )


def check_masks(predicted: NDArray[np.bool_], other: NDArray[np.bool_], other_name: str) -> None:
    """Raise ValueError unless both arrays are boolean and of one shape."""
    for name, mask in (("predicted", predicted), (other_name, other)):
        if mask.dtype != np.bool_:
            raise ValueError(f"The {name} mask must be a boolean array, got {mask.dtype}.")
    if predicted.shape != other.shape:
        raise ValueError(
            f"The predicted and the {other_name} mask must have one shape, got {predicted.shape} and {other.shape}."
        )


def _share(part: int, whole: int, empty: float) -> float:
    return part / whole if whole else empty
