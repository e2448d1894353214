"""What is minimised: named terms with weights, for the segmentation and for the confidence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from ..config import ROBUST_LOSSES, Plan
from ..losses.active_passive import ActivePassive
from ..losses.masked import confidence_cross_entropy, confidence_regression, hard_bce_and_dice, masked_bce, mean_over
from ..losses.noise_robust import (
    VoxelLoss,
    absolute_error,
    generalised_cross_entropy,
    hardened,
    soft_cross_entropy,
    symmetric_cross_entropy,
)
from ..losses.reduce import masked_per_structure
from .batches import Batch
from .instance import InstanceObjective

Objective = Callable[[nn.Module, Batch], dict[str, Tensor]]
"""(network, batch) -> the terms by name, already weighted; their sum is minimised."""


@runtime_checkable
class Remembering(Protocol):
    """An objective that remembers something from step to step, such as a mean teacher; it is kept in checkpoints."""

    def watch(self, optimiser: torch.optim.Optimizer) -> None:
        """Called before the first step with what changes the network."""

    def after_step(self, network: nn.Module, step: int) -> None:
        """Called after each step (from 0) with the changed network."""

    def state(self) -> dict[str, Any]:
        """Tensors and plain values."""

    def load_state(self, state: dict[str, Any]) -> None:
        """Goes on from what `state` gave."""


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
class RobustObjective:
    """A loss per voxel that tolerates wrong labels, as a mean per structure over those that somebody looked for; with masked Dice where wanted.

    negatives: how many negative voxels count per positive one; 0: all.
    """

    name: str
    loss: VoxelLoss
    negatives: float
    dice_weight: float

    def __call__(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        logits = network(batch.image)
        losses = masked_per_structure(self.loss, logits, batch.target, batch.weight, self.negatives)
        terms = {self.name: mean_over(losses, batch.weight.transpose(0, 1).flatten(1).any(1))}
        if self.dice_weight > 0:
            found = hard_bce_and_dice(logits, batch.target, batch.weight, looked_for=batch.looked_for)
            terms["dice"] = self.dice_weight * mean_over(found[1], found[2])
        return terms


@dataclass(frozen=True)
class ConfidenceObjective:
    """Fits the confidence where it is used: on voxels that the segmentation predicts as a structure and whose truth is known.

    target 'correctness': cross-entropy to whether the prediction is right, or to how likely it is where the label is soft. 'tcp': squared
    error to the True Class Probability (INERRANT, Eq. 3), on predicted or true positives; soft labels are hardened for it.
    `segmentation` is the fixed network whose predictions are judged.
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
        truth = hardened(batch.target)
        weight = (predicted | truth) & batch.weight
        tcp = torch.where(truth, probability, 1 - probability)
        return {"confidence": confidence_regression(logits, tcp, weight)}


def predicted_structures(probability: Tensor) -> Tensor:
    """bool (N, K, *): the structure with the largest probability where that is at least 0.5."""
    best, index = probability.max(1, keepdim=True)
    chosen = torch.zeros_like(probability, dtype=torch.bool).scatter_(1, index, True)
    return chosen & (best >= 0.5)


def segmentation_objective(plan: Plan) -> Objective:
    """The objective that the plan names."""
    name, _, dice = plan.loss.partition("+")
    dice_weight = plan.dice_weight if dice else 0.0
    if plan.architecture == "instance":
        return InstanceObjective(_voxel_loss(name, plan), dice_weight)
    if name in ROBUST_LOSSES:
        return RobustObjective(name, _voxel_loss(name, plan), plan.negatives, dice_weight)
    return SegmentationObjective(dice_weight)


def _voxel_loss(name: str, plan: Plan) -> VoxelLoss:
    losses: dict[str, VoxelLoss] = {
        "bce": soft_cross_entropy,
        "apl": ActivePassive(*plan.apl_weights),
        "mae": absolute_error,
        "sce": partial(symmetric_cross_entropy, weights=plan.sce_weights),
        "gce": partial(generalised_cross_entropy, power=plan.gce_power),
    }
    return losses[name]
