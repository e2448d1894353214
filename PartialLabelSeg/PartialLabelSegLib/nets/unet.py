"""One U-Net for 2D and 3D, fully convolutional, with the features before the last 1x1 convolution in reach."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .architecture import Architecture
from .blocks import level_block, step_up
from .fully_convolutional import FullyConvolutional


class UNet(FullyConvolutional):
    """U-Net of the given `Architecture`: (N, in_channels, *spatial) -> logits (N, structures, *spatial).

    The first weights are drawn from `generator`, or from torch's global one. On a CPU, batch norm is fastest in
    channels_last, instance and group norm in torch's ordinary layout.
    """

    def __init__(self, architecture: Architecture, generator: torch.Generator | None = None) -> None:
        super().__init__(architecture)
        shape = architecture
        widths, levels = shape.widths, range(len(shape.widths) - 1)
        self.down = nn.ModuleList([level_block(shape, 0, shape.in_channels)])
        self.down.extend(level_block(shape, i + 1, widths[i], shape.steps[i]) for i in levels)
        self.up = nn.ModuleList(step_up(shape, widths[i + 1], widths[i], shape.steps[i]) for i in reversed(levels))
        self.join = nn.ModuleList(level_block(shape, i, 2 * widths[i], decoder=True) for i in reversed(levels))
        self._finished(generator)

    def _decoded(self, x: Tensor) -> Tensor:
        skips = []
        for block in self.down:
            x = block(x)
            skips.append(x)
        skips.pop()
        for up, join in zip(self.up, self.join, strict=True):
            x = join(torch.cat([skips.pop(), up(x)], dim=1))
        return x


def paper_unet(structures: int, in_channels: int = 1) -> UNet:
    """The 2D U-Net of INERRANT's Table 11, about 31 million parameters, with the prior of this project."""
    widths = (64, 128, 256, 512, 1024)
    return UNet(Architecture(structures, in_channels, widths=widths, norm="batch", layout="paper"))
