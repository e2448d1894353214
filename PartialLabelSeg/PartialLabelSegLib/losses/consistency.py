"""What is lost where predictions of one voxel disagree: between views of an image, and between student and teacher (MLB-Seg, Eq. 11 and 13).

Probabilities are (N, K, *spatial) floats; masks are bool and broadcast to that. Results are scalars in the probabilities' dtype.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .checks import check_floating, check_same_shape


def between_views(probabilities: Sequence[Tensor], seen: Sequence[Tensor], mask: Tensor | None = None) -> Tensor:
    """Mean squared difference over all pairs of views and all voxels and structures that both see, and that are in `mask` (Eq. 11).

    probabilities: of every view and of the image itself, mapped back to the image's voxels, where the paper maps each pair to one of its two
    views; seen: where each view sees, of which the others teach nothing. 0 where no voxel is seen twice. ValueError: fewer than two views.
    """
    if len(probabilities) < 2:
        raise ValueError(f"views are compared with each other, so there must be two, got {len(probabilities)}")
    for one in probabilities:
        check_floating("probabilities", one)
        check_same_shape(probabilities[0], probabilities=one)
    there = [item.expand_as(probabilities[0]) for item in seen]
    if mask is not None:
        there = [item & mask for item in there]
    count = torch.stack(there).sum(0).to(probabilities[0].dtype)
    values = [torch.where(item, one, 0) for one, item in zip(probabilities, there, strict=True)]
    # Over the pairs of n numbers the squared differences add up to n times the squared distances from their mean.
    mean = torch.stack(values).sum(0) / count.clamp(min=1)
    apart = torch.stack(
        [torch.where(item, one - mean, 0).square() for one, item in zip(probabilities, there, strict=True)]
    )
    pairs = count * (count - 1) / 2
    return (count * apart.sum(0)).sum() / pairs.sum().clamp(min=1)


def with_teacher(student: Tensor, teacher: Tensor, mask: Tensor | None = None) -> Tensor:
    """Mean squared difference between a student's and a teacher's probabilities, over the voxels and structures in `mask` (Eq. 13)."""
    check_floating("student", student)
    check_same_shape(student, teacher=teacher)
    squared = (student - teacher).square()
    if mask is None:
        return squared.mean()
    mask = mask.expand_as(squared)
    return torch.where(mask, squared, 0).sum() / mask.sum().clamp(min=1)
