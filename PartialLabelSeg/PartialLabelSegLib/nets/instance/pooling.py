"""Region pooling (RoIAlign, Mask R-CNN): what a feature map shows in a box, on a small square grid."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .vision import vision_operators


def roi_align(features: Tensor, boxes: Tensor, image: Tensor, size: int, samples: int = 2) -> Tensor:
    """Features (N, C, H, W) in boxes (R, 4), in cells of the feature map, of the images (R,) int64: float32 (R, C, size, size).

    Each of the size x size cells is the mean of samples x samples bilinear samples (samples <= 0: as many as the cell is long, rounded up),
    where the middle of the first feature cell lies at 0.5 (torchvision: aligned=True). Samples more than one cell outside the map count
    as 0. torchvision's where it is installed, else `plain_roi_align`; in float32, also under autocast. Boxes get no gradient.
    """
    operators = vision_operators()
    with torch.autocast(features.device.type, enabled=False):
        features, boxes = features.float(), boxes.detach().float()
        if operators is None:
            return plain_roi_align(features, boxes, image, size, samples)
        # torchvision's order is image, left, top, right, bottom.
        rows = torch.cat([image[:, None].float(), boxes[:, [1, 0, 3, 2]]], 1)
        return operators.roi_align(features, rows, (size, size), 1.0, samples, True)


def plain_roi_align(features: Tensor, boxes: Tensor, image: Tensor, size: int, samples: int = 2) -> Tensor:
    """The same in plain torch: a bilinear sample is a product of a weight per row and one per column, and so is their mean over a cell.

    Pooling is therefore one matrix product from the left and one from the right: repeatable on every device, and fast without own kernels.
    """
    result = features.new_zeros((boxes.shape[0], features.shape[1], size, size))
    rows = _axis_weights(boxes[:, 0], boxes[:, 2], size, samples, features.shape[2])
    columns = _axis_weights(boxes[:, 1], boxes[:, 3], size, samples, features.shape[3])
    for index in torch.unique(image).tolist():
        mine = torch.nonzero(image == index)[:, 0]
        left = torch.einsum("rph,chw->rcpw", rows[mine], features[index])
        result = result.index_copy(0, mine, left @ columns[mine].transpose(1, 2)[:, None])
    return result


def pool_each(planes: Tensor, boxes: Tensor, size: int, samples: int = 2) -> Tensor:
    """RoIAlign of box r (R, 4) from its own planes r (R, C, H, W): float32 (R, C, size, size)."""
    planes, boxes = planes.float(), boxes.float()
    rows = _axis_weights(boxes[:, 0], boxes[:, 2], size, samples, planes.shape[2])
    columns = _axis_weights(boxes[:, 1], boxes[:, 3], size, samples, planes.shape[3])
    return rows[:, None] @ planes @ columns.transpose(1, 2)[:, None]


def _axis_weights(low: Tensor, high: Tensor, size: int, samples: int, extent: int) -> Tensor:
    """How much each of `extent` feature cells of an axis counts in each of `size` cells from `low` to `high` (R,): (R, size, extent)."""
    step = (high - low) / size
    count = torch.full_like(step, samples) if samples > 0 else step.ceil().clamp(min=0)
    most = int(count.max()) if len(count) else 0
    if most == 0:
        return low.new_zeros((len(low), size, extent))
    cell = torch.arange(size, device=low.device)[None, :, None]
    sample = torch.arange(most, device=low.device)[None, None, :]
    number = count.clamp(min=1)[:, None, None]
    place = low[:, None, None] - 0.5 + (cell + (sample + 0.5) / number) * step[:, None, None]
    counts = (sample < count[:, None, None]) & (place >= -1) & (place <= extent)
    place = place.clamp(0, extent - 1)
    grid = torch.arange(extent, device=low.device)
    hat = (1 - (place[..., None] - grid).abs()).clamp(min=0)
    return (hat * (counts / number)[..., None]).sum(2)


def pool_pyramid(
    levels: Sequence[Tensor], boxes: Sequence[Tensor], steps: Sequence[tuple[int, int]], base: float, size: int
) -> Tensor:
    """Boxes of each image, in voxels, pooled from the level of the pyramid that suits their size: (R, C, size, size), image after image.

    levels: (N, C, H, W) each, finest first, of `steps` (rows, columns) voxels a cell. A box whose side is `base` cells of a level is
    pooled there: every doubling of the side goes one level down (Feature Pyramid Networks, Eq. 1).
    """
    every = torch.cat(list(boxes))
    image = torch.cat([torch.full((len(own),), i, device=every.device) for i, own in enumerate(boxes)])
    result = levels[0].new_zeros((len(every), levels[0].shape[1], size, size), dtype=torch.float32)
    chosen = level_of(every, steps, base)
    for number, (level, step) in enumerate(zip(levels, steps, strict=True)):
        mine = torch.nonzero(chosen == number)[:, 0]
        if len(mine):
            scale = every.new_tensor([1 / step[0], 1 / step[1]] * 2)
            result = result.index_copy(0, mine, roi_align(level, every[mine] * scale, image[mine], size))
    return result


def level_of(boxes: Tensor, steps: Sequence[tuple[int, int]], base: float) -> Tensor:
    """The level (n,) int64 whose cells are nearest, in powers of two, to 1 / base of the side of each box (n, 4)."""
    sides = (boxes[:, 2:] - boxes[:, :2]).clamp(min=1e-3).prod(1).sqrt()
    cells = boxes.new_tensor([(step[0] * step[1]) ** 0.5 * base for step in steps])
    return (torch.log2(sides)[:, None] - torch.log2(cells)[None]).abs().argmin(1)
