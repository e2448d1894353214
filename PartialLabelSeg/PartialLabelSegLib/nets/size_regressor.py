"""A small network that says from the image alone how large each structure is and where it lies."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from .blocks import LEAK, convolution, initialise, norm_layer


@dataclass(frozen=True)
class RegressorShape:
    """dimensions 2 (slices, with neighbours as channels) or 3 (volumes); structures: how many; prior: the mean of an untrained map."""

    dimensions: int
    channels: int
    structures: int
    widths: tuple[int, ...] = (16, 32, 48)
    prior: float = 0.01

    def __post_init__(self) -> None:
        if self.dimensions not in (2, 3) or len(self.widths) < 2:
            raise ValueError(f"no such regressor, {self}")


class SizeRegressor(nn.Module):
    """Of whole slices or volumes of any size.

    It gives a soft map (N, K, *spatial) in 0..1, how much of each voxel is the structure. Its sum times the voxel's size is the predicted size: never
    negative, growing with what is seen rather than with the size of the image, and linear in how much of it there is, so that sizes outside those learned from
    need no extrapolation. Its moments are centroid and extent.
    """

    def __init__(self, shape: RegressorShape, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.shape = shape
        widths, self._mode = shape.widths, "bilinear" if shape.dimensions == 2 else "trilinear"
        inputs = (shape.channels, *widths[:-1])
        self.down = nn.ModuleList(
            _block(shape.dimensions, *pair, level > 0) for level, pair in enumerate(zip(inputs, widths))
        )
        steps = list(zip(widths[:0:-1], widths[-2::-1]))
        self.up = nn.ModuleList(_block(shape.dimensions, deep + fine, fine, False) for deep, fine in steps)
        self.output = convolution(shape.dimensions, widths[0], shape.structures, 1)
        initialise(self, generator)
        with torch.no_grad():
            self.output.weight.normal_(0, 0.01, generator=generator)
        self.begin_at(torch.full((shape.structures,), shape.prior))

    @torch.no_grad()
    def begin_at(self, shares: Tensor) -> None:
        """shares (K,): the mean of each structure's map, which an untrained network then says everywhere."""
        bias = self.output.bias
        assert bias is not None
        bias.copy_(torch.logit(shares))

    def forward(self, image: Tensor) -> Tensor:
        """image float (N, C, *spatial)."""
        return torch.sigmoid(self.map_logits(image))

    def map_logits(self, image: Tensor) -> Tensor:
        """Of the soft map, before the sigmoid: float32 (N, K, *spatial)."""
        levels = []
        for block in self.down:
            image = block(image)
            levels.append(image)
        *finer, image = levels
        for block, level in zip(self.up, reversed(finer)):
            wider = functional.interpolate(image, level.shape[2:], mode=self._mode, align_corners=False)
            image = block(torch.cat([wider, level], 1))
        found: Tensor = self.output(image).float()
        return found


def _block(dimensions: int, inputs: int, outputs: int, halve: bool) -> nn.Module:
    """Two convolutions with group norm; the first halves the size where wanted."""
    first = convolution(dimensions, inputs, outputs, bias=False)
    if halve:
        first.stride = (2,) * dimensions
    second = convolution(dimensions, outputs, outputs, bias=False)
    parts: list[nn.Module] = []
    for layer in (first, second):
        parts += [layer, *norm_layer("group", dimensions, outputs), nn.LeakyReLU(LEAK, inplace=True)]
    return nn.Sequential(*parts)
