"""Runs of neighbouring voxels along x, and which runs touch: connected parts without visiting every voxel of a box."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_LATER_LINES = ((0, 1), (1, -1), (1, 0), (1, 1))
"""(z, y) steps to the lines that come later in scan order and hold 26-neighbours of a line."""

Shape = tuple[int, int, int]


@dataclass(frozen=True)
class Padded:
    """A box of voxels (z, y, x) with one empty voxel more per line and one empty line more per slice: no neighbour is ever beyond an edge.

    A `place` is a flat index in the padded box.
    """

    shape: Shape

    @property
    def line(self) -> int:
        """How far apart lines lie."""
        return self.shape[2] + 1

    @property
    def slice(self) -> int:
        """How far apart slices lie."""
        return (self.shape[1] + 1) * self.line

    @property
    def size(self) -> int:
        return self.shape[0] * self.slice

    def places(self, mask: np.ndarray) -> np.ndarray:
        """The sorted places of the voxels of a bool mask of the box; int32 where that is wide enough, which is faster."""
        lines = np.flatnonzero(mask)
        y = lines // self.shape[2]
        lines += y + (y // self.shape[1]) * self.line
        return lines.astype(np.int32) if self.size < 2**31 else lines

    def voxel(self, places: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """z, y, x of places."""
        z, rest = np.divmod(places, self.slice)
        y, x = np.divmod(rest, self.line)
        return z, y, x

    def flat(self, places: np.ndarray) -> np.ndarray:
        """int64: the flat indices of places in the box as it is."""
        y = places // self.line
        return places.astype(np.int64) - y - (y // (self.shape[1] + 1)) * self.shape[2]


@dataclass(frozen=True, eq=False)
class Runs:
    """Runs of voxels in scan order: `start[i]` is where run i begins in the sorted `places` that it was made of; first, last: its places."""

    box: Padded
    start: np.ndarray
    first: np.ndarray
    last: np.ndarray

    @property
    def count(self) -> int:
        return int(self.first.size)

    @property
    def voxels(self) -> np.ndarray:
        """How long each run is."""
        return self.last - self.first + 1

    def touching(self) -> tuple[np.ndarray, np.ndarray]:
        """Pairs of runs that hold voxels which share a face, an edge or a corner; the first of a pair comes first in scan order."""
        one, other = [], []
        for z, y in _LATER_LINES:
            shift = z * self.box.slice + y * self.box.line
            low = np.searchsorted(self.last, self.first + (shift - 1))
            counts = np.searchsorted(self.first, self.last + (shift + 1), side="right") - low
            behind = np.cumsum(counts)
            one.append(np.repeat(np.arange(self.count), counts))
            other.append(np.arange(int(behind[-1]) if behind.size else 0) + np.repeat(low - behind + counts, counts))
        return np.concatenate(one), np.concatenate(other)

    def parts(self) -> tuple[int, np.ndarray]:
        """How many 26-connected parts there are, and for each run the number of its part, from 0 in scan order."""
        # Loaded when needed: it takes longer than all of Slicer's panel, which needs this file too.
        from scipy import sparse
        from scipy.sparse import csgraph

        one, other = self.touching()
        graph = sparse.coo_array((np.ones(one.size, np.int8), (one, other)), shape=(self.count, self.count))
        count, numbers = csgraph.connected_components(graph.tocsr(), directed=False)
        return int(count), numbers


def runs_of(box: Padded, places: np.ndarray) -> Runs:
    """The runs of sorted places."""
    if not places.size:
        return Runs(box, np.empty(0, np.int64), places, places)
    breaks = np.flatnonzero(places[1:] != places[:-1] + 1)
    start = np.concatenate([[0], breaks + 1])
    return Runs(box, start, places[start], places[np.concatenate([breaks, [places.size - 1]])])


def part_at(mask: np.ndarray, voxel: Shape) -> np.ndarray:
    """bool, of the shape of the bool `mask` (z, y, x): its 26-connected part that holds a voxel; empty where the mask does not hold it."""
    result = np.zeros(mask.shape, bool)
    if not mask[voxel]:
        return result
    box = Padded((mask.shape[0], mask.shape[1], mask.shape[2]))
    places = box.places(mask)
    runs = runs_of(box, places)
    _, numbers = runs.parts()
    at = voxel[0] * box.slice + voxel[1] * box.line + voxel[2]
    mine = numbers == numbers[np.searchsorted(runs.last, at)]
    chosen = np.repeat(mine, runs.voxels)
    result.reshape(-1)[box.flat(places[chosen])] = True
    return result
