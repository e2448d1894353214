"""Where a predicted structure lies and how far it reaches, softly, behind the same penalty as its size."""

from __future__ import annotations

import torch
from torch import Tensor

from .size import check_pairs, mean_of_chosen, outside

LEAST_VOXELS = 1e-3
"""Added to the soft size below a fraction, so that an empty prediction has a place: the middle."""


def soft_moments(probability: Tensor, spacing_mm: Tensor, inside: Tensor | None = None) -> Tensor:
    """Size, centroid and extent of soft maps: float32 (N, K, 1 + 2 D) of probabilities (N, K, *spatial), D spatial axes; float64 stays.

    With p the map, v the voxel's size, h_d its spacing along axis d and x_d its place in mm from the middle of the image:
    size = v sum p [mm^D]; centroid_d = sum p x_d / sum p; extent_d = sqrt(12 sum p (x_d - centroid_d)^2 / sum p + h_d^2), the side of the box that
    scatters as much: exactly its side for a box of whole voxels, 1.55 times the radius for a ball. It is never 0, so its gradient is finite.
    spacing_mm: (D,) or (N, D). inside: bool (N, 1, *spatial), the voxels of the image (others are padding), a block: the middle is the block's.
    """
    value = probability if probability.dtype == torch.float64 else probability.float()
    if inside is not None:
        value = torch.where(inside, value, 0)
    dimensions = value.ndim - 2
    spacing = spacing_mm.to(value).expand(len(value), dimensions)
    total = value.flatten(2).sum(2)
    centroids, extents = [], []
    for axis in range(dimensions):
        along = _along(value, axis)
        there = None if inside is None else _along(inside.to(value), axis)
        place = _places(along.shape[-1], there).to(value)[:, None]
        place = place * spacing[:, axis, None, None]
        centroid = (along * place).sum(2) / (total + LEAST_VOXELS)
        spread = (along * (place - centroid[..., None]).square()).sum(2) / (total + LEAST_VOXELS)
        centroids.append(centroid)
        extents.append((12 * spread + spacing[:, axis, None].square()).sqrt())
    size = total * spacing.prod(1)[:, None]
    return torch.stack([size, *centroids, *extents], 2)


def _along(value: Tensor, axis: int) -> Tensor:
    """The sums over all other spatial axes: (N, C, length)."""
    others = [2 + other for other in range(value.ndim - 2) if other != axis]
    return value.sum(others) if others else value


def _places(length: int, there: Tensor | None) -> Tensor:
    """Each voxel's place along an axis, in voxels from the middle: (1 or N, length)."""
    if there is None:
        return (torch.arange(length) - (length - 1) / 2)[None]
    place = torch.arange(length, device=there.device, dtype=there.dtype)
    filled = (there[:, 0] > 0).to(there)
    middle = (filled * place).sum(1) / filled.sum(1).clamp(min=1)
    return place - middle[:, None]


def place_penalty(value: Tensor, bounds: tuple[Tensor, Tensor], chosen: Tensor, image: tuple[Tensor, Tensor]) -> Tensor:
    """Eq. 5 on a length per axis (a centroid or an extent), in voxels, divided by the image's length in voxels, as a size is divided by the image's size: a scalar.

    value, low and high float (N, K, D) in mm; chosen bool (N, K); image: (spacing_mm (N, D), shape (N, D) in voxels). The mean over axes and chosen pairs.
    """
    check_pairs(value[..., 0], low=bounds[0][..., 0], high=bounds[1][..., 0], chosen=chosen)
    spacing, shape = (part.to(value)[:, None] for part in image)
    missed = outside(value, *bounds, chosen[..., None]) / (spacing.square() * shape)
    return mean_of_chosen(missed.mean(2), chosen)
