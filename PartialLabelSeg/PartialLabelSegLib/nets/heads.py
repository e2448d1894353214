"""The learned confidence: a head on the segmentation's features, and the network that trains it (INERRANT 3.2.2)."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from itertools import pairwise

import torch
from torch import Tensor, nn

from .blocks import convolution, initialise
from .segmenter import Segmenter


class ConfidenceHead(nn.Module):
    """Features (N, F, *spatial) -> confidence logits (N, K, *spatial), float32 also under autocast.

    Convolutions 3x3 with ReLU of the given widths, then 1x1 (INERRANT, Table 11: 0.8 million parameters on 64 features;
    narrower widths suit a small network).
    """

    def __init__(
        self,
        features: int,
        structures: int,
        dimensions: int = 2,
        widths: tuple[int, ...] = (400, 120, 64, 64),
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise((features, *widths)):
            layers += [convolution(dimensions, inputs, outputs), nn.ReLU(inplace=True)]
        self.body = nn.Sequential(*layers)
        self.output = convolution(dimensions, widths[-1] if widths else features, structures, size=1)
        initialise(self, generator)

    def forward(self, features: Tensor) -> Tensor:
        """Confidence logits; the last layer never runs in half precision, whose rounding near 1 makes ranks tie."""
        hidden = self.body(features)
        with torch.autocast(hidden.device.type, enabled=False):
            return self.output(hidden.to(self.output.weight.dtype))


class ConfidenceNetwork(nn.Module):
    """A copy of the segmentation network with a confidence head: (N, C, *spatial) -> logits (N, K, *spatial).

    The network is copied, so training the confidence never moves the segmentation. `frozen` keeps the copy as it is
    (no gradient, running statistics fixed) and trains the head alone; otherwise both are trained, which the paper
    found better. `correcting`: the head corrects the copy's own logits and starts at a correction of 0, so that the
    confidence starts as the probability (MCP) and can only learn to rank better; otherwise the head stands alone (the paper).
    """

    def __init__(
        self, segmentation: Segmenter, head: ConfidenceHead, frozen: bool = False, correcting: bool = False
    ) -> None:
        super().__init__()
        self.backbone = deepcopy(segmentation)
        self.head = head
        self.frozen = frozen
        self.correcting = correcting
        if correcting:
            for parameter in head.output.parameters():
                nn.init.zeros_(parameter)
        else:
            # The copy's own output layer is not used: without this, it would wait for gradients that do not come.
            self.backbone.output.requires_grad_(False)
        if frozen:
            self.backbone.requires_grad_(False)
        self.train(segmentation.training)

    def forward(self, x: Tensor) -> Tensor:
        """Confidence logits (N, K, *spatial), float32; their sigmoid is the confidence."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            features = self.backbone.features(x)
            start = self.backbone.logits_from(features) if self.correcting else None
        correction = self.head(features)
        return correction if start is None else start + correction

    def train(self, mode: bool = True) -> ConfidenceNetwork:
        """Training mode for what is trained: a frozen backbone stays in evaluation mode."""
        super().train(mode)
        if self.frozen:
            self.backbone.eval()
        return self

    def trainable_parameters(self) -> Iterator[nn.Parameter]:
        """What an optimiser may move: head and backbone, or the head alone where the backbone is frozen."""
        return (parameter for parameter in self.parameters() if parameter.requires_grad)
