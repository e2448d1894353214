"""What a U-Net looks like: plain values that fit into JSON and a checkpoint, checked when they are made."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, prod

Stride = int | tuple[int, ...]

NORMS = ("batch", "instance", "group", "none")
LAYOUTS = ("plain", "paper")
DEFAULT_PRIOR = 1 / (1 + exp(5))
"""Initial output probability with log-odds -5: with a bias of 0 small structures are never learned."""


@dataclass(frozen=True)
class Architecture:
    """A U-Net of `len(widths)` levels for `structures` independent sigmoid outputs.

    strides: the step down from each level to the next, len(widths) - 1 entries, an int or one number per axis
    (z, y, x or y, x) so that thick slices need not be pooled; empty means 2 everywhere.
    layout: "plain" (a norm after every convolution, LeakyReLU, strided convolutions down, transposed ones up) or
    "paper" (Table 11 of INERRANT: norm after the second convolution, ReLU, max pooling, upsampling + 2x2 convolution).
    prior: initial output probability, one number or one per structure. dropout: share of channels dropped per block.
    flat_levels: in 3D, how many levels from the first look within single slices (1x3x3): most of the work of a 3D network
    lies in its finest levels, and the coarser ones see along the slices anyhow.
    """

    structures: int
    in_channels: int = 1
    dimensions: int = 2
    widths: tuple[int, ...] = (24, 48, 96, 192)
    strides: tuple[Stride, ...] = ()
    norm: str = "batch"
    layout: str = "plain"
    prior: float | tuple[float, ...] = DEFAULT_PRIOR
    dropout: float = 0.0
    flat_levels: int = 0

    def __post_init__(self) -> None:
        _require(self.structures >= 1, "structures", "at least 1", self.structures)
        _require(self.in_channels >= 1, "in_channels", "at least 1", self.in_channels)
        _require(self.dimensions in (2, 3), "dimensions", "2 or 3", self.dimensions)
        _require(len(self.widths) >= 2 and min(self.widths) >= 1, "widths", "two or more levels", self.widths)
        _require(self.norm in NORMS, "norm", f"one of {NORMS}", self.norm)
        _require(self.layout in LAYOUTS, "layout", f"one of {LAYOUTS}", self.layout)
        _require(0 <= self.dropout < 1, "dropout", "in [0, 1)", self.dropout)
        _require(0 <= self.flat_levels <= len(self.widths), "flat_levels", "a number of levels", self.flat_levels)
        _require(all(0 < p < 1 for p in self.priors), "prior", "strictly between 0 and 1", self.prior)
        _require(len(self.priors) == self.structures, "prior", f"one number or {self.structures}", self.prior)
        _require(len(self.strides) in (0, len(self.widths) - 1), "strides", "one per step down", self.strides)
        for stride in self.strides:
            lengths = stride if isinstance(stride, tuple) else (stride,) * self.dimensions
            allowed = len(lengths) == self.dimensions and min(lengths) >= 1
            _require(allowed, "strides", f"{self.dimensions} positive numbers per step", stride)

    @property
    def steps(self) -> tuple[tuple[int, ...], ...]:
        """The strides, one number per axis, from the first level down."""
        strides = self.strides or (2,) * (len(self.widths) - 1)
        return tuple(s if isinstance(s, tuple) else (s,) * self.dimensions for s in strides)

    @property
    def total_stride(self) -> tuple[int, ...]:
        """How much coarser the last level is than the input, per axis."""
        return tuple(prod(step[axis] for step in self.steps) for axis in range(self.dimensions))

    def kernel(self, level: int) -> tuple[int, ...]:
        """The size of the convolutions of a level, counted from the finest."""
        flat = self.dimensions == 3 and level < self.flat_levels
        return (1, 3, 3) if flat else (3,) * self.dimensions

    @property
    def priors(self) -> tuple[float, ...]:
        """The initial output probability of each structure."""
        return self.prior if isinstance(self.prior, tuple) else (self.prior,) * self.structures


def _require(holds: bool, name: str, allowed: str, given: object) -> None:
    if not holds:
        raise ValueError(f"{name} must be {allowed}, got {given}")
