"""Soft labels as `Labels`, as they are learned from: a probability per voxel, and where it is known."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..importers.drawing import Drawn, drawn_in, shared_voxels
from ..importers.settle import composed
from ..labels import EXPERT, HARD, Labels
from .steps import SoftLabel


def as_labels(soft: Mapping[str, SoftLabel]) -> Labels:
    """The labels of one scan, of one soft label per structure (at least one, all of one shape).

    A structure is known where at least one rater read, and nan elsewhere; one that nobody read at all is missing. The label map holds each from 0.5 on,
    whatever threshold the exported hard labels have. Structures that share voxels there may overlap.
    """
    structures = tuple(soft)
    read = {name: label for name, label in soft.items() if bool(np.any(label.readers))}
    drawn: dict[str, Drawn] = {}
    for name, label in read.items():
        drawn.update(drawn_in((label.plane >= HARD).astype(np.uint8), {name: (1,)}))
    shape = next(iter(soft.values())).plane.shape
    label_map, overlaps = composed(drawn, structures, (shape[0], shape[1], shape[2]))
    slices = {name: where for name, label in read.items() if (where := label.read_slices()) is not None}
    planes = {name: np.where(label.known(), label.plane, np.float32(np.nan)) for name, label in read.items()}
    known = tuple(name in read and name not in slices for name in structures)
    origin = (label_map > 0).astype(np.uint8) * np.uint8(EXPERT)
    overlapping = frozenset(shared_voxels(drawn))
    return Labels(structures, label_map, known, origin, slices, overlaps, {}, planes, overlapping)
