"""The nested U-Net (U-Net++, Zhou et al. 2018): between encoder and decoder of every level stand further nodes, each joined to all before it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .architecture import Architecture
from .blocks import level_block, step_up
from .fully_convolutional import FullyConvolutional


class UNetPlusPlus(FullyConvolutional):
    """U-Net++ of the given `Architecture`: (N, in_channels, *spatial) -> logits (N, structures, *spatial).

    Node X(i, j) of level i (0: the finest) and place j is Zhou et al. 2018, Eq. 1:
    `X(i, 0) = H(down(X(i-1, 0)))`, `X(i, j) = H([X(i, 0), ..., X(i, j-1), up(X(i+1, j-1))])` for j > 0, with i + j below the
    number of levels L: L (L + 1) / 2 nodes. The features are X(0, L-1). `encoder[i]` is H of X(i, 0); `up["i-j"]` and
    `join["i-j"]` make X(i, j). The output is that of the last node alone (no deep supervision).
    The first weights are drawn from `generator`, or from torch's global one.
    """

    def __init__(self, architecture: Architecture, generator: torch.Generator | None = None) -> None:
        super().__init__(architecture)
        shape, widths = architecture, architecture.widths
        self.encoder = nn.ModuleList([level_block(shape, 0, shape.in_channels)])
        self.encoder.extend(level_block(shape, i + 1, widths[i], shape.steps[i]) for i in range(len(shape.widths) - 1))
        self.up = nn.ModuleDict()
        self.join = nn.ModuleDict()
        for level, place in nested(len(widths)):
            self.up[f"{level}-{place}"] = step_up(shape, widths[level + 1], widths[level], shape.steps[level])
            inputs = (place + 1) * widths[level]
            self.join[f"{level}-{place}"] = level_block(shape, level, inputs, decoder=True)
        self._finished(generator)

    def _decoded(self, x: Tensor) -> Tensor:
        rows: list[list[Tensor]] = []
        for block in self.encoder:
            x = block(x)
            rows.append([x])
        for level, place in nested(len(rows)):
            name = f"{level}-{place}"
            lifted = self.up[name](rows[level + 1][place - 1])
            rows[level].append(self.join[name](torch.cat([*rows[level], lifted], dim=1)))
        return rows[0][-1]


def nested(levels: int) -> list[tuple[int, int]]:
    """(level, place) of the nodes after the encoder's, in an order in which each has what it needs: place by place."""
    return [(level, place) for place in range(1, levels) for level in range(levels - place)]
