"""Whole-volume prediction: slice batches in 2D and 2.5D, a sliding window with smooth blending in 3D; then back onto the scan's own grid, one structure at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product

import numpy as np
import SimpleITK as sitk
import torch
from torch import Tensor, nn

from ..config import Plan
from ..data.geometry import Grid, resample_image, smoothing_sigma
from ..run.failure import Failure
from .device import Device, free_unused, is_out_of_memory
from .prepared import from_network_order, prepared_grid

SLICES_AT_ONCE = 16


@torch.inference_mode()
def predict_volume(network: nn.Module, image: np.ndarray, plan: Plan, device: Device) -> Tensor:
    """Sigmoid outputs, float32 (K, slice, row, column) on the cpu, of a prepared image (slice, row, column)."""
    network.eval()
    volume = torch.from_numpy(image.astype(np.float32))
    run = _in_windows if plan.dimensions == "3d" else _in_slices
    return run(network, volume, plan, device)


def _probabilities(network: nn.Module, batch: Tensor, plan: Plan, device: Device) -> Tensor:
    with device.autocast():
        return torch.sigmoid(network(on_device(batch, plan, device)).float())


def on_device(batch: Tensor, plan: Plan, device: Device) -> Tensor:
    """A batch where and as the network takes it fastest."""
    return batch.to(device.torch).contiguous(memory_format=device.memory_format(plan))


def _in_slices(network: nn.Module, volume: Tensor, plan: Plan, device: Device) -> Tensor:
    result = torch.empty((len(plan.structures), *volume.shape))

    def compute(first: int, last: int, slices: Tensor) -> None:
        out = _probabilities(network, slices, plan, device)
        result[:, first:last] = out.movedim(0, 1).cpu()

    over_slices(volume, plan, device, compute)
    return result


def over_slices(volume: Tensor, plan: Plan, device: Device, compute: Callable[[int, int, Tensor], None]) -> None:
    """Calls `compute(first, last, slices)` over the slices of a volume (slice, row, column), some at once, fewer when memory runs out.

    slices: (last - first, channels, row, column), each with its neighbours as channels; beyond the first and last slice these repeat.
    """
    depth, reach = volume.shape[0], (plan.channels - 1) // 2
    neighbours = torch.arange(depth)[:, None] + torch.arange(-reach, reach + 1)[None, :]
    neighbours = neighbours.clamp(0, depth - 1)
    _halving(lambda first, last: compute(first, last, volume[neighbours[first:last]]), depth, SLICES_AT_ONCE, device)


def _halving(compute: Callable[[int, int], None], count: int, at_once: int, device: Device) -> None:
    """Calls `compute(first, last)` over 0..count; when memory runs out, with half as many at once. Failure where one is too many."""
    first = 0
    while first < count:
        last = min(count, first + at_once)
        try:
            compute(first, last)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
        else:
            first = last
            continue
        if at_once == 1:
            raise Failure(
                "Memory ran out although a single slice or window was predicted at once.",
                way_out="Close other programs, or choose --device cpu.",
            )
        at_once = max(1, at_once // 2)
        free_unused(device)


def _in_windows(network: nn.Module, volume: Tensor, plan: Plan, device: Device) -> Tensor:
    def compute(windows: Tensor) -> Tensor:
        return _probabilities(network, windows, plan, device).cpu()

    return over_windows(volume, plan, device, len(plan.structures), compute)


def over_windows(
    volume: Tensor, plan: Plan, device: Device, channels: int, compute: Callable[[Tensor], Tensor]
) -> Tensor:
    """float32 (channels, slice, row, column): what `compute` gives for overlapping windows of a volume (slice, row, column), blended.

    compute: windows (n, 1, *patch) -> (n, channels, *patch) on the cpu; fewer windows at once when memory runs out.
    """
    patch = tuple(min(size, -(-length // 16) * 16) for size, length in zip(plan.patch, volume.shape))
    padded = _padded(volume, patch, (plan.intensity.low - plan.intensity.mean) / plan.intensity.std)
    importance = _bump(patch)
    total = torch.zeros((channels, *padded.shape))
    weight = torch.zeros(padded.shape)
    corners = list(product(*(_starts(length, size, plan.overlap) for length, size in zip(padded.shape, patch))))

    def some(first: int, last: int) -> None:
        spans = [
            tuple(slice(start, start + size) for start, size in zip(corner, patch)) for corner in corners[first:last]
        ]
        for span, found in zip(spans, compute(torch.stack([padded[span] for span in spans])[:, None])):
            total[(slice(None), *span)] += found * importance
            weight[span] += importance

    _halving(some, len(corners), max(1, plan.batch), device)
    total /= weight
    return total[(slice(None), *(slice(0, length) for length in volume.shape))]


def _padded(volume: Tensor, patch: tuple[int, ...], darkest: float) -> Tensor:
    missing = [max(0, size - length) for size, length in zip(patch, volume.shape)]
    if not any(missing):
        return volume
    behind = [amount for length in reversed(missing) for amount in (0, length)]
    return nn.functional.pad(volume, behind, value=darkest)


def _starts(length: int, size: int, overlap: float) -> list[int]:
    """Evenly spread first voxels of windows of `size` that cover `length` with at least the given share of overlap."""
    if length <= size:
        return [0]
    count = int(np.ceil((length - size) / (size * (1 - overlap)))) + 1
    return [round(position) for position in np.linspace(0, length - size, count)]


def _bump(patch: tuple[int, ...]) -> Tensor:
    """A Gaussian that weighs the middle of a window most (sigma an eighth of its size, never below 1/1000)."""
    bump = torch.ones(patch)
    for axis, size in enumerate(patch):
        position = (torch.arange(size) - (size - 1) / 2) / (size / 8)
        bump = bump * torch.exp(-0.5 * position**2).view([size if a == axis else 1 for a in range(3)])
    return bump.clamp(min=1e-3)


def on_scan_grid(volume: Tensor | np.ndarray, grid: Grid, plan: Plan) -> np.ndarray:
    """One structure's values (slice, row, column) on the scan's own grid: float32 (z, y, x), linear; beyond the prepared grid as at its border."""
    source = prepared_grid(grid, plan)
    array = from_network_order(np.asarray(volume, np.float32), plan)
    places = _places(source, grid)
    if any(smoothing_sigma(old, grid.spacing_mm[own]) > 0 for old, (own, _) in zip(source.spacing_mm, places)):
        return sitk.GetArrayFromImage(resample_image(source.image(np.ascontiguousarray(array)), grid))
    return _interpolated(torch.from_numpy(array), places)


def _places(source: Grid, grid: Grid) -> list[tuple[int, np.ndarray]]:
    """For each array axis of `source`: the array axis of `grid` that runs along it, and where the voxels of `grid` lie on it, in voxels of `source`."""
    inverse = np.linalg.inv(np.reshape(source.direction, (3, 3)))
    turned = inverse @ np.reshape(grid.direction, (3, 3))
    start = inverse @ np.subtract(grid.origin, source.origin)
    places = []
    for axis in (2, 1, 0):
        own = int(np.argmax(np.abs(turned[axis])))
        step = turned[axis, own] * grid.spacing[own]
        places.append((2 - own, (start[axis] + step * np.arange(grid.size[own])) / source.spacing[axis]))
    return places


def _interpolated(values: Tensor, places: list[tuple[int, np.ndarray]]) -> np.ndarray:
    """Linear interpolation axis by axis, a few slices at a time: several times faster than one that knows nothing of parallel axes."""
    sides = [_sides(positions, length) for (_, positions), length in zip(places, values.shape)]
    shape = {own: len(positions) for own, positions in places}
    result = torch.empty([shape[axis] for axis in range(3)])
    target = result.permute([own for own, _ in places])
    for first in range(0, target.shape[0], SLICES_AT_ONCE):
        low, high, share = (part[first : first + SLICES_AT_ONCE] for part in sides[0])
        slab = _mixed(_mixed(values, 0, (low, high, share)), 2, sides[2])
        target[first : first + SLICES_AT_ONCE] = _mixed(slab, 1, sides[1])
    return result.numpy()


def _sides(positions: np.ndarray, length: int) -> tuple[Tensor, Tensor, Tensor]:
    """The voxels below and above each position on an axis, and the share of the upper one."""
    inside = torch.from_numpy(np.clip(positions, 0, length - 1))
    low = inside.floor().long()
    return low, (low + 1).clamp(max=length - 1), (inside - low).float()


def _mixed(values: Tensor, axis: int, sides: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    low, high, share = sides
    along = share.view([-1 if other == axis else 1 for other in range(3)])
    return values.index_select(axis, low).lerp_(values.index_select(axis, high), along)


def exclusive_labels(volumes: Iterator[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """argmax_k where the largest is >= 0.5, else 0 (INERRANT, section 3.1.1), one structure's volume at a time.

    Returns the label map uint8 and the largest probability float32, both (z, y, x).
    """
    best = np.zeros(0, np.float32)
    label = np.zeros(0, np.uint8)
    for value, volume in enumerate(volumes, 1):
        if value == 1:
            best, label = volume.copy(), np.ones(volume.shape, np.uint8)
            continue
        np.putmask(label, volume > best, value)
        np.maximum(best, volume, out=best)
    label[best < 0.5] = 0
    return label, best
