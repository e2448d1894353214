"""The parts a U-Net is built of, for two and three dimensions."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from .architecture import Architecture

LEAK = 0.01
Convolution = nn.Conv2d | nn.Conv3d

_CONVOLUTIONS: dict[int, Callable[..., Convolution]] = {2: nn.Conv2d, 3: nn.Conv3d}
_TRANSPOSED: dict[int, Callable[..., nn.Module]] = {2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
_POOLS = {2: nn.MaxPool2d, 3: nn.MaxPool3d}
_BATCH_NORMS = {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
_DROPOUTS = {2: nn.Dropout2d, 3: nn.Dropout3d}


def convolution(dimensions: int, inputs: int, outputs: int, size: int = 3, bias: bool = True) -> Convolution:
    """A convolution that keeps the size of the image (odd `size`)."""
    return _CONVOLUTIONS[dimensions](inputs, outputs, size, padding=size // 2, bias=bias)


def norm_layer(norm: str, dimensions: int, channels: int) -> list[nn.Module]:
    """The named norm as a list of no or one module; "instance" is group norm with one channel a group."""
    if norm == "none":
        return []
    if norm == "batch":
        return [_BATCH_NORMS[dimensions](channels)]
    # Group norm is what torch computes fastest per image on a CPU; instance norm reshapes and copies first.
    groups = channels if norm == "instance" else max(g for g in range(1, 9) if channels % g == 0)
    return [nn.GroupNorm(groups, channels)]


def activation(layout: str) -> nn.Module:
    """ReLU for the paper's layout, LeakyReLU otherwise; in place, since nothing before it needs its own output."""
    return nn.ReLU(inplace=True) if layout == "paper" else nn.LeakyReLU(LEAK, inplace=True)


def conv_unit(
    shape: Architecture, channels: tuple[int, int], norm: str, kernel: tuple[int, ...], step: tuple[int, ...]
) -> list[nn.Module]:
    """Convolution from `channels[0]` to `channels[1]` (strided by `step`), norm, activation."""
    padding = tuple(length // 2 for length in kernel)
    make = _CONVOLUTIONS[shape.dimensions]
    conv = make(*channels, kernel, stride=step, padding=padding, bias=norm == "none")
    return [conv, *norm_layer(norm, shape.dimensions, channels[1]), activation(shape.layout)]


def level_block(
    shape: Architecture, level: int, inputs: int, step: tuple[int, ...] | None = None, decoder: bool = False
) -> nn.Module:
    """The two convolutions of a level (0: the finest), after a step down to it by `step`.

    The paper's layout has no norm after the first convolution, and none at all in the last block of the decoder.
    """
    last = decoder and level == 0
    outputs, kernel = shape.widths[level], shape.kernel(level)
    paper, still = shape.layout == "paper", (1,) * shape.dimensions
    first_norm = "none" if paper else shape.norm
    second_norm = "none" if paper and last else shape.norm
    pool = [_POOLS[shape.dimensions](step)] if paper and step not in (None, still) else []
    first = conv_unit(shape, (inputs, outputs), first_norm, kernel, still if paper or step is None else step)
    drop = [_DROPOUTS[shape.dimensions](shape.dropout)] if shape.dropout and not last else []
    return nn.Sequential(*pool, *first, *conv_unit(shape, (outputs, outputs), second_norm, kernel, still), *drop)


class UpsampleConv(nn.Module):
    """Nearest-neighbour upsampling, then a 2x2 convolution that keeps the size, norm and ReLU (INERRANT, Table 11)."""

    def __init__(self, shape: Architecture, inputs: int, outputs: int, step: tuple[int, ...]) -> None:
        super().__init__()
        self.upsample = nn.Upsample(scale_factor=tuple(float(s) for s in step), mode="nearest")
        conv = _CONVOLUTIONS[shape.dimensions](inputs, outputs, 2, bias=shape.norm == "none")
        norm = norm_layer(shape.norm, shape.dimensions, outputs)
        self.convolve = nn.Sequential(conv, *norm, activation(shape.layout))
        # An even kernel has no centre: one row of zeros behind each axis, as "same" padding does.
        self.padding = (0, 1) * shape.dimensions

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, *spatial) -> (N, outputs, *(spatial * step))."""
        return self.convolve(functional.pad(self.upsample(x), self.padding))


def step_up(shape: Architecture, inputs: int, outputs: int, step: tuple[int, ...]) -> nn.Module:
    """From a level to the finer one above it: (N, inputs, *spatial) -> (N, outputs, *(spatial * step))."""
    if shape.layout == "paper":
        return UpsampleConv(shape, inputs, outputs, step)
    return _TRANSPOSED[shape.dimensions](inputs, outputs, step, stride=step)


def initialise(network: nn.Module, generator: torch.Generator | None = None) -> None:
    """He initialisation for every convolution below `network`, zero biases; drawn from `generator`, else globally."""
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.Conv3d, nn.ConvTranspose2d, nn.ConvTranspose3d)):
            nn.init.kaiming_normal_(module.weight, a=LEAK, generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def initialise_output(layer: Convolution, priors: tuple[float, ...], generator: torch.Generator | None = None) -> None:
    """Start a final 1x1 convolution at the probabilities `priors` (K,), nearly the same at every voxel."""
    assert layer.bias is not None, "the prior is set in the bias"
    log_odds = torch.logit(torch.tensor(priors, dtype=torch.float64))
    with torch.no_grad():
        layer.weight.normal_(0, 0.1 / layer.weight.shape[1] ** 0.5, generator=generator)
        layer.bias.copy_(log_odds)
