"""What an instance network looks like and which boxes it keeps: plain values, checked when they are made."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...config import MASK_HEADS
from ..architecture import Architecture

RATIOS = (0.5, 1.0, 2.0)
"""Height over width of the anchors (Faster R-CNN)."""


@dataclass(frozen=True)
class Selection:
    """Which boxes go on. per_level, proposals: the best boxes of a level and of an image that leave the region proposal network.

    proposal_overlap, overlap: IoU above which a less sure box is dropped, among proposals and among detections of one structure. Lesions
    of a slice do not lie on each other, so detections are told apart more strictly than in photographs. score: the least score of a
    detection. detections: most per image.
    """

    per_level: int = 128
    proposals: int = 64
    proposal_overlap: float = 0.7
    overlap: float = 0.3
    score: float = 0.05
    detections: int = 32

    def __post_init__(self) -> None:
        if min(self.per_level, self.proposals, self.detections) < 1:
            raise ValueError(f"at least one box must go on, got {self}")
        if not all(0 < value <= 1 for value in (self.proposal_overlap, self.overlap)) or not 0 <= self.score < 1:
            raise ValueError(f"overlaps must lie in (0, 1] and the score in [0, 1), got {self}")


@dataclass(frozen=True)
class InstanceShape:
    """A Mask R-CNN for `backbone.structures` structures, each with a score and a mask of its own.

    backbone: the levels of the encoder (2D); the feature pyramid starts at its second level. width: channels of the pyramid and the mask
    head. hidden: width of the box head. mask_head "improved" (encoder layer and skip connection) or "plain" (Mask R-CNN). mask: cells
    along a side of a mask, even. pooled: cells along a side of what the box head sees. anchor: side of an anchor in cells of its level.
    """

    backbone: Architecture
    width: int = 32
    hidden: int = 128
    mask_head: str = "improved"
    mask: int = 28
    pooled: int = 7
    anchor: float = 4.0
    selection: Selection = field(default_factory=Selection)

    def __post_init__(self) -> None:
        if self.backbone.dimensions != 2:
            raise ValueError("an instance network sees slices: dimensions must be 2 (neighbours come as channels)")
        if self.mask_head not in MASK_HEADS:
            raise ValueError(f"mask_head must be one of {MASK_HEADS}, got {self.mask_head}")
        if min(self.width, self.hidden, self.pooled) < 1 or self.mask < 2 or self.mask % 2 or self.anchor <= 0:
            raise ValueError(f"widths and sizes must be positive and mask even, got {self}")

    @property
    def steps(self) -> tuple[tuple[int, int], ...]:
        """Voxels per cell (rows, columns) of each level of the pyramid, finest first."""
        rows, columns, steps = 1, 1, []
        for step in self.backbone.steps:
            rows, columns = rows * step[0], columns * step[1]
            steps.append((rows, columns))
        return tuple(steps)
