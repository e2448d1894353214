"""The backbone and its feature pyramid (Feature Pyramid Networks): what the U-Net's encoder sees, told again at every level."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..blocks import convolution, initialise, level_block
from .shape import InstanceShape


class Pyramid(nn.Module):
    """(N, in_channels, H, W) -> one (N, width, H / step, W / step) per level, from the second level of the encoder on.

    An image that the total step does not divide is continued by its last row and column, as in the U-Net.
    """

    def __init__(self, shape: InstanceShape, generator: torch.Generator | None = None) -> None:
        super().__init__()
        backbone = shape.backbone
        levels = range(len(backbone.widths) - 1)
        self.shape = shape
        self.down = nn.ModuleList([level_block(backbone, 0, backbone.in_channels)])
        self.down.extend(level_block(backbone, i + 1, backbone.widths[i], backbone.steps[i]) for i in levels)
        self.lateral = nn.ModuleList(convolution(2, width, shape.width, size=1) for width in backbone.widths[1:])
        self.smooth = nn.ModuleList(convolution(2, shape.width, shape.width) for _ in levels)
        initialise(self, generator)

    def forward(self, image: Tensor) -> list[Tensor]:
        """The levels, finest first."""
        x, seen = self._padded(image), []
        for block in self.down:
            x = block(x)
            seen.append(x)
        told = [lateral(level) for lateral, level in zip(self.lateral, seen[1:], strict=True)]
        for coarse, fine in pairwise(reversed(range(len(told)))):
            told[fine] = told[fine] + functional.interpolate(told[coarse], size=told[fine].shape[2:])
        return [smooth(level) for smooth, level in zip(self.smooth, told, strict=True)]

    def _padded(self, image: Tensor) -> Tensor:
        backbone = self.shape.backbone
        if image.ndim != 4 or image.shape[1] != backbone.in_channels:
            raise ValueError(f"the network's input must be (N, {backbone.in_channels}, H, W), got {tuple(image.shape)}")
        missing = [-size % stride for size, stride in zip(image.shape[2:], backbone.total_stride, strict=True)]
        return functional.pad(image, (0, missing[1], 0, missing[0]), mode="replicate") if any(missing) else image


def finest(levels: list[Tensor], size: tuple[int, int], step: tuple[int, int]) -> Tensor:
    """The finest level (N, C, ...) of `step` voxels a cell, brought linearly to an image of `size`."""
    level = levels[0]
    whole = (level.shape[2] * step[0], level.shape[3] * step[1])
    spread = functional.interpolate(level, size=whole, mode="bilinear", align_corners=False)
    return spread[:, :, : size[0], : size[1]]


def in_float32(layer: nn.Module, x: Tensor) -> Tensor:
    """The layer's output in its parameters' precision, also under autocast: rounded logits would rank as ties."""
    with torch.autocast(x.device.type, enabled=False):
        return layer(x.to(next(layer.parameters()).dtype))
