"""Instances of a whole scan: the detections of its slices, joined from slice to slice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..config import Plan
from ..metrics.detection import Instance
from ..nets.instance.detections import Detections, pasted
from ..nets.instance.network import InstanceNetwork
from .device import Device
from .predict import on_device, over_slices

JOINED = 0.2
"""IoU of two outlines in neighbouring slices from which they are one instance."""
SKIPPED = 1
"""An instance may be missed in so many slices in between and still go on."""


@dataclass(frozen=True, eq=False)
class Outline:
    """A detection in a slice: sorted flat indices (int64, of the slice) of its voxels, where its mask is at least one half, and its score."""

    indices: np.ndarray
    score: float


@dataclass(frozen=True, eq=False)
class _Open:
    """An instance that may go on: the slice and outline that it was last seen in, and all its outlines so far, with their slices."""

    last: int
    seen: tuple[tuple[int, Outline], ...]


@torch.inference_mode()
def predict_instances(
    network: InstanceNetwork, image: np.ndarray, plan: Plan, device: Device
) -> dict[str, tuple[Instance, ...]]:
    """The instances of each structure, the surest first, in a prepared image (slice, row, column); indices count its voxels."""
    network.eval()
    size = (image.shape[1], image.shape[2])
    slices: list[list[list[Outline]]] = [[] for _ in image]

    def compute(first: int, last: int, batch: Tensor) -> None:
        with device.autocast():
            found = network.detect(on_device(batch, plan, device))
        slices[first:last] = [_outlines(one, len(plan.structures), size) for one in found]

    over_slices(torch.from_numpy(image.astype(np.float32)), plan, device, compute)
    return {name: joined([one[value] for one in slices], size) for value, name in enumerate(plan.structures)}


def _outlines(found: Detections, structures: int, size: tuple[int, int]) -> list[list[Outline]]:
    """The outlines of each structure in one slice; a detection whose mask is nowhere at least one half has none."""
    masks: Tensor = pasted(found.mask, found.boxes, size) >= 0.5
    result: list[list[Outline]] = [[] for _ in range(structures)]
    for mask, structure, score in zip(masks.cpu().numpy(), found.structure.tolist(), found.score.tolist(), strict=True):
        indices = np.flatnonzero(mask).astype(np.int64)
        if indices.size:
            result[structure].append(Outline(indices, score))
    return result


def joined(slices: Sequence[Sequence[Outline]], size: tuple[int, int]) -> tuple[Instance, ...]:
    """The instances of one structure, from its outlines in each slice of `size` (rows, columns), the surest first.

    From slice to slice, an outline goes on with the instance whose last outline, in the slice before or with SKIPPED slices in between, it
    overlaps by an IoU of at least JOINED; pairs of the largest IoU first, and each side only once. The rest begin instances of their own.
    Where outlines of one slice share a voxel, it belongs to the surer instance. The score is that of the surest outline.
    """
    ended: list[_Open] = []
    going: list[_Open] = []
    for number, outlines in enumerate(slices):
        ended += [one for one in going if number - one.last > 1 + SKIPPED]
        going = [one for one in going if number - one.last <= 1 + SKIPPED]
        left, grown = dict(enumerate(outlines)), []
        for place, which in _pairs(going, outlines):
            one, outline = going[place], left.pop(which)
            grown.append((place, _Open(number, (*one.seen, (number, outline)))))
        taken = dict(grown)
        going = [taken.get(place, one) for place, one in enumerate(going)]
        going += [_Open(number, ((number, outline),)) for outline in left.values()]
    return tuple(_disjoint(ended + going, size))


def _pairs(going: Sequence[_Open], outlines: Sequence[Outline]) -> list[tuple[int, int]]:
    """Which instance goes on with which outline; the best pairs first, each once."""
    rated = []
    for place, one in enumerate(going):
        last = one.seen[-1][1].indices
        for which, outline in enumerate(outlines):
            both = np.intersect1d(last, outline.indices, assume_unique=True).size
            share = both / (last.size + outline.indices.size - both)
            if share >= JOINED:
                rated.append((-share, place, which))
    pairs: list[tuple[int, int]] = []
    for _, place, which in sorted(rated):
        if all(place != old and which != other for old, other in pairs):
            pairs.append((place, which))
    return pairs


def _disjoint(found: Sequence[_Open], size: tuple[int, int]) -> Iterator[Instance]:
    """The instances by falling score, each without the voxels of surer ones; one that keeps none is left out."""
    order = sorted(found, key=lambda one: -max(outline.score for _, outline in one.seen))
    taken = np.empty(0, np.int64)
    for one in order:
        flat = np.concatenate([number * size[0] * size[1] + outline.indices for number, outline in one.seen])
        own = np.setdiff1d(flat, taken, assume_unique=True)
        taken = np.union1d(taken, own)
        if own.size:
            yield Instance(own, max(outline.score for _, outline in one.seen))
