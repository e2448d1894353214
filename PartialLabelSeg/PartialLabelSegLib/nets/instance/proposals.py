"""The region proposal network: for every anchor how likely a structure lies in it, and where its box would be (Faster R-CNN)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..blocks import convolution, initialise, initialise_output
from .boxes import at_least, clipped, decode
from .pyramid import in_float32
from .shape import RATIOS, InstanceShape, Selection
from .suppression import grouped_nms

SCORE_PRIOR = 0.05
"""Initial score of anchors and regions."""


@dataclass(frozen=True, eq=False)
class Proposed:
    """What the network says of A anchors: logits (N, A, K) per structure, deltas (N, A, 4), the anchors (A, 4), and their level (A,) int64."""

    logits: Tensor
    deltas: Tensor
    anchors: Tensor
    level: Tensor


class ProposalHead(nn.Module):
    """The same small head on every level of the pyramid: (N, width, h, w) -> `Proposed`.

    Each structure has its own objectness, so that where one was not looked for, the others are still learned.
    """

    def __init__(self, shape: InstanceShape, generator: torch.Generator | None = None) -> None:
        super().__init__()
        structures = shape.backbone.structures
        self.steps, self.anchor, self.structures = shape.steps, shape.anchor, structures
        self.body = nn.Sequential(convolution(2, shape.width, shape.width), nn.ReLU(inplace=True))
        self.score = convolution(2, shape.width, len(RATIOS) * structures, size=1)
        self.move = convolution(2, shape.width, len(RATIOS) * 4, size=1)
        initialise(self, generator)
        initialise_output(self.score, (SCORE_PRIOR,) * len(RATIOS) * structures, generator)
        initialise_output(self.move, (0.5,) * len(RATIOS) * 4, generator)

    def forward(self, levels: Sequence[Tensor]) -> Proposed:
        """Anchors go level after level, row after row, column after column, ratio after ratio. Logits and deltas are float32."""
        logits, deltas, boxes, numbers = [], [], [], []
        for number, (level, step) in enumerate(zip(levels, self.steps, strict=True)):
            hidden = self.body(level)
            own = anchors(level.shape[2:], step, self.anchor, level.device)
            logits.append(_per_anchor(in_float32(self.score, hidden), self.structures))
            deltas.append(_per_anchor(in_float32(self.move, hidden), 4))
            boxes.append(own)
            numbers.append(torch.full((len(own),), number, device=level.device))
        return Proposed(torch.cat(logits, 1), torch.cat(deltas, 1), torch.cat(boxes), torch.cat(numbers))


def _per_anchor(output: Tensor, values: int) -> Tensor:
    """(N, ratios * values, h, w) -> (N, h * w * ratios, values)."""
    return output.permute(0, 2, 3, 1).reshape(output.shape[0], -1, values)


def anchors(cells: Sequence[int], step: tuple[int, int], base: float, device: torch.device) -> Tensor:
    """One box per cell and ratio, centred on the cell, of the area of base x base cells: (rows * columns * ratios, 4) in voxels."""
    side = base * (step[0] * step[1]) ** 0.5
    ratio = torch.tensor(RATIOS, device=device).sqrt()
    half = torch.stack([side * ratio, side / ratio], 1) / 2
    rows = (torch.arange(cells[0], device=device) + 0.5) * step[0]
    columns = (torch.arange(cells[1], device=device) + 0.5) * step[1]
    middle = torch.stack(torch.meshgrid(rows, columns, indexing="ij"), -1)[:, :, None]
    return torch.cat([middle - half, middle + half], -1).reshape(-1, 4)


@torch.no_grad()
def best_proposals(proposed: Proposed, size: tuple[int, int], selection: Selection) -> list[Tensor]:
    """The boxes (n, 4) of each image that the box head should look at, the most likely first; they carry no gradient."""
    best = proposed.logits.amax(2)
    found = []
    for number in torch.unique(proposed.level).tolist():
        own = torch.nonzero(proposed.level == number)[:, 0]
        found.append(own[best[:, own].topk(min(selection.per_level, len(own)), 1).indices])
    places = torch.cat(found, 1)
    result = []
    for image, place in enumerate(places):
        boxes = clipped(decode(proposed.deltas[image, place], proposed.anchors[place]), size)
        whole = at_least(boxes, 1.0)
        boxes, place = boxes[whole], place[whole]
        kept = grouped_nms(boxes, best[image, place], proposed.level[place], selection.proposal_overlap)
        result.append(boxes[kept[: selection.proposals]])
    return result
