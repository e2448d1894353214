"""What is true of a window as an instance network learns it, and which boxes agree with it, contradict it, or cannot be judged."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .boxes import iou, share_inside
from .pooling import pool_each

DOUBTFUL = -1
MOST_UNKNOWN = 0.1
"""A box says "nothing here" only where no more than this share of its voxels is unknown for the structure."""
DOUBTFUL_SHARE = 0.5


@dataclass(frozen=True, eq=False)
class Truth:
    """The G instances of one window: boxes float32 (G, 4), structure int64 (G,), and whose each voxel is: owner int32 (K, H, W).

    owner: 0 nobody's, g + 1 the instance g's, DOUBTFUL where something may be. doubtful, doubtful_structure: boxes (D, 4) and structures
    (D,) of what is neither an instance nor nothing: too few voxels, or a soft label that stays below one half. known: bool (K, H, W),
    the ambiguity map.
    """

    boxes: Tensor
    structure: Tensor
    owner: Tensor
    doubtful: Tensor
    doubtful_structure: Tensor
    known: Tensor


@dataclass(frozen=True)
class Matching:
    """When a box agrees with the truth, and how many are looked at per image and step (Faster R-CNN's values, for small windows).

    anchors: (low, high) IoU: from `high`, or as the best anchor of an instance, it is one; below `low` it is none. regions: one IoU for both.
    """

    anchors: tuple[float, float] = (0.3, 0.5)
    regions: float = 0.5
    anchor_samples: int = 64
    region_samples: int = 32
    anchor_share: float = 0.5
    region_share: float = 0.25


@dataclass(frozen=True, eq=False)
class Verdict:
    """Of n boxes: for which structures they hold an instance or certainly none, bool (n, K) each, and their nearest instance (n,) int64."""

    positive: Tensor
    negative: Tensor
    instance: Tensor


@torch.no_grad()
def judge(boxes: Tensor, truth: Truth, limits: tuple[float, float], best_too: bool = False) -> Verdict:
    """Judges boxes (n, 4) by their largest IoU with the instances of each structure: positive from limits[1], negative below limits[0].

    best_too: the boxes that overlap an instance most are positive as well, so that every instance has one. No box is negative for a
    structure where its voxels are unknown, or of which something doubtful is in it.
    """
    count, structures = len(boxes), truth.known.shape[0]
    overlap = iou(boxes, truth.boxes)
    largest = _per_structure(overlap, truth.structure, structures)
    positive = largest >= limits[1]
    instance = torch.zeros(count, dtype=torch.int64, device=boxes.device)
    if len(truth.boxes) and count:
        instance = overlap.argmax(1)
        if best_too:
            best = (overlap == overlap.amax(0)) & (overlap > 0)
            positive |= _per_structure(best.float(), truth.structure, structures) > 0
    doubt = torch.maximum(iou(boxes, truth.doubtful), share_inside(boxes, truth.doubtful))
    doubtful = _per_structure(doubt, truth.doubtful_structure, structures) >= DOUBTFUL_SHARE
    known = known_share(truth.known, boxes) >= 1 - MOST_UNKNOWN
    return Verdict(positive, (largest < limits[0]) & ~positive & ~doubtful & known, instance)


def _per_structure(values: Tensor, structure: Tensor, structures: int) -> Tensor:
    """The largest of the values (n, G) of each structure (G,): (n, structures), 0 where it has none."""
    start = values.new_zeros((values.shape[0], structures))
    return start.scatter_reduce(1, structure.expand(values.shape[0], -1), values, "amax")


def known_share(known: Tensor, boxes: Tensor) -> Tensor:
    """Which share of the voxels of each box (n, 4) is known, bool (K, H, W): (n, K); 1 for a box without a voxel."""
    if bool(known.all()):
        return boxes.new_ones((len(boxes), known.shape[0]))
    rows, columns = known.shape[1:]
    # Whole numbers up to 2^24 are exact in float32, more voxels than a slice has.
    sums = torch.nn.functional.pad(known.float().cumsum(1).cumsum(2), (1, 0, 1, 0))
    top, left, bottom, right = boxes.round().long().unbind(1)
    top, bottom = top.clamp(0, rows), bottom.clamp(0, rows)
    left, right = left.clamp(0, columns), right.clamp(0, columns)
    inside = sums[:, bottom, right] - sums[:, top, right] - sums[:, bottom, left] + sums[:, top, left]
    voxels = (bottom - top).clamp(min=0) * (right - left).clamp(min=0)
    share = torch.where(voxels > 0, inside / voxels.clamp(min=1), 1.0)
    return share.T.to(boxes.dtype)


def draw(verdict: Verdict, count: int, share: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """At most `count` boxes to learn from, drawn by `generator` (of the cpu): indices of positives, at most `share` of them, and of negatives."""
    positive = verdict.positive.any(1)
    yes = _some(positive, int(count * share), generator)
    return yes, _some(verdict.negative.any(1) & ~positive, count - len(yes), generator)


def _some(candidates: Tensor, most: int, generator: torch.Generator) -> Tensor:
    places = torch.nonzero(candidates)[:, 0]
    if len(places) <= most:
        return places
    return places[torch.randperm(len(places), generator=generator)[:most].sort().values.to(places.device)]


@torch.no_grad()
def mask_targets(truth: Truth, target: Tensor, boxes: Tensor, instance: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Target and weight of the mask head in boxes (n, 4) that hold the instances (n,): float32 (n, 1, size, size) each.

    target: (K, H, W), bool or soft. What belongs to another instance, or to none, is 0; what is unknown or doubtful has no weight and does
    not mix into the cells beside it. A hard target stays hard: a cell is one from one half.
    """
    structure = truth.structure[instance]
    owner = truth.owner[structure]
    weight = (truth.known[structure] & (owner != DOUBTFUL)).float()
    own = (owner == instance[:, None, None] + 1).float()
    pooled = pool_each(torch.stack([target[structure].float() * own * weight, weight], 1), boxes, size)
    values, cells = pooled[:, :1], pooled[:, 1:].clamp(max=1)
    values = torch.where(cells > 0, values / cells.clamp(min=1e-6), 0).clamp(0, 1)
    return values if target.is_floating_point() else (values >= 0.5).float(), cells
