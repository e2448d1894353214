"""What the instance network minimises: proposals, boxes and masks, as named terms like every objective's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from ..config import Plan
from ..losses.instance import box_loss, mask_dice, mask_loss, own_masks, score_loss
from ..losses.noise_robust import VoxelLoss, soft_cross_entropy
from ..nets.architecture import Architecture
from ..nets.instance.boxes import encode
from ..nets.instance.heads import UNITS
from ..nets.instance.network import InstanceNetwork
from ..nets.instance.proposals import Proposed, best_proposals
from ..nets.instance.shape import InstanceShape
from ..nets.instance.truth import Matching, Truth, Verdict, draw, judge, mask_targets
from .batches import Batch
from .instance_truth import truth_of

PROPOSAL_BETA, REGION_BETA = 1 / 9, 1.0
"""Where the squares of the box losses end (Faster R-CNN; the deltas of regions are in larger units)."""


def instance_shape(plan: Plan) -> InstanceShape:
    """The network of a plan: its levels as the U-Net's encoder has them, the pyramid as wide as the second one."""
    strides = tuple(stride[1:] for stride in plan.strides[1:])
    backbone = Architecture(len(plan.structures), plan.channels, 2, plan.widths, strides, plan.norm)
    return InstanceShape(backbone, plan.widths[1], 4 * plan.widths[1], plan.mask_head)


@dataclass(frozen=True, eq=False)
class _Picked:
    """The boxes of one image that a step looks at, positives first, and what they hold."""

    boxes: Tensor
    verdict: Verdict
    positives: int

    @classmethod
    def of(cls, boxes: Tensor, verdict: Verdict, chosen: tuple[Tensor, Tensor]) -> _Picked:
        both = torch.cat(chosen)
        said = Verdict(verdict.positive[both], verdict.negative[both], verdict.instance[both])
        return cls(boxes[both], said, len(chosen[0]))

    @property
    def positive_boxes(self) -> Tensor:
        return self.boxes[: self.positives]

    @property
    def instances(self) -> Tensor:
        """Which instance each positive box holds."""
        return self.verdict.instance[: self.positives]


@dataclass(frozen=True)
class InstanceObjective:
    """L = L_proposals + L_cls + L_bbox + L_mask (Mask R-CNN; Felfeliyan et al. 2022, III.C).

    Instances are connected components of the hardened target. The mask's `voxel_loss`, with `dice_weight` times Dice, takes the soft
    target where there is one, under the ambiguity map. Which boxes a step looks at is drawn from the batch's generator, so that a resumed
    training draws the same.
    """

    voxel_loss: VoxelLoss = soft_cross_entropy
    dice_weight: float = 0.0
    matching: Matching = field(default_factory=Matching)

    def __call__(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        assert isinstance(network, InstanceNetwork)
        generator = batch.generator or torch.Generator().manual_seed(0)
        truths = [truth_of(target, known) for target, known in zip(batch.target, batch.weight, strict=True)]
        levels = network.pyramid(batch.image)
        proposed = network.propose(levels)
        terms = self._proposal_terms(proposed, truths, generator)
        size = (batch.image.shape[2], batch.image.shape[3])
        guesses = best_proposals(proposed, size, network.shape.selection)
        picked = self._regions(guesses, truths, generator)
        terms |= _region_terms(network, levels, picked, truths)
        return terms | self._mask_terms(network, levels, picked, list(zip(truths, batch.target, strict=True)))

    def _proposal_terms(
        self, proposed: Proposed, truths: Sequence[Truth], generator: torch.Generator
    ) -> dict[str, Tensor]:
        rule = self.matching
        logits, positive, negative, found, wanted = [], [], [], [], []
        for image, truth in enumerate(truths):
            verdict = judge(proposed.anchors, truth, rule.anchors, best_too=True)
            yes, no = draw(verdict, rule.anchor_samples, rule.anchor_share, generator)
            both = torch.cat([yes, no])
            logits.append(proposed.logits[image, both])
            positive.append(verdict.positive[both])
            negative.append(verdict.negative[both])
            found.append(proposed.deltas[image, yes])
            wanted.append(encode(truth.boxes[verdict.instance[yes]], proposed.anchors[yes]))
        every = torch.cat(logits)
        score = score_loss(every, torch.cat(positive), torch.cat(negative))
        return {
            "proposal": score,
            "proposal_box": box_loss(torch.cat(found), torch.cat(wanted), len(every), PROPOSAL_BETA),
        }

    def _regions(self, guesses: Sequence[Tensor], truths: Sequence[Truth], generator: torch.Generator) -> list[_Picked]:
        """The regions that the heads learn from, of the proposals and the instances' own boxes: before proposals are any good, those are all."""
        rule, picked = self.matching, []
        for own, truth in zip(guesses, truths, strict=True):
            boxes = torch.cat([own, truth.boxes])
            verdict = judge(boxes, truth, (rule.regions, rule.regions))
            chosen = draw(verdict, rule.region_samples, rule.region_share, generator)
            picked.append(_Picked.of(boxes, verdict, chosen))
        return picked

    def _mask_terms(
        self,
        network: InstanceNetwork,
        levels: Sequence[Tensor],
        picked: Sequence[_Picked],
        drawn: Sequence[tuple[Truth, Tensor]],
    ) -> dict[str, Tensor]:
        """drawn: of each image the truth and the target (K, H, W)."""
        logits = network.outline(levels, [one.positive_boxes for one in picked])
        parts = [
            mask_targets(truth, target, one.positive_boxes, one.instances, network.shape.mask)
            for (truth, target), one in zip(drawn, picked, strict=True)
        ]
        target, weight = (torch.cat(values) for values in zip(*parts, strict=True))
        structure = torch.cat([truth.structure[one.instances] for (truth, _), one in zip(drawn, picked, strict=True)])
        own = own_masks(logits, structure)
        terms = {"mask": mask_loss(own, target, weight, self.voxel_loss)}
        if self.dice_weight > 0:
            terms["mask_dice"] = self.dice_weight * mask_dice(own, target, weight)
        return terms


def _region_terms(
    network: InstanceNetwork, levels: Sequence[Tensor], picked: Sequence[_Picked], truths: Sequence[Truth]
) -> dict[str, Tensor]:
    logits, deltas = network.look(levels, [one.boxes for one in picked])
    positive = torch.cat([one.verdict.positive for one in picked])
    negative = torch.cat([one.verdict.negative for one in picked])
    pairs = zip(truths, picked, strict=True)
    wanted = torch.cat([encode(truth.boxes[one.instances], one.positive_boxes, UNITS) for truth, one in pairs])
    return {
        "score": score_loss(logits, positive, negative),
        "box": box_loss(deltas[positive.any(1)], wanted, len(logits), REGION_BETA),
    }
