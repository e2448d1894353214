"""Tiny trainings to interrupt and disturb: each begins with the same untrained network, as a new process would."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from PartialLabelSegLib.config import Plan
from PartialLabelSegLib.train.batches import BatchMaker, Seed
from PartialLabelSegLib.train.device import Device
from PartialLabelSegLib.train.network import build_segmentation, placed
from PartialLabelSegLib.train.objective import segmentation_objective
from PartialLabelSegLib.train.steps import Progress, Stage, Trainer
from PartialLabelSegLib.train.validate import validation_dice
from PartialLabelSegLib.train.windows import Sources
from train.making import CPU, plan_of, prepared_case, scan_of

Weights = dict[str, Tensor]


def tiny_plan() -> Plan:
    return replace(plan_of(steps=24), batch=3, validate_every=6, average=0.9, patch=(1, 16, 16), rotate_degrees=10.0)


def sources() -> Sources:
    scans = [scan_of(seed) for seed in range(2)]
    return Sources.of([prepared_case(scan.truth[9:15], (True, False, True), scan.image[9:15]) for scan in scans])


@dataclass(frozen=True)
class Workshop:
    """Trainers for one plan; each begins with the same untrained network, as a new process would."""

    folder: Path
    plan: Plan
    device: Device = CPU
    validated: bool = True
    checkpoint_seconds: float = 30.0

    def trainer(self) -> Trainer:
        network = placed(build_segmentation(self.plan, 0), self.device, self.plan)
        maker = BatchMaker(sources(), self.plan, self.device, Seed(0, 0, 1), None)
        return Trainer(network, segmentation_objective(self.plan), maker, self.plan, self.device)

    def stage(self, cancelled: Callable[[], bool] = lambda: False) -> Stage:
        scan = scan_of(2)
        case = prepared_case(scan.truth[9:15], (True, True, True), scan.image[9:15])

        def validate(network: nn.Module) -> dict[str, float]:
            return validation_dice(network, [case], self.plan, self.device)

        rate = (self.plan.learning_rate, self.plan.learning_rate_end)
        checkpoint = self.folder / "checkpoint.pt"
        looks = validate if self.validated else None
        return Stage("learning", self.plan.steps, rate, checkpoint, looks, cancelled, self.checkpoint_seconds)

    def undisturbed(self) -> tuple[Weights, Progress]:
        trainer = self.trainer()
        list(trainer.run(self.stage()))
        return weights(trainer), trainer.progress


def weights(trainer: Trainer) -> Weights:
    return {name: value.clone() for name, value in trainer.network.state_dict().items()}


def same(first: Weights, second: Weights) -> bool:
    return all(torch.equal(value, second[name]) for name, value in first.items())


def without_time(progress: Progress) -> dict[str, Any]:
    return {name: value for name, value in vars(progress).items() if name not in ("seconds", "recent")}


def cancel_at(step: int) -> Callable[[], bool]:
    """A cancel file that appears when `step` steps were made."""
    asked = iter(range(10_000))
    return lambda: next(asked) == step
