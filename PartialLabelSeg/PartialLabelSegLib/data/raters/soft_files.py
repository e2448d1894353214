"""A soft label as volumes: a probability per voxel in float32, or scaled to 8 or 16 bits, as NRRD or NIfTI."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..geometry import Grid
from ..label_files import write_image

ONES = {8: 255, 16: 65535, 32: 1}
"""By bits: the stored value of probability 1."""
SCALE_KEY, MEANING_KEY = "PartialLabelSeg.Scale", "PartialLabelSeg.Meaning"
_MEANING = "probability from several raters, stored value times the scale"


def stored(plane: np.ndarray, bits: int) -> np.ndarray:
    """Probabilities 0..1 as float32, or as uint8 or uint16 to the nearest part. ValueError: other bits, or values outside 0..1."""
    if bits not in ONES:
        raise ValueError(f"a soft label has 8, 16 or 32 bits, got {bits}")
    if plane.size and not (float(plane.min()) >= 0 and float(plane.max()) <= 1):
        raise ValueError(f"probabilities lie in 0..1, got {float(plane.min())} to {float(plane.max())}")
    if bits == 32:
        return plane.astype(np.float32, copy=False)
    return np.rint(plane * np.float32(ONES[bits])).astype(np.uint8 if bits == 8 else np.uint16)


def scale_of(bits: int) -> float:
    """What a stored value is multiplied by."""
    return 1.0 / ONES[bits]


def write_soft(path: Path, planes: Sequence[np.ndarray], grid: Grid, bits: int) -> None:
    """Writes one volume, or several as one with a fourth axis. NIfTI has no place for the scale, so a description beside it must say it."""
    images = [grid.image(stored(plane, bits)) for plane in planes]
    image = images[0] if len(images) == 1 else sitk.JoinSeries(images)
    if path.name.endswith(".nrrd"):
        image.SetMetaData(SCALE_KEY, "1" if bits == 32 else f"1/{ONES[bits]}")
        image.SetMetaData(MEANING_KEY, _MEANING)
    write_image(path, image)
