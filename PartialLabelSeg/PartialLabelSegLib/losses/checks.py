"""Predicates at the door of every loss: what is wrong, what is allowed, what was given."""

from __future__ import annotations

import torch
from torch import Tensor


def check_same_shape(first: Tensor, **others: Tensor) -> None:
    """Raise ValueError unless every tensor has the shape of the `first`, which is (N, K, *spatial).

    Looks at shapes only, so it never waits for a device.
    """
    if first.ndim < 3:
        raise ValueError(f"a loss takes (N, K, *spatial) with at least one spatial axis, got {tuple(first.shape)}")
    for name, other in others.items():
        if other.shape != first.shape:
            raise ValueError(f"{name} must have the shape {tuple(first.shape)}, got {tuple(other.shape)}")


def check_floating(name: str, tensor: Tensor) -> None:
    """Raise ValueError unless `tensor` is float16, bfloat16, float32 or float64; looks at the dtype only."""
    if not tensor.is_floating_point():
        raise ValueError(f"{name} must be a floating-point tensor, got {tensor.dtype}")


def check_range(name: str, value: Tensor | float, low: float, high: float) -> None:
    """Raise ValueError unless every value lies in [low, high] (NaN does not).

    For a tensor this reads the values and so waits for the device: meant for input checked once, not for each step.
    """
    if not isinstance(value, Tensor):
        if not low <= value <= high:
            raise ValueError(f"{name} must lie in [{low}, {high}], got {value}")
        return
    if value.numel() == 0 or (value.dtype == torch.bool and low <= 0 and high >= 1):
        return
    smallest, largest = (float(extreme) for extreme in torch.aminmax(value))
    if not (low <= smallest and largest <= high):
        raise ValueError(f"{name} must lie in [{low}, {high}], got values in [{smallest}, {largest}]")
