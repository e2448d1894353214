"""Augmentation on the device: one resampling for geometry, then grey values. What is drawn is kept apart from how it is applied."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from ..config import Plan
from .windows import OUTSIDE

MARGIN = 1.25
"""Windows are cut larger than the patch by this factor in the plane, so that a turned patch is filled with real tissue."""

CRUMB = 1e-3
"""Probabilities nearer to 0 or 1 than this are 0 or 1."""


@dataclass(frozen=True)
class Strength:
    """How far windows are changed; zero for everything leaves them as they are.

    spacing_mm (slice, row, column): turning is done in millimetres, so that it does not shear where voxels are not cubes.
    """

    rotate_degrees: float
    scale: float
    translate: float
    grey: float = 1.0
    spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.0)

    @classmethod
    def of(cls, plan: Plan) -> Strength:
        return cls(plan.rotate_degrees, plan.scale, plan.translate, spacing_mm=plan.spacing_mm)


def window_size(plan: Plan) -> tuple[int, int, int]:
    """The size that windows are cut at, a little larger than the patch where they will be turned.

    Both are odd or both even, so that the middle of a window is a voxel of the patch, not a place between two voxels.
    """
    if plan.rotate_degrees == 0 and plan.scale == 0 and plan.translate == 0:
        return plan.patch
    depth = _widened(plan.patch[0], 1.1) if plan.dimensions == "3d" else plan.patch[0]
    return (depth, _widened(plan.patch[1], MARGIN), _widened(plan.patch[2], MARGIN))


def _widened(length: int, factor: float) -> int:
    return length + 2 * math.ceil(length * (factor - 1) / 2)


def draw_flips(count: int, mirror: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Which windows are mirrored along which axis: bool (count, 3), half of the windows along each axis in `mirror`."""
    chance = torch.rand(count, 3, generator=generator) < 0.5
    return chance & torch.tensor([axis in mirror for axis in range(3)])


def draw_affine(strength: Strength, flips: Tensor, dimensions: int, generator: torch.Generator) -> Tensor:
    """Random maps from patch to window voxels, relative to the centres: (count, dimensions, dimensions + 1), in voxels of shape order.

    In the plane: rotation, isotropic scale, shift, mirroring by `flips` (bool (count, 3)); across slices a third of the rotation, in 3D.
    """

    count = len(flips)

    def uniform(limit: float, columns: int = 1) -> Tensor:
        return (torch.rand(count, columns, generator=generator) * 2 - 1) * limit

    angle = uniform(math.radians(strength.rotate_degrees))[:, 0]
    factor = torch.exp(uniform(math.log1p(strength.scale)))[:, 0]
    matrix = torch.eye(dimensions).repeat(count, 1, 1)
    matrix[:, -2:, -2:] = _rotation(angle)
    if dimensions == 3:
        for axes in ((0, 1), (0, 2)):
            tilt = torch.eye(3).repeat(count, 1, 1)
            rows, columns = torch.tensor(axes)[:, None], torch.tensor(axes)[None, :]
            tilt[:, rows, columns] = _rotation(uniform(math.radians(strength.rotate_degrees / 3))[:, 0])
            matrix = tilt @ matrix
    # From voxels to millimetres, turned there, and back.
    spacing = torch.tensor(strength.spacing_mm[3 - dimensions :])
    matrix = matrix * spacing / spacing[:, None] / factor[:, None, None]
    for axis in range(3):
        column = axis - 3 + dimensions
        if column >= 0:
            matrix[:, :, column] = torch.where(flips[:, axis, None], -matrix[:, :, column], matrix[:, :, column])
    shift = uniform(strength.translate, dimensions)
    return torch.cat([matrix, shift[:, :, None]], dim=2)


def _rotation(angle: Tensor) -> Tensor:
    cosine, sine = torch.cos(angle), torch.sin(angle)
    return torch.stack([torch.stack([cosine, -sine], -1), torch.stack([sine, cosine], -1)], -2)


def sample_geometry(
    image: Tensor, label: Tensor, planes: dict[str, Tensor], affine: Tensor, patch: tuple[int, ...]
) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """Image (N, C, *window) linearly, label (N, *window) and planes by nearest neighbour, at the voxels of `patch` under `affine`.

    `affine` shifts are shares of the patch. Beyond the window the label is OUTSIDE and the image the window's border.
    """
    grid = _grid(affine, patch, image.shape[2:], image.device)
    moved = functional.grid_sample(image, grid, mode="bilinear", padding_mode="border", align_corners=False)
    # Beyond the window `grid_sample` puts 0, so the label is shifted to have OUTSIDE there.
    stack = torch.stack([label.float() - OUTSIDE, *(plane.float() for plane in planes.values())], dim=1)
    picked = functional.grid_sample(stack, grid, mode="nearest", padding_mode="zeros", align_corners=False)
    moved_label = (picked[:, 0] + OUTSIDE).to(torch.uint8)
    return moved, moved_label, {name: picked[:, row] > 0 for row, name in enumerate(planes, 1)}


def sample_soft(soft: Tensor, affine: Tensor, patch: tuple[int, ...]) -> Tensor:
    """Soft labels float32 (N, S, *window), nan where there is none, at the voxels of `patch`: interpolated linearly, as the image is.

    nan where the nearest voxel has none. A voxel without a soft label has no share in its neighbours: the sum over the others is divided by
    their share. What rounding leaves near 0 and 1 becomes 0 and 1, so that a hard label stays one where nothing is turned.
    """
    grid = _grid(affine, patch, soft.shape[2:], soft.device)
    there = ~soft.isnan()
    parts = torch.cat([torch.where(there, soft, 0), there.float()], dim=1)
    moved = functional.grid_sample(parts, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    nearest = functional.grid_sample(there.float(), grid, mode="nearest", padding_mode="zeros", align_corners=False)
    values, share = moved.chunk(2, dim=1)
    values = values / share.clamp(min=1e-6)
    values = torch.where(values < CRUMB, 0, torch.where(values > 1 - CRUMB, 1, values))
    return torch.where(nearest > 0, values, torch.nan)


def _grid(affine: Tensor, patch: tuple[int, ...], window: tuple[int, ...], device: torch.device) -> Tensor:
    """Where the patch's voxels lie in the window, as `grid_sample` wants it: (N, *patch, dimensions), last axis first, -1 to 1.

    An affine map is a sum of one term per axis: adding those by broadcasting is several times faster than a matrix product per voxel.
    The coordinates lie in memory one after the other, which `grid_sample` reads fastest.
    """
    dimensions = len(patch)
    reach = torch.tensor([2 / length for length in window])
    matrix = (affine[:, :, :-1] * reach[:, None]).flip(1).to(device)
    start = (affine[:, :, -1] * torch.tensor(patch) * reach).flip(1).to(device)
    grid = start.view(-1, dimensions, *(1,) * dimensions)
    for axis, length in enumerate(patch):
        steps = torch.arange(length, device=device, dtype=torch.float32) - (length - 1) / 2
        shape = [length if other == axis else 1 for other in range(dimensions)]
        grid = grid + (matrix[:, :, axis, None] * steps).view(-1, dimensions, *shape)
    return grid.movedim(1, -1)


def change_grey(image: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """Contrast, brightness, and for one window in five noise. `image` (N, C, ...) is normalised (std 1)."""
    if strength == 0:
        return image
    count = image.shape[0]
    view = (count,) + (1,) * (image.ndim - 1)

    def uniform(low: float, high: float) -> Tensor:
        return (torch.rand(count, generator=generator) * (high - low) + low).view(view).to(image.device)

    contrast, brightness = uniform(1 - 0.2 * strength, 1 + 0.2 * strength), uniform(-0.2 * strength, 0.2 * strength)
    changed = torch.addcmul(brightness, image, contrast)
    noisy = torch.rand(count, generator=generator) < 0.2
    amount = torch.rand(count, generator=generator) * 0.2 * strength
    for index in torch.nonzero(noisy).flatten().tolist():
        noise = torch.randn(image.shape[1:], generator=generator) * amount[index]
        changed[index] += noise.to(image.device)
    return changed
