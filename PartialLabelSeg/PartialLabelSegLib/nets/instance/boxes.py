"""Boxes: float32 (top, left, bottom, right) in voxels; a voxel covers [i, i + 1), so the box of one voxel has sides of 1."""

from __future__ import annotations

from math import log

import torch
from torch import Tensor

LONGEST_STEP = log(1000 / 16)
"""A side never grows by more than this power of e in one step, so that a wild prediction stays a number (Faster R-CNN)."""


def areas(boxes: Tensor) -> Tensor:
    """(n, 4) -> (n,); 0 where bottom or right lies before top or left."""
    sides = (boxes[:, 2:] - boxes[:, :2]).clamp(min=0)
    return sides[:, 0] * sides[:, 1]


def shared_area(first: Tensor, second: Tensor) -> Tensor:
    """Area of the overlap of every box of `first` (n, 4) with every one of `second` (m, 4): (n, m)."""
    top, left, bottom, right = (side[:, None] for side in first.unbind(1))
    others = second.unbind(1)
    height = torch.minimum(bottom, others[2]) - torch.maximum(top, others[0])
    width = torch.minimum(right, others[3]) - torch.maximum(left, others[1])
    return height.clamp(min=0) * width.clamp(min=0)


def iou(first: Tensor, second: Tensor) -> Tensor:
    """Intersection over union of every box of `first` (n, 4) with every one of `second` (m, 4): (n, m); 0 for two empty ones."""
    both = shared_area(first, second)
    union = areas(first)[:, None] + areas(second)[None] - both
    return both / union.clamp(min=1e-9)


def share_inside(first: Tensor, second: Tensor) -> Tensor:
    """Which share of every box of `first` (n, 4) lies in every one of `second` (m, 4): (n, m)."""
    return shared_area(first, second) / areas(first)[:, None].clamp(min=1e-9)


def encode(boxes: Tensor, anchors: Tensor, units: tuple[float, float] = (1.0, 1.0)) -> Tensor:
    """How to get from anchors (n, 4) to boxes (n, 4): (n, 4), shift of the centre in sides of the anchor, logarithm of the growth.

    R-CNN's parametrisation; `units` multiply shift and growth, so that the loss sees numbers of about the same size.
    """
    start, start_sides = _middles(anchors)
    middle, sides = _middles(boxes)
    return torch.cat([(middle - start) / start_sides * units[0], torch.log(sides / start_sides) * units[1]], 1)


def decode(deltas: Tensor, anchors: Tensor, units: tuple[float, float] = (1.0, 1.0)) -> Tensor:
    """The boxes (n, 4) that `deltas` (n, 4) lead to from anchors (n, 4): the inverse of `encode`, in float32."""
    start, start_sides = _middles(anchors)
    deltas = deltas.float()
    middle = start + deltas[:, :2] / units[0] * start_sides
    sides = start_sides * torch.exp((deltas[:, 2:] / units[1]).clamp(max=LONGEST_STEP))
    return torch.cat([middle - sides / 2, middle + sides / 2], 1)


def _middles(boxes: Tensor) -> tuple[Tensor, Tensor]:
    """Centres and sides, each (n, 2)."""
    sides = boxes[:, 2:] - boxes[:, :2]
    return boxes[:, :2] + sides / 2, sides


def clipped(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """The part of each box (n, 4) that lies in an image of `size` (rows, columns)."""
    limit = boxes.new_tensor([size[0], size[1], size[0], size[1]])
    return torch.minimum(boxes.clamp(min=0), limit)


def at_least(boxes: Tensor, side: float) -> Tensor:
    """bool (n,): boxes both of whose sides are at least `side` voxels."""
    return ((boxes[:, 2:] - boxes[:, :2]) >= side).all(1)
