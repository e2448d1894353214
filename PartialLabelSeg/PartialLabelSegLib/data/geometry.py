"""Where voxels lie: a frozen grid in patient space, and the resampling rules between grids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import SimpleITK as sitk

SAME_GRID_MM = 1e-3


@dataclass(frozen=True)
class Grid:
    """An image grid in ITK's LPS patient space. `size`, `spacing` and `origin` are (x, y, z); `direction` is 3x3, row by row."""

    size: tuple[int, int, int]
    spacing: tuple[float, float, float]
    origin: tuple[float, float, float]
    direction: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.size) != 3 or min(self.size) < 1:
            raise ValueError(f"grid size must be three positive numbers, got {self.size}")
        if len(self.spacing) != 3 or not all(np.isfinite(self.spacing)) or min(self.spacing) <= 0:
            raise ValueError(f"grid spacing must be three positive numbers in mm, got {self.spacing}")
        if len(self.origin) != 3 or not all(np.isfinite(self.origin)):
            raise ValueError(f"grid origin must be three numbers in mm, got {self.origin}")
        if len(self.direction) != 9 or not _is_orthonormal(np.reshape(self.direction, (3, 3))):
            raise ValueError(f"grid direction must be an orthonormal 3x3 matrix, got {self.direction}")

    @classmethod
    def from_image(cls, image: sitk.Image) -> Grid:
        return cls(image.GetSize(), image.GetSpacing(), image.GetOrigin(), image.GetDirection())

    @property
    def shape(self) -> tuple[int, int, int]:
        """Array shape (z, y, x)."""
        return (self.size[2], self.size[1], self.size[0])

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Spacing in mm in array order (z, y, x)."""
        return (self.spacing[2], self.spacing[1], self.spacing[0])

    @property
    def voxel_ml(self) -> float:
        return float(np.prod(self.spacing)) / 1000.0

    def same_as(self, other: Grid) -> bool:
        """Equal size, and every corner of the two grids within 0.001 mm."""
        if self.size != other.size:
            return False
        return bool(np.abs(self._corners() - other._corners()).max() <= SAME_GRID_MM)

    def _corners(self) -> np.ndarray:
        steps = np.array([(x, y, z) for x in (0, 1) for y in (0, 1) for z in (0, 1)], float) * np.array(self.size)
        return np.array(self.origin) + (steps * np.array(self.spacing)) @ np.reshape(self.direction, (3, 3)).T

    def image(self, array: np.ndarray) -> sitk.Image:
        """`array` (z, y, x) as an image on this grid. Raises ValueError where the shape differs."""
        if array.shape[:3] != self.shape:
            raise ValueError(f"array shape {array.shape} does not fit the grid's {self.shape}")
        plain = array.astype(np.uint8) if array.dtype == bool else array
        image = sitk.GetImageFromArray(np.ascontiguousarray(plain))
        image.SetSpacing(self.spacing)
        image.SetOrigin(self.origin)
        image.SetDirection(self.direction)
        return image

    def with_spacing(self, spacing_mm: tuple[float, float, float]) -> Grid:
        """The same extent in patient space cut into voxels of `spacing_mm` (z, y, x); the outer faces stay where they are."""
        spacing = (float(spacing_mm[2]), float(spacing_mm[1]), float(spacing_mm[0]))
        old, new = np.array(self.spacing), np.array(spacing)
        size = np.maximum(1, np.round(np.array(self.size) * old / new)).astype(int)
        shift = np.reshape(self.direction, (3, 3)) @ ((new - old) / 2)
        origin = tuple(float(value) for value in np.array(self.origin) + shift)
        return Grid(
            (int(size[0]), int(size[1]), int(size[2])), spacing, (origin[0], origin[1], origin[2]), self.direction
        )

    def canonical(self) -> Grid:
        """The same voxels with axes flipped and permuted so that x, y, z run nearest to left, posterior, superior."""
        matrix = np.reshape(self.direction, (3, 3))
        order, signs = _axis_order(matrix)
        direction = np.stack([matrix[:, axis] * sign for axis, sign in zip(order, signs)], axis=1)
        origin = np.array(self.origin, float)
        for axis, sign in zip(order, signs):
            if sign < 0:
                origin = origin + matrix[:, axis] * self.spacing[axis] * (self.size[axis] - 1)
        size = tuple(self.size[axis] for axis in order)
        spacing = tuple(self.spacing[axis] for axis in order)
        return Grid(
            (size[0], size[1], size[2]),
            (spacing[0], spacing[1], spacing[2]),
            (float(origin[0]), float(origin[1]), float(origin[2])),
            tuple(float(value) for value in direction.ravel()),
        )

    def stored_axis(self, axis: int) -> int:
        """The array axis of this grid that is array axis `axis` of its canonical one; both count (z, y, x) as 0, 1, 2."""
        order, _ = _axis_order(np.reshape(self.direction, (3, 3)))
        return 2 - order[2 - axis]

    def to_json(self) -> dict[str, Any]:
        return {
            "size": list(self.size),
            "spacing": list(self.spacing),
            "origin": list(self.origin),
            "direction": list(self.direction),
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Grid:
        size, spacing, origin = (tuple(value[key]) for key in ("size", "spacing", "origin"))
        return cls(size, spacing, origin, tuple(value["direction"]))


def _is_orthonormal(matrix: np.ndarray) -> bool:
    """Whether the columns have length 1 and stand at right angles, within what files with few decimals need."""
    return bool(np.isfinite(matrix).all() and np.abs(matrix.T @ matrix - np.eye(3)).max() <= 5e-3)


def _axis_order(matrix: np.ndarray) -> tuple[list[int], list[int]]:
    """For each patient axis the voxel axis nearest to it, assigned greedily from the strongest match, and its sign."""
    order, signs = [-1, -1, -1], [1, 1, 1]
    strength = np.abs(matrix).copy()
    for _ in range(3):
        patient, voxel = np.unravel_index(int(np.argmax(strength)), (3, 3))
        order[patient] = int(voxel)
        signs[patient] = 1 if matrix[patient, voxel] >= 0 else -1
        strength[patient, :] = -1
        strength[:, voxel] = -1
    return order, signs


def resample_image(image: sitk.Image, grid: Grid) -> sitk.Image:
    """`image` on `grid`, trilinear, as float32; beyond the image each voxel takes the nearest value at its border.

    Axes that get coarser are smoothed first (Gaussian, sigma = sqrt(new² - old²) / 2 of the spacings), so that nothing aliases.
    """
    source = sitk.Cast(image, sitk.sitkFloat32)
    smooth = [smoothing_sigma(old, new) for old, new in zip(image.GetSpacing(), _spacing_along(image, grid))]
    for axis, sigma in enumerate(smooth):
        if sigma > 0 and image.GetSize()[axis] > 3:
            source = sitk.RecursiveGaussian(source, sigma, False, 0, axis)
    return _resample(source, grid, sitk.sitkLinear)


def _spacing_along(image: sitk.Image, grid: Grid) -> list[float]:
    """The spacing of `grid` along each voxel axis of `image`."""
    cosines = np.abs(np.reshape(image.GetDirection(), (3, 3)).T @ np.reshape(grid.direction, (3, 3)))
    return [float(np.dot(row / row.sum(), grid.spacing)) for row in cosines]


def smoothing_sigma(old: float, new: float) -> float:
    """How much an axis of spacing `old` is smoothed before it is resampled to `new`, in mm; 0 where it gets finer or little coarser."""
    return 0.5 * (new**2 - old**2) ** 0.5 if new > 1.3 * old else 0.0


def resample_labels(image: sitk.Image, grid: Grid) -> sitk.Image:
    """A label image on `grid` by nearest neighbour: each voxel takes the label at its centre; 0 outside the source."""
    return _resample(image, grid, sitk.sitkNearestNeighbor)


def _resample(image: sitk.Image, grid: Grid, interpolator: int) -> sitk.Image:
    worker = sitk.ResampleImageFilter()
    worker.SetSize(grid.size)
    worker.SetOutputSpacing(grid.spacing)
    worker.SetOutputOrigin(grid.origin)
    worker.SetOutputDirection(grid.direction)
    worker.SetInterpolator(interpolator)
    worker.SetDefaultPixelValue(0.0)
    if interpolator == sitk.sitkLinear:
        # On the way to a grid with other voxels, and back, the outermost centres may lie just beyond the image.
        worker.UseNearestNeighborExtrapolatorOn()
    return worker.Execute(image)
