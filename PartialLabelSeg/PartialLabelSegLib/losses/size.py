"""Predicted sizes held between bounds (Kervadec et al., Curriculum semi-supervised segmentation, Eqs. 4 and 5)."""

from __future__ import annotations

import torch
from torch import Tensor

from .checks import check_floating, check_same_shape


def outside(value: Tensor, low: Tensor, high: Tensor, chosen: Tensor, whole: Tensor | None = None) -> Tensor:
    """(value - bound)^2 where a value lies outside [low, high], 0 inside and where it is not `chosen` (Eq. 5); of the shape of the values.

    Bounds may be anything, nan too, where not chosen. whole: bool, of a shape that broadcasts; where it is False only the upper bound counts, since what is
    not seen may hold the rest. A bound that is not a number bounds nothing.
    """
    below = torch.where(chosen & ~low.isnan(), low, -torch.inf)
    above = torch.where(chosen & ~high.isnan(), high, torch.inf)
    if whole is not None:
        below = torch.where(whole, below, -torch.inf)
    # Clamping keeps infinite bounds out of value and gradient.
    return ((below - value).clamp(min=0) + (value - above).clamp(min=0)).square()


def mean_of_chosen(penalty: Tensor, chosen: Tensor) -> Tensor:
    """The mean over the chosen pairs of sample and structure: as strong with one missing structure as with ten. 0 where none is chosen."""
    return (penalty * chosen).sum() / chosen.sum().clamp(min=1)


def soft_size(logits: Tensor, inside: Tensor | None = None) -> Tensor:
    """s = sum over the voxels of sigmoid(logits): float32 (N, K) of logits (N, K, *spatial) of any float dtype (float64 stays).

    inside: bool (N, 1, *spatial), the voxels that count (others are padding); None: all.
    """
    probability = torch.sigmoid(logits if logits.dtype == torch.float64 else logits.float())
    if inside is not None:
        probability = torch.where(inside, probability, 0)
    return probability.flatten(2).sum(2)


def size_penalty(
    logits: Tensor,
    bounds: tuple[Tensor, Tensor],
    chosen: Tensor,
    whole: Tensor | None = None,
    inside: Tensor | None = None,
) -> Tensor:
    """Eq. 5 on the soft size, divided by the image's size as the authors' program does: a scalar.

    logits (N, K, *spatial); bounds: low and high (N, K) in voxels; chosen bool (N, K); whole bool (N,): whether the sample shows the whole slice or
    volume, None: all do; inside as in `soft_size`. The image's size is its number of voxels inside.
    """
    check_floating("logits", logits)
    size = soft_size(logits, inside)
    check_pairs(size, low=bounds[0], high=bounds[1], chosen=chosen)
    voxels = logits[0, 0].numel() if inside is None else inside.flatten(1).sum(1)[:, None].clamp(min=1)
    seen = None if whole is None else whole[:, None]
    return mean_of_chosen(outside(size, *bounds, chosen, seen) / voxels, chosen)


def check_pairs(value: Tensor, **others: Tensor) -> None:
    """ValueError unless all have one value per sample and structure."""
    check_same_shape(value[..., None], **{name: other[..., None] for name, other in others.items()})
