"""Grey values: whether they mean the same in every scan, as in CT, or each scan has a scale of its own, as in MR; and how they are normalised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..config import Intensity

OWN_SCALE = 4.0
"""Scans whose ranges of grey values differ by more than this factor have scales of their own. CT with and without air or padding stays below it."""
_MOST_SAMPLES = 500_000


@dataclass(frozen=True)
class Scale:
    """A scan's own scale: mean and standard deviation of its voxels, clipped to their 0.5th and 99.5th percentile, and how far these lie apart."""

    mean: float
    std: float
    reach: float


def scale_of(array: np.ndarray) -> Scale:
    """The scale of a scan (z, y, x) of any number type; of a large scan some half a million voxels are looked at, always the same. Voxels that are not numbers do not count."""
    values = array.reshape(-1)
    if values.size > _MOST_SAMPLES:
        values = values[np.random.default_rng(0).integers(values.size, size=_MOST_SAMPLES)]
    values = values[np.isfinite(values)].astype(np.float32)
    if not values.size:
        return Scale(0.0, 1.0, 0.0)
    low, high = np.percentile(values, (0.5, 99.5))
    clipped = np.clip(values, low, high)
    return Scale(float(clipped.mean()), float(clipped.std()) or 1.0, float(high - low))


def on_own_scale(array: np.ndarray, scale: Scale) -> np.ndarray:
    """float32: standard deviations of the scan above its mean."""
    return (array.astype(np.float32) - np.float32(scale.mean)) / np.float32(scale.std)


def scales_differ(scales: Sequence[Scale]) -> bool:
    """Whether grey values cannot be compared between these scans. Scans of one grey value say nothing."""
    reaches = [scale.reach for scale in scales if scale.reach > 0]
    return bool(reaches) and max(reaches) > OWN_SCALE * min(reaches)


def intensity_of(values: np.ndarray) -> Intensity:
    """The 0.5th and 99.5th percentile with a margin, mean and standard deviation of grey values (n,)."""
    low, high = (float(value) for value in np.percentile(values, (0.5, 99.5)))
    reach = max(high - low, 1e-3)
    # A quarter of the range beyond the labelled values keeps the neighbourhood (fat, air, bone) distinguishable.
    low, high = low - reach / 4, high + reach / 4
    clipped = np.clip(values, low, high)
    return Intensity(low, high, float(clipped.mean()), float(max(clipped.std(), reach / 20)))


def normalised(array: np.ndarray, intensity: Intensity) -> np.ndarray:
    """float32 grey values: clipped to [low, high], centred, scaled. Voxels that are not numbers become the lowest."""
    clean = np.nan_to_num(array.astype(np.float32), nan=intensity.low, posinf=intensity.high, neginf=intensity.low)
    return (np.clip(clean, intensity.low, intensity.high) - np.float32(intensity.mean)) / np.float32(intensity.std)
