"""One U-Net for 2D and 3D, fully convolutional, with the features before the last 1x1 convolution in reach."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from .architecture import Architecture
from .blocks import convolution, initialise, initialise_output, level_block, step_up


class UNet(nn.Module):
    """U-Net of the given `Architecture`: (N, in_channels, *spatial) -> logits (N, structures, *spatial).

    Any spatial size is taken: an image that the total stride does not divide is continued by its last row and column
    (and slice) to the next size that it does, and the result is cut back, so no voxel of the input is lost or moved.
    The first weights are drawn from `generator`, or from torch's global one. On a CPU, batch norm is fastest in
    channels_last, instance and group norm in torch's ordinary layout.
    """

    def __init__(self, architecture: Architecture, generator: torch.Generator | None = None) -> None:
        super().__init__()
        shape = architecture
        widths, levels = shape.widths, range(len(shape.widths) - 1)
        self.architecture = shape
        self.down = nn.ModuleList([level_block(shape, 0, shape.in_channels)])
        self.down.extend(level_block(shape, i + 1, widths[i], shape.steps[i]) for i in levels)
        self.up = nn.ModuleList(step_up(shape, widths[i + 1], widths[i], shape.steps[i]) for i in reversed(levels))
        self.join = nn.ModuleList(level_block(shape, i, 2 * widths[i], decoder=True) for i in reversed(levels))
        self.output = convolution(shape.dimensions, widths[0], shape.structures, size=1)
        initialise(self, generator)
        initialise_output(self.output, shape.priors, generator)

    @property
    def feature_count(self) -> int:
        """Channels of `features`."""
        return self.architecture.widths[0]

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N, K, *spatial), float32 also under autocast."""
        return self.logits_from(self.features(x))

    def features(self, x: Tensor) -> Tensor:
        """Features (N, feature_count, *spatial) before the final 1x1 convolution."""
        size = x.shape[2:]
        x = self._padded(x)
        skips = []
        for block in self.down:
            x = block(x)
            skips.append(x)
        skips.pop()
        for up, join in zip(self.up, self.join, strict=True):
            x = join(torch.cat([skips.pop(), up(x)], dim=1))
        for axis, length in enumerate(size, start=2):
            x = x.narrow(axis, 0, length)
        return x

    def logits_from(self, features: Tensor) -> Tensor:
        """Logits (N, K, *spatial) of `features`, in the parameters' precision: rounded logits would rank as ties."""
        with torch.autocast(features.device.type, enabled=False):
            return self.output(features.to(self.output.weight.dtype))

    def _padded(self, x: Tensor) -> Tensor:
        if x.ndim != self.architecture.dimensions + 2 or x.shape[1] != self.architecture.in_channels:
            expected = f"(N, {self.architecture.in_channels}) and {self.architecture.dimensions} spatial axes"
            raise ValueError(f"the network's input must have {expected}, got {tuple(x.shape)}")
        missing = [-size % stride for size, stride in zip(x.shape[2:], self.architecture.total_stride, strict=True)]
        if not any(missing):
            return x
        behind = [amount for length in reversed(missing) for amount in (0, length)]
        return functional.pad(x, behind, mode="replicate")


def paper_unet(structures: int, in_channels: int = 1) -> UNet:
    """The 2D U-Net of INERRANT's Table 11, about 31 million parameters, with the prior of this project."""
    widths = (64, 128, 256, 512, 1024)
    return UNet(Architecture(structures, in_channels, widths=widths, norm="batch", layout="paper"))
