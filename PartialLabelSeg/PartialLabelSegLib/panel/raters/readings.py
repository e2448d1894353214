"""What the raters said in the panel, as the data room takes it: readings, and the rated scan with its image and bone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...data.raters.rated import RatedScan
from ...data.raters.types import Reading, Tick
from .rating import Drawing, Rater, Rating

MaskOf = Callable[[Drawing | None], "np.ndarray | None"]


def reading(rating: Rating, rater: Rater, shape: tuple[int, int, int], mask_of: MaskOf) -> Reading:
    """One rater's reading. shape: of the scan. mask_of: a drawing as bool (z, y, x), None where it is empty."""
    axis = rating.template.axis if rating.template else 0
    read = None if rater.read is None or len(rater.read) == shape[axis] else rater.read
    if rater.mask is not None:
        mask = mask_of(rater.mask)
        return Reading(rating.name, rater.name, read, (), np.zeros(shape, bool) if mask is None else mask, axis)
    return Reading(
        rating.name, rater.name, read, tuple(Tick(*cell, rater.grade(cell)) for cell in sorted(rater.ticks)), None, axis
    )


def rated_scan(rating: Rating, image: np.ndarray, mask_of: MaskOf) -> RatedScan | None:
    """The scan with everything that its label is made of; None as long as nobody has read anything."""
    shape = (image.shape[0], image.shape[1], image.shape[2])
    raters = [rater for rater in rating.raters if rater.read is None or rater.read]
    if not raters:
        return None
    readings = tuple(reading(rating, rater, shape, mask_of) for rater in raters)
    return RatedScan(readings, shape, rating.template, mask_of(rating.bone), image)
