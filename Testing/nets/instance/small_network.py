"""A small instance network, and a truth to learn from, for the tests of its parts."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from PartialLabelSegLib.nets.architecture import Architecture
from PartialLabelSegLib.nets.instance.network import InstanceNetwork
from PartialLabelSegLib.nets.instance.shape import InstanceShape
from PartialLabelSegLib.nets.instance.truth import Truth

K = 2


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def small_shape(**changes: Any) -> InstanceShape:
    backbone = Architecture(
        K, 3, widths=(4, 6, 8), norm=changes.pop("norm", "batch"), strides=changes.pop("strides", ())
    )
    return InstanceShape(backbone, **{"width": 8, "hidden": 12, "mask": 8, "pooled": 3, **changes})


def small_network(**changes: Any) -> InstanceNetwork:
    """Three levels, two structures, three channels."""
    return InstanceNetwork(small_shape(**changes), seeded())


def image(count: int = 2, size: tuple[int, int] = (32, 32), seed: int = 1) -> Tensor:
    return torch.randn(count, 3, *size, generator=seeded(seed))


def truth(
    boxes: list[list[int]], structures: list[int], size: tuple[int, int] = (32, 32), doubtful: list[int] | None = None
) -> Truth:
    """Whole boxes as instances; the last argument is one doubtful box of structure 0. Everything is known."""
    owner = torch.zeros(K, *size, dtype=torch.int32)
    for number, (box, structure) in enumerate(zip(boxes, structures), 1):
        owner[structure, box[0] : box[2], box[1] : box[3]] = number
    if doubtful:
        owner[0, doubtful[0] : doubtful[2], doubtful[1] : doubtful[3]] = -1
    doubts = [doubtful] if doubtful else []
    return Truth(
        torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4),
        torch.tensor(structures, dtype=torch.int64),
        owner,
        torch.tensor(doubts, dtype=torch.float32).reshape(-1, 4),
        torch.zeros(len(doubts), dtype=torch.int64),
        torch.ones(K, *size, dtype=torch.bool),
    )
