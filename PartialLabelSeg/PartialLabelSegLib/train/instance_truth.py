"""From a window's target to its instances: connected components of the hardened label, with what is too small or too uncertain set aside."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from ..nets.instance.truth import DOUBTFUL, Truth

SMALLEST = 4
"""Voxels of the smallest instance in a window. Smaller ones, mostly the rim of a lesion at the window's edge, are neither learned nor denied."""
FAINT = 0.1
"""A soft label above this says that something may be there."""
_TOUCHING = np.ones((3, 3), bool)


def truth_of(target: Tensor, known: Tensor) -> Truth:
    """The instances of one window: target (K, H, W), bool or soft in [0, 1], and its ambiguity map, bool (K, H, W).

    Voxels of at least one half that touch, by edges or corners, are an instance. Softer ones that touch it belong to the nearest one;
    those that touch none are doubtful.
    """
    soft, sure = target.detach().float().cpu().numpy(), known.detach().cpu().numpy().astype(bool)
    owner = np.zeros(soft.shape, np.int32)
    boxes: list[_Box] = []
    doubtful: list[_Box] = []
    for structure, (values, looked_at) in enumerate(zip(soft, sure, strict=True)):
        labels, count = ndimage.label((values >= 0.5) & looked_at, _TOUCHING)
        sizes = np.bincount(labels.ravel(), minlength=count + 1)
        numbers = np.zeros(count + 1, np.int32)
        for label, spans in enumerate(ndimage.find_objects(labels), 1):
            large = sizes[label] >= SMALLEST
            kept = boxes if large else doubtful
            kept.append(_Box.of(structure, spans))
            numbers[label] = len(boxes) if large else DOUBTFUL
        owner[structure] = numbers[labels]
        faint = (values > FAINT) & (values < 0.5) & looked_at
        if faint.any():
            doubtful += _with_faint(owner[structure], labels, faint, structure)
    device = target.device
    return Truth(
        *_tensors(boxes, device), torch.from_numpy(owner).to(device), *_tensors(doubtful, device), known.bool()
    )


@dataclass(frozen=True)
class _Box:
    structure: int
    edges: tuple[int, int, int, int]

    @classmethod
    def of(cls, structure: int, spans: tuple[slice, slice]) -> _Box:
        rows, columns = spans
        return cls(structure, (rows.start, columns.start, rows.stop, columns.stop))


def _with_faint(owner: np.ndarray, labels: np.ndarray, faint: np.ndarray, structure: int) -> list[_Box]:
    """Gives faint voxels that touch an instance to the nearest one, in place; returns the boxes of those that touch none."""
    groups, count = ndimage.label(faint | (labels > 0), _TOUCHING)
    with_core = np.zeros(count + 1, bool)
    with_core[groups[labels > 0]] = True
    if with_core.any():
        rows, columns = ndimage.distance_transform_edt(labels == 0, return_distances=False, return_indices=True)
        near = faint & with_core[groups]
        owner[near] = owner[rows[near], columns[near]]
    owner[faint & ~with_core[groups]] = DOUBTFUL
    alone = [number for number in range(1, count + 1) if not with_core[number]]
    spans = ndimage.find_objects(groups)
    return [_Box.of(structure, spans[number - 1]) for number in alone]


def _tensors(boxes: list[_Box], device: torch.device) -> tuple[Tensor, Tensor]:
    edges = torch.tensor([box.edges for box in boxes], dtype=torch.float32).reshape(-1, 4)
    return edges.to(device), torch.tensor([box.structure for box in boxes], dtype=torch.int64).to(device)
