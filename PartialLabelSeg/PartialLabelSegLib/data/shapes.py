"""Smooth solids in millimetres, each a signed distance: the building blocks of phantoms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

Point = tuple[float, float, float]
Axes = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Coordinates (z, y, x) in mm, three arrays that broadcast to one shape."""


class Shape(Protocol):
    """A solid."""

    def distance(self, at: Axes) -> np.ndarray:
        """About the distance to the surface in mm, negative inside; accurate near the surface."""
        ...

    def box(self) -> tuple[Point, Point]:
        """Lowest and highest (z, y, x) in mm of a box around the shape."""
        ...


@dataclass(frozen=True)
class Waves:
    """A smooth random field: a sum of sines. `frequency` (n, 3) in radians per mm along (z, y, x), `phase` (n,), amplitude of the sum about 1."""

    frequency: np.ndarray
    phase: np.ndarray

    @classmethod
    def random(cls, rng: np.random.Generator, wavelength_mm: float, count: int = 3) -> Waves:
        direction = rng.normal(size=(count, 3))
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        length = wavelength_mm * rng.uniform(0.8, 1.6, (count, 1))
        return cls(2 * np.pi * direction / length, rng.uniform(0, 2 * np.pi, count))

    def at(self, axes: Axes) -> np.ndarray:
        total = np.zeros(np.broadcast_shapes(*(axis.shape for axis in axes)), np.float32)
        for wave, phase in zip(self.frequency.astype(np.float32), self.phase.astype(np.float32)):
            total += np.sin(wave[0] * axes[0] + wave[1] * axes[1] + wave[2] * axes[2] + phase)
        return total / np.float32(len(self.phase) ** 0.5)


@dataclass(frozen=True)
class Ellipsoid:
    """A superellipsoid: sum of |q_i|^power <= 1 with q the rotated offset over the radii; `bumps` moves its surface by `bump_mm`."""

    centre: Point
    radii: Point
    rotation: np.ndarray = field(default_factory=lambda: np.eye(3))
    power: float = 2.0
    bumps: Waves | None = None
    bump_mm: float = 0.0

    def distance(self, at: Axes) -> np.ndarray:
        offset = [axis - np.float32(middle) for axis, middle in zip(at, self.centre)]
        turn = self.rotation.astype(np.float32)
        q = [sum(turn[row, i] * offset[row] for row in range(3)) / np.float32(self.radii[i]) for i in range(3)]
        size = [np.abs(part) + np.float32(1e-4) for part in q]
        r = sum(part**self.power for part in size) ** (1 / self.power)
        slope = sum((part ** (self.power - 1) / a) ** 2 for part, a in zip(size, self.radii)) ** 0.5 / r ** (
            self.power - 1
        )
        distance: np.ndarray = (r - 1) / slope
        if self.bumps is not None:
            distance = distance + np.float32(self.bump_mm) * self.bumps.at(at)
        return distance

    def box(self) -> tuple[Point, Point]:
        reach = max(self.radii) + 2 * self.bump_mm
        z, y, x = self.centre
        return (z - reach, y - reach, x - reach), (z + reach, y + reach, x + reach)


@dataclass(frozen=True)
class Tube:
    """A chain of round cones: all points within the interpolated radius of a polyline of (z, y, x) points."""

    points: Sequence[Point]
    radii: Sequence[float]

    def __post_init__(self) -> None:
        if len(self.points) != len(self.radii) or len(self.points) < 2:
            raise ValueError(
                f"a tube needs a radius for each of at least two points, got {len(self.points)}, {len(self.radii)}"
            )

    def distance(self, at: Axes) -> np.ndarray:
        nearest: np.ndarray | None = None
        for i in range(len(self.points) - 1):
            start, along = np.array(self.points[i]), np.subtract(self.points[i + 1], self.points[i])
            offset = [axis - np.float32(value) for axis, value in zip(at, start)]
            step = (along / (along @ along)).astype(np.float32)
            share = np.clip(sum(part * value for part, value in zip(offset, step)), 0, 1)
            gap = sum((part - share * np.float32(value)) ** 2 for part, value in zip(offset, along)) ** 0.5
            gap = gap - (np.float32(self.radii[i]) + share * np.float32(self.radii[i + 1] - self.radii[i]))
            nearest = gap if nearest is None else np.minimum(nearest, gap)
        assert nearest is not None
        return nearest

    def box(self) -> tuple[Point, Point]:
        points, reach = np.array(self.points), max(self.radii)
        low, high = points.min(axis=0) - reach, points.max(axis=0) + reach
        return (float(low[0]), float(low[1]), float(low[2])), (float(high[0]), float(high[1]), float(high[2]))


@dataclass(frozen=True)
class Union:
    """Everything that lies in one of the parts."""

    parts: Sequence[Shape]

    def distance(self, at: Axes) -> np.ndarray:
        return np.minimum.reduce([part.distance(at) for part in self.parts])

    def box(self) -> tuple[Point, Point]:
        boxes = np.array([part.box() for part in self.parts])
        low, high = boxes[:, 0].min(axis=0), boxes[:, 1].max(axis=0)
        return (float(low[0]), float(low[1]), float(low[2])), (float(high[0]), float(high[1]), float(high[2]))


def tilt(degrees_z: float, degrees_y: float, degrees_x: float) -> np.ndarray:
    """A rotation matrix in (z, y, x) order: turns about the z, then the y, then the x axis."""
    result = np.eye(3)
    for degrees, (first, second) in zip((degrees_z, degrees_y, degrees_x), ((1, 2), (0, 2), (0, 1))):
        angle = np.deg2rad(degrees)
        turn = np.eye(3)
        turn[first, first] = turn[second, second] = np.cos(angle)
        turn[first, second], turn[second, first] = -np.sin(angle), np.sin(angle)
        result = turn @ result
    return result
