"""A small network that says from the image alone how large each structure is and where it lies."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from .blocks import LEAK, convolution, initialise, norm_layer

HEADS = ("map", "plain")


@dataclass(frozen=True)
class RegressorShape:
    """dimensions 2 (slices, with neighbours as channels) or 3 (volumes); structures: how many; head as in `SizeRegressor`."""

    dimensions: int
    channels: int
    structures: int
    head: str = "map"
    widths: tuple[int, ...] = (16, 32, 48)
    prior: float = 0.01

    def __post_init__(self) -> None:
        if self.dimensions not in (2, 3) or self.head not in HEADS or len(self.widths) < 2:
            raise ValueError(f"no such regressor, {self}")

    @property
    def attributes(self) -> int:
        """Size, and centroid and extent along each axis."""
        return 1 + 2 * self.dimensions


class SizeRegressor(nn.Module):
    """Of whole slices or volumes of any size.

    head 'map': a soft map (N, K, *spatial) in 0..1, how much of each voxel is the structure. Its sum times the voxel's size is the predicted size: never
    negative, growing with what is seen rather than with the size of the image, and linear in how much of it there is, so that sizes outside those learned from
    need no extrapolation. Its moments are centroid and extent.
    head 'plain': the attributes themselves, (N, K, 1 + 2 dimensions), from globally pooled features as in Kervadec et al.; times `scale`, sizes and extents positive.
    """

    scale: Tensor

    def __init__(self, shape: RegressorShape, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.shape = shape
        widths, self._mode = shape.widths, "bilinear" if shape.dimensions == 2 else "trilinear"
        inputs = (shape.channels, *widths[:-1])
        self.down = nn.ModuleList(
            _block(shape.dimensions, *pair, level > 0) for level, pair in enumerate(zip(inputs, widths))
        )
        if shape.head == "map":
            steps = list(zip(widths[:0:-1], widths[-2::-1]))
            self.up = nn.ModuleList(_block(shape.dimensions, deep + fine, fine, False) for deep, fine in steps)
            self.output = convolution(shape.dimensions, widths[0], shape.structures, 1)
        else:
            self.hidden = nn.Linear(2 * widths[-1], 64)
            self.attributes = nn.Linear(64, shape.structures * shape.attributes)
        self.register_buffer("scale", torch.ones(shape.structures, shape.attributes))
        initialise(self, generator)
        self._begin(generator)

    def _begin(self, generator: torch.Generator | None) -> None:
        with torch.no_grad():
            if self.shape.head == "map":
                bias = self.output.bias
                assert bias is not None
                self.output.weight.normal_(0, 0.01, generator=generator)
                bias.fill_(float(torch.logit(torch.tensor(self.shape.prior))))
                return
            for layer, spread in ((self.hidden, 0.1), (self.attributes, 0.01)):
                layer.weight.normal_(0, spread, generator=generator)
                layer.bias.zero_()

    @torch.no_grad()
    def begin_at(self, scale: Tensor, shares: Tensor) -> None:
        """scale (K, attributes): typical values of the plain head; shares (K,): the mean of each structure's map, which an untrained network then says everywhere."""
        self.scale.copy_(scale)
        if self.shape.head == "map":
            bias = self.output.bias
            assert bias is not None
            bias.copy_(torch.logit(shares))

    def forward(self, image: Tensor) -> Tensor:
        """image float (N, C, *spatial)."""
        return (
            torch.sigmoid(self.map_logits(image)) if self.shape.head == "map" else self._plain(self._levels(image)[-1])
        )

    def map_logits(self, image: Tensor) -> Tensor:
        """Of the soft map, before the sigmoid: float32 (N, K, *spatial)."""
        *finer, image = self._levels(image)
        for block, level in zip(self.up, reversed(finer)):
            wider = functional.interpolate(image, level.shape[2:], mode=self._mode, align_corners=False)
            image = block(torch.cat([wider, level], 1))
        found: Tensor = self.output(image).float()
        return found

    def _levels(self, image: Tensor) -> list[Tensor]:
        levels = []
        for block in self.down:
            image = block(image)
            levels.append(image)
        return levels

    def _plain(self, features: Tensor) -> Tensor:
        pooled = torch.cat([features.flatten(2).mean(2), features.flatten(2).amax(2)], 1)
        hidden = functional.leaky_relu(self.hidden(pooled), LEAK)
        values = self.attributes(hidden).float().view(len(features), self.shape.structures, self.shape.attributes)
        dimensions = self.shape.dimensions
        size, centroid, extent = values.split([1, dimensions, dimensions], 2)
        return torch.cat([functional.softplus(size), centroid, functional.softplus(extent)], 2) * self.scale


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
