"""Labels made worse on purpose, as hasty hands would: turned, shrunk or swollen, so strongly that their mean Dice is as wanted.

As in MLB-Seg (section 4.1): every structure of every scan has a mixture of its own; one strength for all is searched.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import ndimage

SEED = 2022
MOST_DEGREES = 180.0
LEAST_LEFT = 0.95
"""Of the way to its innermost voxel a structure shrinks at most so far: never is all of it gone."""
HALVINGS = 14


@dataclass(frozen=True)
class Mistake:
    """What is wrong with one structure at strength 1. turn: degrees about a point that lies `away` (rows, columns) from the middle, in units
    of the structure's radius; a round structure turned about its own middle would stay as it is. swell: above 0 it grows, below 0 it shrinks,
    in units of the distance of its innermost voxel from outside."""

    turn: float
    away: tuple[float, float]
    swell: float

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> Mistake:
        """A random mixture: what is not turned is shrunk or swollen."""
        share = float(rng.uniform())
        direction = float(rng.uniform(0, 2 * np.pi))
        turn = share * MOST_DEGREES * float(rng.choice((-1, 1)))
        swell = 2 * (1 - share) * float(rng.choice((-1, 1)))
        return cls(turn, (float(np.sin(direction)), float(np.cos(direction))), swell)


@dataclass(frozen=True, eq=False)
class Worsened:
    """One structure of one scan with all that its mistake needs, so that many strengths can be tried. mask: bool (z, y, x), not empty."""

    mask: np.ndarray
    mistake: Mistake
    depth: np.ndarray
    centre: tuple[float, float]
    radius: float

    @classmethod
    def of(cls, mask: np.ndarray, mistake: Mistake) -> Worsened:
        _, rows, columns = np.nonzero(mask)
        area = rows.size / np.count_nonzero(mask.any(axis=(1, 2)))
        centre = (float(rows.mean()), float(columns.mean()))
        return cls(mask, mistake, _depth(mask), centre, float(np.sqrt(area / np.pi)))

    def at(self, strength: float) -> np.ndarray:
        """bool (z, y, x): the structure with its mistake `strength` times as large; at 0 it is as it was."""
        innermost = float(self.depth.max())
        swell = max(self.mistake.swell * strength, -LEAST_LEFT) * innermost
        return self._turned(self.depth > -swell, self.mistake.turn * strength)

    def _turned(self, mask: np.ndarray, degrees: float) -> np.ndarray:
        """In its plane, the same on every slice. What leaves the picture is lost."""
        angle = np.deg2rad(degrees)
        matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        centre = np.array(self.centre) + self.radius * np.array(self.mistake.away)
        whole = np.eye(3)
        whole[1:, 1:] = matrix
        offset = np.concatenate([[0.0], centre - matrix @ centre])
        moved = ndimage.affine_transform(mask.astype(np.uint8), whole, offset, order=0)
        return np.asarray(moved > 0)


def _depth(mask: np.ndarray) -> np.ndarray:
    """float64 (z, y, x): voxels from the outline in the plane, above 0 inside; far below 0 on slices without the structure."""
    planes = []
    for plane in mask:
        if plane.any():
            padded = np.pad(plane, 1)
            inside = ndimage.distance_transform_edt(padded)[1:-1, 1:-1]
            planes.append(np.where(plane, inside - 0.5, 0.5 - ndimage.distance_transform_edt(~plane)))
        else:
            planes.append(np.full(plane.shape, -np.inf))
    return np.stack(planes)


def dice(first: np.ndarray, second: np.ndarray) -> float:
    """Of two masks of which at least one is not empty."""
    return 2 * int(np.count_nonzero(first & second)) / (int(np.count_nonzero(first)) + int(np.count_nonzero(second)))


@dataclass(frozen=True, eq=False)
class Corruption:
    """Corrupted label maps by scan, uint8 (z, y, x), what strength it took, and the mean Dice and its spread over structures of scans."""

    label_maps: Mapping[str, np.ndarray]
    strength: float
    mean: float
    spread: float

    def said(self) -> dict[str, Any]:
        return {"dice": self.mean, "spread": self.spread, "strength": self.strength, "scans": len(self.label_maps)}


def corrupted(truths: Mapping[str, np.ndarray], level: float) -> Corruption:
    """All scans with the one strength at which the mean Dice of their structures is `level`. truths: uint8 (z, y, x) by the scan's name.

    A scan's mistakes depend on its name alone, so that they are of the same kind in every row and at every level.
    """
    if not 0 < level < 1:
        raise ValueError(f"the mean Dice of corrupted labels must lie between 0 and 1, got {level}")
    scans = {name: _worsened(name, truth) for name, truth in truths.items()}

    def at(strength: float) -> dict[str, np.ndarray]:
        return {name: _painted(scans[name], strength, truths[name].shape) for name in scans}

    strength = _searched(lambda value: float(np.mean(_scores(truths, at(value)))), level)
    made = at(strength)
    scores = _scores(truths, made)
    return Corruption(made, strength, float(np.mean(scores)), float(np.std(scores)))


def _worsened(name: str, truth: np.ndarray) -> list[tuple[int, Worsened]]:
    """The structures in the order in which they are painted; a later one covers those before."""
    rng = np.random.default_rng([SEED, *name.encode()])
    values = [int(value) for value in np.unique(truth) if value]
    found = [(value, Worsened.of(truth == value, Mistake.drawn(rng))) for value in values]
    return [found[index] for index in rng.permutation(len(found))]


def _painted(structures: list[tuple[int, Worsened]], strength: float, shape: tuple[int, ...]) -> np.ndarray:
    result = np.zeros(shape, np.uint8)
    for value, worsened in structures:
        result[worsened.at(strength)] = value
    return result


def _scores(truths: Mapping[str, np.ndarray], made: Mapping[str, np.ndarray]) -> list[float]:
    """Dice of every structure of every scan."""
    return [
        dice(truth == value, made[name] == value)
        for name, truth in truths.items()
        for value in np.unique(truth)
        if value
    ]


def _searched(mean_at: Callable[[float], float], level: float) -> float:
    """The strength at which the mean Dice falls to `level`, by halving; the first end that lies below is found by doubling."""
    low, high = 0.0, 0.125
    while mean_at(high) > level:
        low, high = high, 2 * high
        assert high <= 64, f"no strength makes a mean Dice of {level}"
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if mean_at(middle) > level else (low, middle)
    return high
