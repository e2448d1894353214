"""Losses per voxel for labels that are soft, or that are partly wrong: cross-entropy, its reverse, both normalised, and their relatives.

Each takes logits and a target of one shape, the target in [0, 1] (bool, uint8 or float: the probability q that the voxel is the structure),
and returns a loss of that shape in float32 (float64 for float64 logits), also inside autocast. p = sigmoid(logits) is never clipped: its
logarithms come from the logits, so logits of +-50 and more stay finite, and a gradient of the cross-entropy is never cut off. Of the
target only the logarithm in the reverse cross-entropy is clipped. `masked` and `masked_per_structure` (losses/reduce.py) make a number of
the voxels whose truth is known.

The soft forms are those of Felfeliyan et al. 2022 (Eq. 2 to 4, with a plus between the two terms where the paper prints a minus).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from .checks import check_floating, check_range, check_same_shape

VoxelLoss = Callable[[Tensor, Tensor], Tensor]
"""(logits, target) -> the loss of each voxel."""
CLIP = 1e-4
"""How near to 0 and 1 a target may come inside a logarithm (log = -9.2). The paper's 1e-20 is none in float32, where 1 - 1e-20 is 1."""


def soft_cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """H(q, p) = -[q log p + (1 - q) log(1 - p)] (Eq. 3); for hard targets the binary cross-entropy. Least at p = q."""
    logits, target = _working(logits, target)
    yes, no = _costs(logits)
    return target * yes + (1 - target) * no


def normalised_cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy divided by its sum over the two possible labels (Eq. 2): in 0..1, NSCE for soft targets, NBCE for hard ones."""
    logits, target = _working(logits, target)
    yes, no = _costs(logits)
    # The divisor |x| + 2 log(1 + exp(-|x|)) is never below 2 log 2.
    return (target * yes + (1 - target) * no) / (yes + no)


def reverse_cross_entropy(logits: Tensor, target: Tensor, clip: float = CLIP) -> Tensor:
    """H(p, q*) = -[p log q* + (1 - p) log(1 - q*)] (Eq. 4), q* the target clipped to [clip, 1 - clip]. Linear in p; no pull at q = 1/2."""
    check_range("clip", clip, 1e-7, 0.499)
    logits, target = _working(logits, target)
    # Each side is clipped for itself: 1 - 0.9999 in float32 is no longer 1e-4.
    yes, no = (side.clamp(clip, 1 - clip).log() for side in (target, 1 - target))
    return -(torch.sigmoid(logits) * yes + torch.sigmoid(-logits) * no)


def normalised_reverse_cross_entropy(logits: Tensor, target: Tensor, clip: float = CLIP) -> Tensor:
    """Reverse cross-entropy divided by its sum over the two possible labels, which is the number -log(clip) - log(1 - clip) whatever p is."""
    return reverse_cross_entropy(logits, target, clip) / -(math.log(clip) + math.log1p(-clip))


def absolute_error(logits: Tensor, target: Tensor) -> Tensor:
    """Mean absolute error (MAE): |p - q|. For hard targets symmetric, and so tolerant of noise (Ghosh et al. 2017)."""
    logits, target = _working(logits, target)
    return (torch.sigmoid(logits) - target).abs()


def symmetric_cross_entropy(
    logits: Tensor, target: Tensor, weights: tuple[float, float] = (0.1, 1.0), clip: float = CLIP
) -> Tensor:
    """a H(q, p) + b H(p, q*), weights = (a, b) (symmetric cross-entropy, SCE; Wang et al. 2019, Eq. 7 and their weights)."""
    check_range("weights", min(weights), 0.0, math.inf)
    active, passive = weights
    return active * soft_cross_entropy(logits, target) + passive * reverse_cross_entropy(logits, target, clip)


def generalised_cross_entropy(logits: Tensor, target: Tensor, power: float = 0.7) -> Tensor:
    """q (1 - p^power) / power + (1 - q) (1 - (1 - p)^power) / power (GCE; Zhang and Sabuncu 2018, Eq. 6), power in (0, 1].

    Between the cross-entropy (power to 0) and the absolute error (power 1, of hard targets).
    """
    check_range("power", power, 1e-6, 1.0)
    logits, target = _working(logits, target)
    yes, no = _costs(logits)
    # p^power = exp(power log p), and 1 - exp by expm1, which keeps the digits of a small loss.
    return -(target * torch.expm1(-power * yes) + (1 - target) * torch.expm1(-power * no)) / power


def hardened(target: Tensor) -> Tensor:
    """bool: where the structure is at least as likely as not (q >= 0.5)."""
    return target if target.dtype == torch.bool else target >= 0.5


def _costs(logits: Tensor) -> tuple[Tensor, Tensor]:
    """-log p and -log(1 - p), exact for every logit."""
    return functional.softplus(-logits), functional.softplus(logits)


def _working(logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    check_floating("logits", logits)
    check_same_shape(logits, target=target)
    dtype = torch.float64 if logits.dtype == torch.float64 else torch.float32
    return logits.to(dtype), target.to(dtype)
