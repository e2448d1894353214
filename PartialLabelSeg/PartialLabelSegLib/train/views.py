"""Views of an image for enhanced pseudo-labels: zoomed in, zoomed out, mirrored, and what a network says of them mapped back (MLB-Seg, Eq. 10).

A zoom z shows in each voxel j of the view the place c + (j - c') / z of the image, c and c' the middles of both; its inverse reads voxel i of
the image at c' + (i - c) z. Both interpolate linearly, axis by axis, with places computed in double precision: nothing is moved, and where a
place is a voxel its value is the voxel's. Seen from near, a view is as large as the image and shows its middle; from far, it is smaller and
shows all of it, so that no border has to be made up.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..config import Plan
from ..data.plan import left_right
from .batches import twin_places

NEAR, FAR, NEARER, FARTHER = 1.25, 0.8, 1.5, 0.65
NUMBERS_OF_VIEWS = (0, 2, 4, 6)
_ROUNDING = 1e-9


@dataclass(frozen=True)
class View:
    """One way to look at images (N, C, *spatial): zoomed about the middle, above 1 nearer, and mirrored along a spatial axis (or none: None).

    places: for each structure the one that it becomes in the mirror; None where that is itself.
    """

    zoom: float = 1.0
    flip: int | None = None
    places: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        if not 0.1 <= self.zoom <= 10:
            raise ValueError(f"zoom must lie in [0.1, 10], got {self.zoom}")

    def of(self, image: Tensor) -> Tensor:
        """The view of an image: (N, C, *spatial) -> (N, C, *size(spatial)), floats of the same dtype."""
        shown = image if self.flip is None else image.flip(2 + self.flip)
        for axis, length in enumerate(image.shape[2:], 2):
            shown = _read(shown, axis, self._places(self._length(length), length, 1 / self.zoom))
        return shown

    def back(self, values: Tensor, size: Sequence[int]) -> Tensor:
        """What is said of the view's voxels, (N, K, *self.size(size)), at the voxels of the image: (N, K, *size). See `seen`."""
        for axis, length in enumerate(size, 2):
            values = _read(values, axis, self._places(length, self._length(length), self.zoom))
        if self.places is not None:
            values = values[:, list(self.places)]
        return values if self.flip is None else values.flip(2 + self.flip)

    def size(self, size: Sequence[int]) -> tuple[int, ...]:
        """The view's size for an image's."""
        return tuple(self._length(length) for length in size)

    def seen(self, size: Sequence[int]) -> Tensor:
        """Which voxels of the image lie between voxels of the view: bool (*size). Beyond them `back` continues the view's border."""
        inside = torch.ones((), dtype=torch.bool)
        for axis, length in enumerate(size):
            shown = self._length(length)
            places = self._places(length, shown, self.zoom)
            # Rounding must not decide about a voxel that lies on the view's last one.
            there = (places >= -_ROUNDING) & (places <= shown - 1 + _ROUNDING)
            inside = inside & there.view([-1 if other == axis else 1 for other in range(len(size))])
        # Mirrored about the middle, the same voxels are seen.
        return inside

    def _length(self, length: int) -> int:
        """From afar, as many voxels as fit between the image's first and last one."""
        return length if self.zoom >= 1 else 1 + math.floor((length - 1) * self.zoom + _ROUNDING)

    @staticmethod
    def _places(to: int, source: int, step: float) -> Tensor:
        """Where the `to` voxels of one grid lie in the other of `source` voxels: float64 (to,)."""
        return (source - 1) / 2 + (torch.arange(to, dtype=torch.float64) - (to - 1) / 2) * step


def _read(values: Tensor, axis: int, places: Tensor) -> Tensor:
    """Values at places along an axis, linearly, beyond the first and last voxel theirs."""
    length = values.shape[axis]
    places = places.clamp(0, length - 1)
    before = places.floor()
    share = places - before
    first = before.long().to(values.device)
    if not bool(share.any()):
        return values if torch.equal(before, torch.arange(length).double()) else values.index_select(axis, first)
    second = (first + 1).clamp(max=length - 1)
    share = share.to(values.device, values.dtype).view([-1 if other == axis else 1 for other in range(values.ndim)])
    return torch.lerp(values.index_select(axis, first), values.index_select(axis, second), share)


def views_of(plan: Plan) -> tuple[View, ...]:
    """The Q views of a plan. ValueError: Q is none of NUMBERS_OF_VIEWS.

    2: one nearer, one farther. 4 (the paper's): another farther one and a mirrored one. 6: another nearer one, and a mirrored one from afar.
    """
    if plan.views not in NUMBERS_OF_VIEWS:
        raise ValueError(f"views must be one of {', '.join(map(str, NUMBERS_OF_VIEWS))}, got {plan.views}")
    mirrored = _mirrored(plan)
    every = (
        View(NEAR),
        View(FAR),
        View(FARTHER),
        mirrored,
        View(NEARER),
        View(FAR, mirrored.flip, mirrored.places),
    )
    return every[: plan.views]


def _mirrored(plan: Plan) -> View:
    """The mirrored view: along an axis that the plan mirrors anyhow; else left to right, where each structure with a side has a twin.

    Where some have no twin, a left one would become a right one: then along the last axis that no side depends on (front to back, or along
    the body), which the network has not learned, but which the agreement of its views teaches it.
    """
    axes = (0, 1, 2) if plan.dimensions == "3d" else (1, 2)
    sides = left_right(plan.slice_axis)
    if mirror := [axis for axis in axes if axis in plan.mirror]:
        chosen = mirror[0]
    elif plan.twins and sides in axes:
        chosen = sides
    else:
        chosen = next(axis for axis in reversed(axes) if axis != sides)
    places = tuple(twin_places(plan)) if chosen == sides and plan.twins else None
    return View(flip=chosen - axes[0], places=places)


def enhanced(probabilities: Sequence[Tensor], seen: Sequence[Tensor]) -> Tensor:
    """The mean of probabilities (N, K, *spatial) over the views that see a voxel, each bool (*spatial) (Eq. 10, before the argmax)."""
    count = torch.stack([mask.to(probabilities[0].dtype) for mask in seen]).sum(0)
    summed = torch.stack([torch.where(mask, one, 0) for one, mask in zip(probabilities, seen, strict=True)]).sum(0)
    return summed / count
