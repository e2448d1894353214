"""Non-maximum suppression: of boxes that show the same thing, the surest one stays."""

from __future__ import annotations

import torch
from torch import Tensor

from .boxes import iou
from .vision import vision_operators


def nms(boxes: Tensor, scores: Tensor, threshold: float) -> Tensor:
    """Indices int64 of the boxes (n, 4) that stay, by falling score (n,): none overlaps a surer one that stays by more than `threshold` (IoU).

    Of equal scores the first comes first. torchvision's where it is installed, else `plain_nms`.
    """
    operators = vision_operators()
    if operators is None:
        return plain_nms(boxes, scores, threshold)
    return operators.nms(boxes.float(), scores.float(), threshold)


def grouped_nms(boxes: Tensor, scores: Tensor, groups: Tensor, threshold: float) -> Tensor:
    """`nms` within each group (n,) int64: boxes of different groups do not touch each other."""
    if boxes.shape[0] == 0:
        return torch.empty(0, dtype=torch.int64, device=boxes.device)
    # Each group is moved to a place of its own, where it overlaps no other.
    apart = groups.to(boxes.dtype) * (boxes.max() - boxes.min() + 1)
    return nms(boxes + apart[:, None], scores, threshold)


def plain_nms(boxes: Tensor, scores: Tensor, threshold: float) -> Tensor:
    """The same in plain torch, in O(n^2) memory: meant for up to some thousand boxes.

    Whether a box stays follows from the surer ones alone. Starting from "all stay" and asking again until nothing changes settles the
    surest in the first turn, whoever depends on settled ones in the next, and ends in as many turns as the longest chain of overlaps.
    """
    order = scores.float().argsort(descending=True, stable=True)
    sorted_boxes = boxes[order].float()
    covers = (iou(sorted_boxes, sorted_boxes) > threshold).triu(1)
    stays = torch.ones_like(order, dtype=torch.bool)
    while True:
        now = ~(covers & stays[:, None]).any(0)
        if torch.equal(now, stays):
            return order[stays]
        stays = now
