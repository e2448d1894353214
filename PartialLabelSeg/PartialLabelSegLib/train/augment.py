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


@dataclass(frozen=True)
class Strength:
    """How far windows are changed; zero for everything leaves them as they are."""

    rotate_degrees: float
    scale: float
    translate: float
    mirror: tuple[int, ...]
    grey: float = 1.0

    @classmethod
    def of(cls, plan: Plan) -> Strength:
        return cls(plan.rotate_degrees, plan.scale, plan.translate, plan.mirror)


def window_size(plan: Plan) -> tuple[int, int, int]:
    """The size that windows are cut at, a little larger than the patch where they will be turned."""
    if plan.rotate_degrees == 0 and plan.scale == 0 and plan.translate == 0:
        return plan.patch
    depth = plan.patch[0] if plan.dimensions != "3d" else math.ceil(plan.patch[0] * 1.1)
    return (depth, math.ceil(plan.patch[1] * MARGIN), math.ceil(plan.patch[2] * MARGIN))


def draw_affine(count: int, strength: Strength, dimensions: int, generator: torch.Generator) -> Tensor:
    """Random maps from patch to window voxels, relative to the centres: (count, dimensions, dimensions + 1), in voxels of shape order.

    In the plane: rotation, isotropic scale, shift, mirroring of the axes in `strength.mirror`; across slices a third of the rotation, in 3D.
    """

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
    matrix = matrix / factor[:, None, None]
    for axis in range(3):
        flip = (torch.rand(count, generator=generator) < 0.5) & (axis in strength.mirror)
        column = axis - 3 + dimensions
        if column >= 0:
            matrix[:, :, column] = torch.where(flip[:, None], -matrix[:, :, column], matrix[:, :, column])
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
    window = image.shape[2:]
    position = _positions(affine, patch, image.device)
    centre = torch.tensor([(length - 1) / 2 for length in window], device=image.device)
    scale = torch.tensor([2 / max(length, 1) for length in window], device=image.device)
    grid = (position * scale).flip(-1)
    moved = functional.grid_sample(image, grid, mode="bilinear", padding_mode="border", align_corners=False)
    nearest = torch.round(position + centre).long()
    limits = torch.tensor(window, device=image.device)
    inside = ((nearest >= 0) & (nearest < limits)).all(-1)
    strides = torch.tensor([math.prod(window[axis + 1 :]) for axis in range(len(window))], device=image.device)
    flat = (nearest.clamp(min=0).minimum(limits - 1) * strides).sum(-1).flatten(1)

    def picked(source: Tensor) -> Tensor:
        return source.flatten(1).gather(1, flat).view(inside.shape)

    moved_label = torch.where(inside, picked(label), OUTSIDE)
    return moved, moved_label, {name: picked(plane) & inside for name, plane in planes.items()}


def _positions(affine: Tensor, patch: tuple[int, ...], device: torch.device) -> Tensor:
    """Positions of the patch's voxels relative to the window's centre, in voxels: (N, *patch, dimensions)."""
    axes = [torch.arange(length, device=device, dtype=torch.float32) - (length - 1) / 2 for length in patch]
    lattice = torch.stack(torch.meshgrid(*axes, indexing="ij"), -1)
    moving = affine.to(device)
    turned = torch.einsum("...j,nij->n...i", lattice, moving[:, :, :-1])
    shift = moving[:, :, -1] * torch.tensor(patch, device=device, dtype=torch.float32)
    return turned + shift.view(shift.shape[0], *(1,) * len(patch), -1)


def change_grey(image: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """Contrast, brightness, and for one window in five noise or a gamma curve. `image` (N, C, ...) is normalised (std 1)."""
    if strength == 0:
        return image
    count = image.shape[0]
    view = (count,) + (1,) * (image.ndim - 1)

    def uniform(low: float, high: float) -> Tensor:
        return (torch.rand(count, generator=generator) * (high - low) + low).view(view).to(image.device)

    changed = image * uniform(1 - 0.2 * strength, 1 + 0.2 * strength) + uniform(-0.2 * strength, 0.2 * strength)
    noisy = torch.rand(count, generator=generator) < 0.2
    amount = torch.rand(count, generator=generator) * 0.2 * strength
    for index in torch.nonzero(noisy).flatten().tolist():
        noise = torch.randn(image.shape[1:], generator=generator) * amount[index]
        changed[index] += noise.to(image.device)
    return changed
