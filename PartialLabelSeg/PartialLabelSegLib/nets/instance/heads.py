"""The heads of the instance network: what lies in a region and where exactly (box head), and its outline (mask head)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..blocks import conv_unit, convolution, initialise, initialise_output
from .proposals import SCORE_PRIOR
from .pyramid import in_float32
from .shape import InstanceShape

UNITS = (10.0, 5.0)
"""The box head's deltas are larger numbers than the proposals', whose boxes are farther off (Fast R-CNN)."""
_SAME, _HALF = (1, 1), (2, 2)
_KERNEL = (3, 3)


class BoxHead(nn.Module):
    """Pooled regions (R, width, pooled, pooled) -> logits (R, K), one per structure, and deltas (R, 4), float32.

    Scores are independent sigmoids, not a softmax: a structure that was not looked for says nothing of the others. A region is moved the
    same way for all structures.
    """

    def __init__(self, shape: InstanceShape, generator: torch.Generator | None = None) -> None:
        super().__init__()
        first = nn.Linear(shape.width * shape.pooled**2, shape.hidden)
        second = nn.Linear(shape.hidden, shape.hidden)
        self.body = nn.Sequential(nn.Flatten(), first, nn.ReLU(inplace=True), second, nn.ReLU(inplace=True))
        self.score = nn.Linear(shape.hidden, shape.backbone.structures)
        self.move = nn.Linear(shape.hidden, 4)
        for layer, gain in ((first, 2.0), (second, 2.0), (self.score, 0.01), (self.move, 0.01)):
            with torch.no_grad():
                layer.weight.normal_(0, (gain / layer.in_features) ** 0.5, generator=generator)
                layer.bias.zero_()
        nn.init.constant_(self.score.bias, float(torch.logit(torch.tensor(SCORE_PRIOR))))

    def forward(self, pooled: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (R, K) and deltas (R, 4)."""
        hidden = self.body(pooled)
        return in_float32(self.score, hidden), in_float32(self.move, hidden)


class MaskHead(nn.Module):
    """Pooled regions (R, width, pooled, pooled) -> mask logits (R, K, mask, mask), float32.

    "plain" (Mask R-CNN): regions of half the mask's size, four convolutions, one step up. "improved" (iMaskRCNN, Felfeliyan et al. 2022: a
    RoIAlign more, one layer more, and a skip connection, as in a U-Net): regions of the mask's full size, an encoder layer on them before
    a step down, and a skip connection from it past that step, so that outlines keep what the coarse convolutions lose. The soft-label
    paper prints no sizes; these are ours, and the coarse half is computed from the fine one instead of being pooled by itself.
    """

    def __init__(self, shape: InstanceShape, generator: torch.Generator | None = None) -> None:
        super().__init__()
        width, improved = shape.width, shape.mask_head == "improved"
        self.improved, self.pooled = improved, shape.mask if improved else shape.mask // 2
        self.encode = nn.Sequential(*_unit(shape, width)) if improved else nn.Identity()
        middle = [*_unit(shape, width, step=_HALF if improved else _SAME)]
        for _ in range(1 if improved else 3):
            middle += _unit(shape, width)
        self.middle = nn.Sequential(*middle)
        self.up = nn.ConvTranspose2d(width, width, 2, stride=2)
        self.join = nn.Sequential(*_unit(shape, 2 * width)) if improved else nn.ReLU(inplace=True)
        self.output = convolution(2, width, shape.backbone.structures, size=1)
        initialise(self, generator)
        initialise_output(self.output, (0.5,) * shape.backbone.structures, generator)

    def forward(self, pooled: Tensor) -> Tensor:
        """Mask logits of every structure."""
        detail = self.encode(pooled)
        up = self.up(self.middle(detail))
        hidden = self.join(torch.cat([detail, up], 1) if self.improved else up)
        return in_float32(self.output, hidden)


def _unit(shape: InstanceShape, inputs: int, step: tuple[int, int] = _SAME) -> list[nn.Module]:
    """Convolution, group norm (a batch of few regions has no statistics of its own), activation."""
    return conv_unit(shape.backbone, (inputs, shape.width), "group", _KERNEL, step)
