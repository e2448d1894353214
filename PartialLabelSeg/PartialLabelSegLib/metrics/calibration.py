"""Calibration: whether of the voxels that are called 70 % likely, 70 % are the structure."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Reliability:
    """Voxels in bins of equal width by their predicted probability; bins of several scans are added with +.

    counts: int64 (bins,). probability, truth: float64 (bins,), the sums over the bin's voxels of what was predicted and of what is true.
    squared: the sum over all voxels of (predicted - true)^2.
    """

    counts: NDArray[np.int64]
    probability: NDArray[np.float64]
    truth: NDArray[np.float64]
    squared: float

    def __post_init__(self) -> None:
        if not self.counts.shape == self.probability.shape == self.truth.shape or self.counts.ndim != 1:
            raise ValueError("the bins' counts and sums must be arrays of one axis and one length")

    def __add__(self, other: Reliability) -> Reliability:
        return Reliability(
            self.counts + other.counts,
            self.probability + other.probability,
            self.truth + other.truth,
            self.squared + other.squared,
        )

    @property
    def voxels(self) -> int:
        return int(self.counts.sum())

    @property
    def mean_probability(self) -> NDArray[np.float64]:
        """Mean predicted probability per bin; nan where a bin is empty."""
        return self._per_voxel(self.probability)

    @property
    def frequency(self) -> NDArray[np.float64]:
        """Share of the bin's voxels that truly are the structure; nan where a bin is empty."""
        return self._per_voxel(self.truth)

    def _per_voxel(self, sums: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.divide(sums, self.counts, out=np.full(sums.shape, np.nan), where=self.counts > 0)

    @property
    def ece(self) -> float:
        """Expected calibration error: sum over the bins of their share of voxels times |frequency - mean probability|; nan without voxels."""
        return float(np.abs(self.truth - self.probability).sum()) / self.voxels if self.voxels else math.nan

    @property
    def worst(self) -> float:
        """The largest |frequency - mean probability| of a bin (the maximum calibration error); nan without voxels."""
        return float(np.nanmax(np.abs(self.frequency - self.mean_probability))) if self.voxels else math.nan

    @property
    def brier(self) -> float:
        """Mean squared difference of what was predicted and what is true; nan without voxels."""
        return self.squared / self.voxels if self.voxels else math.nan


def reliability(
    probability: NDArray[np.floating],
    truth: NDArray[np.bool_] | NDArray[np.floating],
    bins: int = 10,
    within: NDArray[np.bool_] | None = None,
) -> Reliability:
    """Put voxels into bins (b / bins, (b + 1) / bins], the first from 0, by their probability (real, 0..1, any shape).

    truth: boolean, or the share of raters in 0..1, of the same shape: with a share the frequency is the mean share.
    within: boolean, the voxels that count; None for all. In a scan that is mostly background almost all voxels are rightly near 0, and
    the ECE of the whole scan is near 0 whatever the model is worth: say within what it was measured.
    Raises ValueError for shapes that differ and for values outside 0..1.
    """
    if bins < 1:
        raise ValueError(f"bins must be at least 1, got {bins}")
    for name, array in (("truth", truth), ("within", within)):
        if array is not None and array.shape != probability.shape:
            raise ValueError(f"{name} must have the probability's shape {probability.shape}, got {array.shape}")
    keep = slice(None) if within is None else within.reshape(-1)
    predicted = probability.reshape(-1)[keep].astype(np.float64)
    true = truth.reshape(-1)[keep].astype(np.float64)
    for name, values in (("probability", predicted), ("truth", true)):
        if values.size and not (values.min() >= 0 and values.max() <= 1):
            raise ValueError(f"the {name} must lie in 0..1, got {values.min()} to {values.max()}")
    # Compared with the edges themselves: a product would put some values that lie on an edge into the bin above.
    places = np.searchsorted(np.arange(1, bins) / bins, predicted, side="left")
    sums = [np.bincount(places, weights=values, minlength=bins).astype(np.float64) for values in (predicted, true)]
    squared = float(np.sum((predicted - true) ** 2))
    return Reliability(np.bincount(places, minlength=bins).astype(np.int64), sums[0], sums[1], squared)
