"""Labels under change: the one place that adds, withdraws and denies voxels, and never touches the annotator's own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..data.labels import FIRST_ROUND, Labels, Marks


class Draft:
    """A copy of some labels to be changed and then handed on; the labels themselves stay as they are.

    All `indices` are sorted flat voxel indices (int64).
    """

    def __init__(self, labels: Labels) -> None:
        self._labels = labels
        self._map = labels.label_map.reshape(-1).copy()
        self._origin = labels.origin.reshape(-1).copy()
        self._overlaps = dict(labels.overlaps)
        self._negatives = dict(labels.negatives)

    def add(self, structure: str, indices: np.ndarray, origin: int) -> None:
        """Makes open voxels positive. Where another label stands (a pair that may share voxels) the new one goes beside it."""
        assert FIRST_ROUND <= origin <= 255, origin
        free = self._map[indices] == 0
        self._map[indices[free]] = self._labels.value(structure)
        self._origin[indices[free]] = origin
        beside = Marks(indices[~free], np.full(int(np.count_nonzero(~free)), origin, np.uint8))
        _unite(self._overlaps, structure, beside)

    def withdraw(self, structure: str, indices: np.ndarray) -> None:
        """Takes back the acceptance of those voxels that were accepted in a round; a label that stood beside takes the free place."""
        if structure in self._overlaps:
            marks = self._overlaps[structure]
            _keep(self._overlaps, structure, ~(np.isin(marks.indices, indices) & (marks.origin >= FIRST_ROUND)))
        mine = self._map[indices] == self._labels.value(structure)
        freed = indices[mine & (self._origin[indices] >= FIRST_ROUND)]
        self._map[freed] = 0
        self._origin[freed] = 0
        for other in self._labels.structures:
            if other in self._overlaps:
                freed = self._move_in(other, freed)

    def _move_in(self, structure: str, freed: np.ndarray) -> np.ndarray:
        """Moves marks at `freed` voxels into the label map; returns the voxels that stay free."""
        marks = self._overlaps[structure]
        moving = np.isin(marks.indices, freed)
        self._map[marks.indices[moving]] = self._labels.value(structure)
        self._origin[marks.indices[moving]] = marks.origin[moving]
        _keep(self._overlaps, structure, ~moving)
        return np.setdiff1d(freed, marks.indices, assume_unique=True)

    def deny(self, structure: str, indices: np.ndarray, origin: int) -> None:
        """Marks voxels as certainly not the structure."""
        _unite(self._negatives, structure, Marks(indices, np.full(indices.shape, origin, np.uint8)))

    def allow(self, structure: str, indices: np.ndarray) -> None:
        """Takes back that voxels are certainly not the structure, where a round said so; what the annotator excluded stays excluded."""
        if structure in self._negatives:
            marks = self._negatives[structure]
            _keep(self._negatives, structure, ~(np.isin(marks.indices, indices) & (marks.origin >= FIRST_ROUND)))

    def labels(self) -> Labels:
        """The changed labels; what was not changed here is taken over."""
        shape = self._labels.label_map.shape
        return replace(
            self._labels,
            label_map=self._map.reshape(shape),
            origin=self._origin.reshape(shape),
            overlaps=self._overlaps,
            negatives=self._negatives,
        )


def _unite(group: dict[str, Marks], structure: str, new: Marks) -> None:
    if new.indices.size:
        group[structure] = group[structure].united(new) if structure in group else new


def _keep(group: dict[str, Marks], structure: str, kept: np.ndarray) -> None:
    marks = group[structure]
    if kept.any():
        group[structure] = Marks(marks.indices[kept], marks.origin[kept])
    else:
        del group[structure]
