"""Losses of the instance network: whether a box holds an instance, where its box lies, and its outline (Mask R-CNN; Felfeliyan et al. 2022, III.C)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from .checks import check_floating
from .masked import masked_soft_dice
from .noise_robust import VoxelLoss
from .reduce import masked


def score_loss(logits: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
    """Cross-entropy of the logits (n, K) of boxes that hold a structure or certainly do not (bool (n, K) each), a scalar.

    The mean over the pairs of box and structure that are one or the other; 0, with gradient 0, where there is none.
    """
    check_floating("logits", logits)
    weight = (positive | negative).float()
    losses = functional.binary_cross_entropy_with_logits(logits.float(), positive.float(), weight, reduction="none")
    return losses.sum() / weight.sum().clamp(min=1)


def box_loss(found: Tensor, wanted: Tensor, looked_at: int, beta: float) -> Tensor:
    """Smooth L1 distance of the deltas of the positive boxes (n, 4) to what they should be, a scalar; 0 for no box.

    Summed, and divided by the number of boxes that the step looked at (Fast R-CNN), so that few positives do not weigh more than many.
    `beta`: where the square goes over into the straight line.
    """
    check_floating("found", found)
    return functional.smooth_l1_loss(found.float(), wanted, beta=beta, reduction="sum") / max(1, looked_at)


def own_masks(logits: Tensor, structure: Tensor) -> Tensor:
    """Of mask logits (n, K, m, m) those of each box's structure (n,): float32 (n, 1, m, m).

    Only these count (Mask R-CNN): structures do not compete for a mask.
    """
    check_floating("logits", logits)
    return logits.float()[torch.arange(len(logits), device=logits.device), structure][:, None]


def mask_loss(logits: Tensor, target: Tensor, weight: Tensor, loss: VoxelLoss) -> Tensor:
    """The mean of a voxel loss over the known cells of the masks (n, 1, m, m), a scalar; 0 for no box.

    target: hard or soft, in [0, 1]. weight: the ambiguity map on the mask's cells; a cell without weight contributes nothing.
    """
    return masked(loss, logits, target, weight) if len(logits) else logits.sum()


def mask_dice(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """The soft Dice loss of the masks (n, 1, m, m), a scalar: the mean over the boxes, each for itself, that have a known positive cell."""
    if len(logits) == 0:
        return logits.sum()
    each = masked_soft_dice(logits.transpose(0, 1), target.transpose(0, 1), weight.transpose(0, 1))
    drawn = ((target > 0) & (weight > 0)).flatten(1).any(1)
    return torch.where(drawn, each, 0).sum() / drawn.sum().clamp(min=1)
