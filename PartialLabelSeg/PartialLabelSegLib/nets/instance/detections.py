"""Detections of one slice: decoded boxes with scores and small masks, and their masks laid back over the slice."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .boxes import at_least, clipped, decode
from .heads import UNITS
from .shape import Selection
from .suppression import grouped_nms


@dataclass(frozen=True, eq=False)
class Detections:
    """D detections, the surest first: boxes float32 (D, 4), structure int64 (D,), score (D,) and mask (D, mask, mask) in 0..1."""

    boxes: Tensor
    structure: Tensor
    score: Tensor
    mask: Tensor

    def __len__(self) -> int:
        return len(self.boxes)


def surest(
    boxes: Tensor, logits: Tensor, deltas: Tensor, size: tuple[int, int], selection: Selection
) -> tuple[Tensor, Tensor, Tensor]:
    """Boxes (D, 4), structures (D,) and scores (D,) of one image, from its regions (R, 4), their logits (R, K) and deltas (R, 4).

    Every structure is judged for itself; overlapping detections of one structure are one (non-maximum suppression).
    """
    moved = clipped(decode(deltas.detach(), boxes, UNITS), size)
    score = torch.sigmoid(logits.float())
    region, structure = torch.nonzero((score >= selection.score) & at_least(moved, 1.0)[:, None], as_tuple=True)
    chosen = grouped_nms(moved[region], score[region, structure].detach(), structure, selection.overlap)
    region, structure = region[chosen[: selection.detections]], structure[chosen[: selection.detections]]
    return moved[region], structure, score[region, structure]


def pasted(mask: Tensor, boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """Masks (D, m, m) laid over their boxes (D, 4): (D, rows, columns), linear between the mask's cells, 0 outside the box.

    A voxel belongs to a box when its middle does. Beyond the middle of the outermost cells their value goes on to the box's edge.
    """
    rows = _spread(boxes[:, 0], boxes[:, 2], mask.shape[1], size[0])
    columns = _spread(boxes[:, 1], boxes[:, 3], mask.shape[2], size[1])
    with torch.autocast(mask.device.type, enabled=False):
        return rows @ mask.float() @ columns.transpose(1, 2)


def _spread(low: Tensor, high: Tensor, cells: int, extent: int) -> Tensor:
    """How much each of the cells between low and high (D,) counts in each of `extent` voxels: (D, extent, cells)."""
    middle = torch.arange(extent, device=low.device) + 0.5
    inside = (middle >= low[:, None]) & (middle < high[:, None])
    place = (middle - low[:, None]) / (high - low)[:, None].clamp(min=1e-6) * cells - 0.5
    place = place.clamp(0, cells - 1)
    grid = torch.arange(cells, device=low.device)
    return (1 - (place[..., None] - grid).abs()).clamp(min=0) * inside[..., None]


def probability(found: Detections, structures: int, size: tuple[int, int]) -> Tensor:
    """Probability of each structure at each voxel, (K, rows, columns): the largest score x mask over its detections, else 0.

    The score says that there is an instance, the mask which voxels are its own if so: together, that the voxel is one.
    """
    spread = pasted(found.mask, found.boxes, size) * found.score[:, None, None]
    planes = []
    for value in range(structures):
        own = spread[found.structure == value]
        planes.append(own.amax(0) if len(own) else spread.new_zeros(size))
    return torch.stack(planes)
