"""The suggestions of one structure at every level of gamma: totals and the largest connected parts, in one go."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..data.prediction import ONE
from .runs import Padded, Runs, runs_of

GAMMAS = tuple(step / 20 for step in range(1, 21))
"""The levels: every 5 %."""
MOST_PARTS = 50
_VOXELS_PER_RUN = 30
"""Where a box has fewer voxels per run than this, labelling all of it is faster than joining its runs (measured)."""
_CORNERS = np.ones((3, 3, 3), bool)


@dataclass(frozen=True, eq=False)
class Parts:
    """The largest connected parts at one level, the largest first, of several that are equal the one with the smallest seed.

    voxels: of all parts. confidence: their mean, 0..1. count: how many parts there are. The arrays have a row for each part that is kept:
    seed: its smallest flat index in the box; sizes: its voxels; confidences: its mean; low, high: the first and the last index along
    z, y, x; centre: its voxel (z, y, x) that is nearest to its centre of mass.
    """

    voxels: int
    confidence: float
    count: int
    seed: np.ndarray
    sizes: np.ndarray
    confidences: np.ndarray
    low: np.ndarray
    high: np.ndarray
    centre: np.ndarray


def parts_at_levels(
    levels: np.ndarray, confidence: np.ndarray, spacing_mm: tuple[float, float, float]
) -> Iterator[Parts]:
    """For each of GAMMAS the parts of 0 < levels <= its number, counted from 1.

    levels: uint8 (z, y, x), the first level at which a voxel is shown, 0 for never. confidence: uint16 of the same shape, 65535 = 1.
    """
    box = Padded((levels.shape[0], levels.shape[1], levels.shape[2]))
    ever = levels > 0
    places, first_shown, sure = box.places(ever), levels[ever], confidence[ever]
    shown = np.zeros(box.size, bool)
    for level in range(1, len(GAMMAS) + 1):
        now = first_shown <= level
        runs = runs_of(box, places[now])
        shown[places[first_shown == level]] = True
        # Noise has no runs: nearly every voxel is one. Labelling gives the same.
        noisy = runs.count * _VOXELS_PER_RUN > box.size
        count, numbers = _labelled(shown, runs) if noisy else runs.parts()
        yield _parts(runs, numbers, count, _sums(runs, sure[now]), np.array(spacing_mm))


def _labelled(shown: np.ndarray, runs: Runs) -> tuple[int, np.ndarray]:
    """The same as `Runs.parts`, by labelling the padded box."""
    volume = shown.reshape(runs.box.shape[0], -1, runs.box.line)
    from scipy import ndimage

    labelled, count = ndimage.label(volume, _CORNERS)
    return int(count), labelled.reshape(-1)[runs.first] - 1


def _sums(runs: Runs, values: np.ndarray) -> np.ndarray:
    """int64 (runs,): the sum over each run of the values of its voxels."""
    behind = np.concatenate([[0], np.cumsum(values, dtype=np.int64)])
    return behind[runs.start + runs.voxels] - behind[runs.start]


def _parts(runs: Runs, numbers: np.ndarray, count: int, sums: np.ndarray, spacing_mm: np.ndarray) -> Parts:
    lengths = runs.voxels
    voxels = np.bincount(numbers, lengths, count).astype(np.int64)
    total = int(voxels.sum())
    first = np.zeros(count, np.int64)
    # The last assignment to a part stays: in reverse order that of its first run.
    first[numbers[::-1]] = np.arange(runs.count)[::-1]
    kept = np.lexsort((first, -voxels))[:MOST_PARTS]
    row = np.full(count, -1)
    row[kept] = np.arange(kept.size)
    mine = np.flatnonzero(row[numbers] >= 0)
    chosen = _Chosen.of(runs, mine, row[numbers[mine]], kept.size)
    sure = np.bincount(chosen.row, sums[mine], kept.size) / np.maximum(1, voxels[kept]) / ONE
    low, high = chosen.box()
    centre = chosen.centre(voxels[kept], spacing_mm)
    mean = float(sums.sum()) / max(1, total) / ONE
    seeds = runs.box.flat(runs.first[first[kept]])
    return Parts(total, mean, count, seeds, voxels[kept], sure, low, high, centre)


@dataclass(frozen=True, eq=False)
class _Chosen:
    """Some runs, and the row of the table that each belongs to. begin, end: their first and last voxel (z, y, x)."""

    row: np.ndarray
    rows: int
    z: np.ndarray
    y: np.ndarray
    begin: np.ndarray
    end: np.ndarray

    @classmethod
    def of(cls, runs: Runs, chosen: np.ndarray, row: np.ndarray, rows: int) -> _Chosen:
        z, y, x = (part.astype(np.int64) for part in runs.box.voxel(runs.first[chosen]))
        return cls(row, rows, z, y, x, x + runs.voxels[chosen] - 1)

    def _least(self, values: np.ndarray) -> np.ndarray:
        result = np.full(self.rows, np.iinfo(values.dtype).max if values.dtype.kind == "i" else np.inf, values.dtype)
        np.minimum.at(result, self.row, values)
        return result

    def box(self) -> tuple[np.ndarray, np.ndarray]:
        """The first and the last index of each row along z, y, x."""
        low = [self._least(values) for values in (self.z, self.y, self.begin)]
        high = [-self._least(-values) for values in (self.z, self.y, self.end)]
        return np.stack(low, 1), np.stack(high, 1)

    def centre(self, voxels: np.ndarray, spacing_mm: np.ndarray) -> np.ndarray:
        """int64 (rows, 3): the voxel nearest to the centre of mass, in mm; of several the first in scan order."""
        lengths = self.end - self.begin + 1
        weighted = (self.z * lengths, self.y * lengths, (self.begin + self.end) * lengths / 2)
        middle = [np.bincount(self.row, values, self.rows) / voxels for values in weighted]
        own = [values[self.row] for values in middle]
        x = np.clip(np.rint(own[2]).astype(np.int64), self.begin, self.end)
        steps = [(values - mean) * mm for values, mean, mm in zip((self.z, self.y, x), own, spacing_mm, strict=True)]
        far = steps[0] ** 2 + steps[1] ** 2 + steps[2] ** 2
        best = np.flatnonzero(far == self._least(far)[self.row])[::-1]
        result = np.zeros((self.rows, 3), np.int64)
        result[self.row[best]] = np.stack([self.z[best], self.y[best], x[best]], 1)
        return result
