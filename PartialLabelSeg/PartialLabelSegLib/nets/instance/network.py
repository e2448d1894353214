"""The instance network, a Mask R-CNN, that also speaks as a segmentation network: image in, one logit per voxel and structure out."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .detections import Detections, probability, surest
from .heads import BoxHead, MaskHead
from .pooling import pool_pyramid
from .proposals import ProposalHead, Proposed, best_proposals
from .pyramid import Pyramid, finest
from .shape import InstanceShape

SURE = 1e-6
"""Probabilities stay this far from 0 and 1, so that their logits are numbers."""


class InstanceNetwork(nn.Module):
    """Instance network of the given `InstanceShape`: (N, in_channels, H, W) -> logits (N, K, H, W), of any spatial size.

    A forward pass detects, as in evaluation, whatever the mode; training calls the parts (`pyramid`, `propose`, `look`, `outline`). The
    features before the logits are the finest level of the pyramid and the logits themselves, so that a confidence head stands on them as
    it does on a U-Net's. The first weights are drawn from `generator`, or from torch's global one.
    """

    def __init__(self, shape: InstanceShape, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.shape = shape
        self.pyramid = Pyramid(shape, generator)
        self.proposal_head = ProposalHead(shape, generator)
        self.box_head = BoxHead(shape, generator)
        self.mask_head = MaskHead(shape, generator)

    @property
    def feature_count(self) -> int:
        """Channels of `features`."""
        return self.shape.width + self.shape.backbone.structures

    @property
    def output(self) -> nn.Module:
        """What turns the pyramid into detections."""
        return nn.ModuleList([self.proposal_head, self.box_head, self.mask_head])

    def forward(self, image: Tensor) -> Tensor:
        """Logits (N, K, H, W), float32: of the largest score x mask over the detections at a voxel."""
        return self._logits(self.pyramid(image), self._size(image))

    def features(self, image: Tensor) -> Tensor:
        """Features (N, feature_count, H, W); the last K are the logits."""
        levels, size = self.pyramid(image), self._size(image)
        fine = finest(levels, size, self.shape.steps[0])
        return torch.cat([fine.float(), self._logits(levels, size)], 1)

    def logits_from(self, features: Tensor) -> Tensor:
        """Logits (N, K, H, W) of `features`."""
        return features[:, self.shape.width :]

    def detect(self, image: Tensor) -> list[Detections]:
        """What is found in each image (N, in_channels, H, W)."""
        return self.found(self.pyramid(image), self._size(image))

    def found(self, levels: Sequence[Tensor], size: tuple[int, int]) -> list[Detections]:
        """The detections of each image, from the pyramid's levels; boxes carry no gradient, scores and masks do."""
        selection = self.shape.selection
        regions = best_proposals(self.propose(levels), size, selection)
        logits, deltas = self.look(levels, regions)
        counts = [len(own) for own in regions]
        parts = zip(regions, logits.split(counts), deltas.split(counts), strict=True)
        kept = [surest(own, score, move, size, selection) for own, score, move in parts]
        masks = torch.sigmoid(self.outline(levels, [boxes for boxes, _, _ in kept]))
        result = []
        for (boxes, structure, score), mask in zip(kept, masks.split([len(one[0]) for one in kept]), strict=True):
            result.append(
                Detections(boxes, structure, score, mask[torch.arange(len(boxes), device=mask.device), structure])
            )
        return result

    def propose(self, levels: Sequence[Tensor]) -> Proposed:
        """What the region proposal network says of every anchor."""
        return self.proposal_head(levels)

    def look(self, levels: Sequence[Tensor], regions: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Logits (R, K) and deltas (R, 4) of the regions (n, 4) of each image, image after image."""
        shape = self.shape
        return self.box_head(pool_pyramid(levels, regions, shape.steps, shape.anchor, shape.pooled))

    def outline(self, levels: Sequence[Tensor], regions: Sequence[Tensor]) -> Tensor:
        """Mask logits (R, K, mask, mask) of the regions (n, 4) of each image, image after image."""
        shape = self.shape
        if not any(len(own) for own in regions):
            return levels[0].new_zeros((0, shape.backbone.structures, shape.mask, shape.mask), dtype=torch.float32)
        return self.mask_head(pool_pyramid(levels, regions, shape.steps, shape.anchor, self.mask_head.pooled))

    def _logits(self, levels: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
        structures = self.shape.backbone.structures
        planes = [probability(found, structures, size) for found in self.found(levels, size)]
        return torch.logit(torch.stack(planes), SURE)

    @staticmethod
    def _size(image: Tensor) -> tuple[int, int]:
        return (image.shape[2], image.shape[3])
