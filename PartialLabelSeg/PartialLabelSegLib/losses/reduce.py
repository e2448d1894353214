"""From the losses of voxels to one number: masked by the ambiguity map, structure by structure, and with as many negatives as are wanted."""

from __future__ import annotations

import torch
from torch import Tensor

from .checks import check_floating, check_same_shape
from .noise_robust import VoxelLoss

FEWEST_NEGATIVES = 100
"""Where a batch has no positive of a structure, its negatives count as this many."""


def masked(loss: VoxelLoss, logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """The mean of a voxel loss over the known voxels, a scalar: sum(w l) / max(sum(w), 1).

    logits (N, K, *spatial) of any float dtype, target and weight (>= 0) of the same shape. A voxel with w = 0 contributes exactly nothing
    to value and gradient, whatever its logit or target, infinite ones too. Sums are taken in float32 (float64 for float64 logits).
    """
    losses, weight = _known(loss, logits, target, weight)
    return losses.sum() / weight.sum().clamp(min=1)


def masked_per_structure(
    loss: VoxelLoss, logits: Tensor, target: Tensor, weight: Tensor, negatives: float = 0.0
) -> Tensor:
    """The mean of a voxel loss for each structure (K,), divided by its own sum of w; 0 for a structure without weight.

    negatives: 0, and every known voxel counts alike; else see `balanced`.
    """
    losses, weight = _known(loss, logits, target, balanced(target, weight, negatives) if negatives else weight)
    return per_structure(losses) / divisor(per_structure(weight))


def balanced(target: Tensor, weight: Tensor, negatives: float) -> Tensor:
    """The weight with the known negatives of each structure counting less: together `negatives` times its positives.

    A voxel is a positive as far as its target says, and a negative for the rest: w (t + (1 - t) share). Were every voxel with a target above
    0 a positive, the many that neighbouring slices make a little likely would outnumber the lesions, and a bounded loss would then answer "nowhere":
    measured on ticks of coarse grids (bench raters), active-passive losses of such soft labels fell to Dice 0.

    All negatives alike, not the hardest: among those that a network takes for the structure are the lesions that the raters missed, and a
    loss that is to tolerate these must not seek them out. Where the bounded losses meet one lesion voxel among a thousand others, "nowhere"
    is nearly the best answer and its gradient is nearly nothing; in the paper the boxes around the lesions keep that from happening.
    float32 (or float64) of the weight's shape; negatives that are few already keep their weight.
    """
    floats = torch.float64 if weight.dtype == torch.float64 else torch.float32
    positive, weight = target.to(floats), weight.to(floats)
    wanted = negatives * per_structure(weight * positive) + FEWEST_NEGATIVES
    there = per_structure(weight * (1 - positive))
    share = (wanted / divisor(there)).clamp(max=1).view(1, -1, *(1,) * (weight.ndim - 2))
    return weight * (positive + (1 - positive) * share)


def per_structure(values: Tensor) -> Tensor:
    """The sums (K,) of values (N, K, *spatial)."""
    return values.sum((0, *range(2, values.ndim)))


def divisor(weight: Tensor) -> Tensor:
    """The sums of weights, with 1 in place of 0."""
    return torch.where(weight > 0, weight, 1)


def _known(loss: VoxelLoss, logits: Tensor, target: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """w l and w, with the unknown voxels taken out before anything is computed from them."""
    check_floating("logits", logits)
    check_same_shape(logits, target=target, weight=weight)
    known = weight > 0
    # The output of a channels_last network against contiguous labels: one copy is cheaper than strided arithmetic.
    losses = loss(torch.where(known, logits, 0).contiguous(), torch.where(known, target, target.new_zeros(())))
    weight = weight.to(losses.dtype)
    return losses * weight, weight
