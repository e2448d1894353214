"""Slices with ellipses to detect, and how well a network detects them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from PartialLabelSegLib.config import Plan
from PartialLabelSegLib.metrics.detection import Detection, Instance, detection, instances_of
from PartialLabelSegLib.nets.instance.detections import pasted
from PartialLabelSegLib.nets.instance.network import InstanceNetwork
from PartialLabelSegLib.train.batches import BatchMaker, Seed
from PartialLabelSegLib.train.network import build_segmentation, placed
from PartialLabelSegLib.train.objective import segmentation_objective
from PartialLabelSegLib.train.steps import Stage, Trainer
from PartialLabelSegLib.train.windows import Sources
from train.making import CPU, plan_of, prepared_case


@dataclass(frozen=True, eq=False)
class Slices:
    """Grey values float32 and label map uint8, both (slice, row, column)."""

    image: np.ndarray
    label: np.ndarray


def slices_of(seed: int, count: int, size: int = 32, longest: float = 6.0) -> Slices:
    """In each slice none to three ellipses of half-axes from 2.5 voxels, well apart, brighter than the noise."""
    rng = np.random.default_rng([7, seed])
    image, label = rng.normal(0, 0.5, (count, size, size)), np.zeros((count, size, size), np.uint8)
    rows, columns = np.mgrid[:size, :size] + 0.5
    for plane, mask in zip(image, label):
        for _ in range(rng.integers(0, 4)):
            axes, angle = rng.uniform(2.5, longest, 2), rng.uniform(0, np.pi)
            down, across = rows - rng.uniform(0.15, 0.85) * size, columns - rng.uniform(0.15, 0.85) * size
            along, beside = down * np.cos(angle) + across * np.sin(angle), across * np.cos(angle) - down * np.sin(angle)
            near = np.hypot(along / (axes[0] + 2), beside / (axes[1] + 2)) < 1
            if not mask[near].any():
                inside = np.hypot(along / axes[0], beside / axes[1]) < 1
                plane[inside] += 1.5
                mask[inside] = 1
    return Slices(image.astype(np.float32), label)


def instance_plan(size: int = 32, steps: int = 70) -> Plan:
    plan = plan_of(("Lesion",), "2d", steps)
    levels = {"widths": (8, 12, 16), "strides": ((1, 1, 1), (1, 2, 2), (1, 2, 2))}
    return replace(
        plan,
        **levels,  # type: ignore[arg-type]
        architecture="instance",
        patch=(1, size, size),
        batch=4,
        loss="bce",
        learning_rate=5e-3,
        learning_rate_end=5e-4,
        mirror=(1, 2),
        # Windows centred on ellipses alone teach where the middle is, not where nothing is.
        foreground_share=0.5,
    )


def trainer_of(plan: Plan, given: Slices) -> Trainer:
    network = placed(build_segmentation(plan, 0), CPU, plan)
    case = prepared_case(given.label, (True,), given.image)
    return Trainer(
        network, segmentation_objective(plan), BatchMaker(Sources.of([case]), plan, CPU, Seed(0, 0, 1), None), plan, CPU
    )


def stage_of(plan: Plan, folder: Path) -> Stage:
    rate = (plan.learning_rate, plan.learning_rate_end)
    return Stage("learning", plan.steps, rate, folder / "checkpoint.pt", None, lambda: False)


@torch.inference_mode()
def detected(network: InstanceNetwork, given: Slices, threshold: float = 0.5) -> Detection:
    """How well the network detects the ellipses, slice by slice."""
    network.eval()
    scans = []
    for plane, label in zip(given.image, given.label):
        found = network.detect(torch.from_numpy(plane)[None, None])[0]
        masks = pasted(found.mask, found.boxes, (plane.shape[0], plane.shape[1])).numpy() >= 0.5
        own = [
            Instance(np.flatnonzero(mask).astype(np.int64), float(score))
            for mask, score in zip(masks, found.score)
            if mask.any()
        ]
        scans.append((own, instances_of(label > 0)))
    return detection(scans, threshold)
