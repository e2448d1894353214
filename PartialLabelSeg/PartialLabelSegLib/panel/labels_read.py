"""The labels of a scan from a run's folder, read and looked through in steps: those of a large scan take most of a second."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..data.label_files import labels_of, look_at_labels
from ..data.labels import FIRST_ROUND, Labels
from ..relabel.select import united
from .load_ahead import load_ahead
from .slabs import slabs_of
from .steps import Steps, scaled
from .stream import read_into

_READ = ("labels", "origin")


def read_labels_in_steps(folder: Path, case: str = "") -> Steps[Labels]:
    """As `read_labels`, but without soft labels, which decisions never touch. Failure: absent, damaged, or not as it was written."""
    stored = look_at_labels(folder, case)
    yield from load_ahead()
    volumes = {}
    for place, stem in enumerate(_READ):
        volumes[stem] = np.empty(stored.grid.shape, np.uint8)
        reading = read_into(volumes[stem], folder / f"{stem}.nrrd")
        found = yield from scaled(reading, place / len(_READ), (place + 1) / len(_READ))
        if found != stored.sums[stem]:
            raise stored.damaged(f"{stem}.nrrd is not what was written (its checksum differs).")
    return labels_of(stored, volumes)


def accepted_in_steps(labels: Labels, structure: str) -> Steps[np.ndarray]:
    """As `relabel.select.accepted`: sorted flat indices (int64) of the voxels that were accepted in a round."""
    value, plane = labels.value(structure), labels.label_map[0].size
    parts = [np.empty(0, np.int64)]
    for slab in slabs_of(labels.label_map.shape):
        mine = (labels.origin[slab] >= FIRST_ROUND) & (labels.label_map[slab] == value)
        parts.append(np.flatnonzero(mine) + slab.start * plane)
        yield slab.stop / len(labels.label_map)
    indices = np.concatenate(parts)
    marks = labels.overlaps.get(structure)
    return indices if marks is None else united(indices, marks.indices[marks.origin >= FIRST_ROUND])
