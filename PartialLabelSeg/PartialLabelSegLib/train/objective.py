"""What is minimised: named terms with weights, for the segmentation and for the confidence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..config import Plan
from ..losses.masked import confidence_cross_entropy, confidence_regression, hard_bce_and_dice, masked_bce, mean_over
from .batches import Batch

Objective = Callable[[nn.Module, Batch], dict[str, Tensor]]
"""(network, batch) -> the terms by name, already weighted; their sum is minimised."""


@dataclass(frozen=True)
class SegmentationObjective:
    """Masked cross-entropy (INERRANT, Eq. 2), alone as in the paper, or per structure together with masked Dice.

    Per structure means that each structure's cross-entropy is taken over its own positives and hardest negatives and structures count evenly:
    measured on OpenKBP, every structure is then learned within a few hundred steps, where the plain mean leaves some at Dice 0.
    """

    dice_weight: float

    def __call__(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        logits = network(batch.image)
        if self.dice_weight == 0:
            return {"bce": masked_bce(logits, batch.target, batch.weight)}
        bce, dice, positive = hard_bce_and_dice(logits, batch.target, batch.weight, looked_for=batch.looked_for)
        looked_for = batch.weight.transpose(0, 1).flatten(1).any(1)
        return {"bce": mean_over(bce, looked_for), "dice": self.dice_weight * mean_over(dice, positive)}


@dataclass(frozen=True)
class ConfidenceObjective:
    """Fits the confidence where it is used: on voxels that the segmentation predicts as a structure and whose truth is known.

    target 'correctness': cross-entropy to whether the prediction is right. 'tcp': squared error to the True Class Probability
    (INERRANT, Eq. 3), on predicted or true positives. `segmentation` is the fixed network whose predictions are judged.
    """

    segmentation: nn.Module
    target: str

    def __call__(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        with torch.no_grad():
            probability = torch.sigmoid(self.segmentation(batch.image).float())
        predicted = predicted_structures(probability)
        logits = network(batch.image)
        if self.target == "correctness":
            weight = predicted & batch.weight
            return {"confidence": confidence_cross_entropy(logits, batch.target, weight)}
        weight = (predicted | batch.target) & batch.weight
        tcp = torch.where(batch.target, probability, 1 - probability)
        return {"confidence": confidence_regression(logits, tcp, weight)}


def predicted_structures(probability: Tensor) -> Tensor:
    """bool (N, K, *): the structure with the largest probability where that is at least 0.5."""
    best, index = probability.max(1, keepdim=True)
    chosen = torch.zeros_like(probability, dtype=torch.bool).scatter_(1, index, True)
    return chosen & (best >= 0.5)


def segmentation_objective(plan: Plan) -> SegmentationObjective:
    return SegmentationObjective(plan.dice_weight)
