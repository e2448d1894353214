"""What both U-Nets share: images of any size by padding and cutting back, and the features before the last 1x1 convolution in reach."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional

from .architecture import Architecture
from .blocks import Convolution, convolution, initialise, initialise_output


class FullyConvolutional(nn.Module, ABC):
    """(N, in_channels, *spatial) -> logits (N, structures, *spatial), of the given `Architecture`.

    Any spatial size is taken: an image that the total stride does not divide is continued by its last row and column
    (and slice) to the next size that it does, and the result is cut back, so no voxel of the input is lost or moved.
    A network builds its parts, then calls `_finished`; `_decoded` is its way through them.
    """

    output: Convolution

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture

    def _finished(self, generator: torch.Generator | None) -> None:
        """Adds the last layer and draws the first weights, from `generator` or from torch's global one."""
        shape = self.architecture
        self.output = convolution(shape.dimensions, shape.widths[0], shape.structures, size=1)
        initialise(self, generator)
        initialise_output(self.output, shape.priors, generator)

    @abstractmethod
    def _decoded(self, x: Tensor) -> Tensor:
        """Features (N, feature_count, *spatial) of an image whose size the total stride divides."""

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
        x = self._decoded(self._padded(x))
        for axis, length in enumerate(size, start=2):
            x = x.narrow(axis, 0, length)
        return x

    def logits_from(self, features: Tensor) -> Tensor:
        """Logits (N, K, *spatial) of `features`, in the parameters' precision: rounded logits would rank as ties."""
        with torch.autocast(features.device.type, enabled=False):
            logits: Tensor = self.output(features.to(self.output.weight.dtype))
            return logits

    def _padded(self, x: Tensor) -> Tensor:
        if x.ndim != self.architecture.dimensions + 2 or x.shape[1] != self.architecture.in_channels:
            expected = f"(N, {self.architecture.in_channels}) and {self.architecture.dimensions} spatial axes"
            raise ValueError(f"the network's input must have {expected}, got {tuple(x.shape)}")
        missing = [-size % stride for size, stride in zip(x.shape[2:], self.architecture.total_stride, strict=True)]
        if not any(missing):
            return x
        behind = [amount for length in reversed(missing) for amount in (0, length)]
        return functional.pad(x, behind, mode="replicate")
