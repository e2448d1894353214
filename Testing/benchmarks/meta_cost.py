"""What a step with learned weights costs beside a plain step of the same batch: time in turn, memory in a process of its own.

The batches are random and lie in memory: neither time nor memory depends on what is in them. The trusted batch is as large as the other one.
Beside the product's step the same step with the weights found by differentiating twice, with the mean teacher, and with the views.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from benchmarks.paired import in_turn
from benchmarks.speed_memory import peak_gib
from PartialLabelSegLib.config import Intensity, Plan
from PartialLabelSegLib.losses.masked import masked_bce
from PartialLabelSegLib.train.batches import Batch
from PartialLabelSegLib.train.bootstrap import MetaObjective, Weighed
from PartialLabelSegLib.train.device import Device, keep_freed_memory, native_precision
from PartialLabelSegLib.train.meta import normalised_weights, precision_of, voxel_losses
from PartialLabelSegLib.train.network import build_segmentation, placed
from PartialLabelSegLib.train.objective import predicted_structures, segmentation_objective

ARMS = ("plain", "mlb", "double_backward", "mlb_teacher", "mlb_views", "mlb_views_teacher")
IN_MEMORY = ("plain", "mlb", "double_backward", "mlb_views_teacher")
STEPS_IN_MEMORY = 3


@dataclass(frozen=True)
class Setting:
    """A plan's network and batch. precision None: the fastest that the machine has."""

    dimensions: str
    patch: tuple[int, int, int]
    batch: int
    structures: int
    norm: str
    precision: str | None = None


SETTINGS = {
    "2D, 1 structure": Setting("2d", (1, 144, 144), 4, 1, "batch"),
    "2D, 1 structure, float32": Setting("2d", (1, 144, 144), 4, 1, "batch", "float32"),
    "2.5D, 7 structures": Setting("2.5d", (1, 128, 128), 12, 7, "batch"),
    "3D, 2 structures": Setting("3d", (32, 64, 64), 2, 2, "instance"),
}


def measure(rounds: int, steps: int) -> dict[str, Any]:
    """The ratios of the setting where a step with learned weights is dearest, the worst memory, then every setting in detail."""
    found = {name: {**times(name, rounds, steps), "memory": memory(name)} for name in SETTINGS}
    dearest = max(found.values(), key=lambda item: float(item["ratio_to_plain"]["mlb"]["median"]))
    return {
        "step_ratio_to_plain": dearest["ratio_to_plain"]["mlb"]["median"],
        "memory_ratio_to_plain": max(item["memory"]["mlb"]["ratio_to_plain"] for item in found.values()),
        "double_backward_ratio_to_plain": dearest["ratio_to_plain"]["double_backward"]["median"],
        "settings": found,
    }


def times(name: str, rounds: int, steps: int) -> dict[str, Any]:
    """Milliseconds of a plain step, and how many times as long each other step takes."""
    found = in_turn({arm: work(name, arm, steps) for arm in ARMS}, rounds)
    return {
        "precision": plan_of(name).precision,
        "plain_ms": round(1000 * found.seconds("plain") / steps, 1),
        "ratio_to_plain": {arm: found.ratio(arm, "plain") for arm in ARMS[1:]},
    }


def memory(name: str) -> dict[str, Any]:
    """What each step takes beyond what the process has without it, network, optimiser and batches included, in GiB; and the whole peaks."""
    found = {arm: _in_own_process(name, arm) for arm in IN_MEMORY}
    plain = found["plain"]
    for item in found.values():
        item["ratio_to_plain"] = round(item["own_gib"] / plain["own_gib"], 3)
        item["ratio_of_whole_peaks"] = round(item["peak_gib"] / plain["peak_gib"], 3)
    return found


def work(name: str, arm: str, steps: int) -> Callable[[], None]:
    """`steps` training steps: objective, backward pass, optimiser."""
    plan = replace(plan_of(name), **CHANGES[arm])
    device = Device("cpu", plan.precision)
    network = placed(build_segmentation(plan, 0), device, plan).train()
    batch = a_batch(plan, device)
    optimiser = torch.optim.AdamW(network.parameters(), plan.learning_rate, fused=True)
    plain = segmentation_objective(plan)
    meta = MetaObjective(plan, plain)

    def terms() -> dict[str, Tensor]:
        if arm == "plain":
            return plain(network, batch)
        return twice_differentiated(network, batch, plan) if arm == "double_backward" else meta(network, batch)

    def train() -> None:
        for step in range(steps):
            optimiser.zero_grad(set_to_none=True)
            with device.autocast():
                loss = torch.stack(list(terms().values())).sum()
            loss.backward()
            optimiser.step()
            if arm not in ("plain", "double_backward"):
                meta.after_step(network, step)

    return train


CHANGES: dict[str, dict[str, Any]] = {
    "plain": {},
    "mlb": {"views": 0, "teacher": 0.0},
    "double_backward": {},
    "mlb_teacher": {"views": 0, "teacher": 0.99},
    "mlb_views": {"views": 4, "teacher": 0.0},
    "mlb_views_teacher": {"views": 4, "teacher": 0.99},
}


def twice_differentiated(network: nn.Module, batch: Batch, plan: Plan) -> dict[str, Tensor]:
    """The same step, without views and teacher, with weights as a program finds them that differentiates through the look-ahead."""
    assert batch.trusted is not None and batch.imperfect is not None
    values = dict(network.named_parameters())
    buffers = {name: value.clone() for name, value in network.named_buffers()}
    with precision_of(batch.image):
        logits = functional_call(network, {**buffers, **values}, (batch.image,))
        pseudo = predicted_structures(torch.sigmoid(logits.detach()))
        losses = [voxel_losses(logits, label, batch.imperfect) for label in (batch.target, pseudo)]
        weights = [torch.zeros_like(loss, requires_grad=True) for loss in losses]
        weighted = torch.stack([(w * loss).sum() for w, loss in zip(weights, losses)]).sum()
        slopes = torch.autograd.grad(weighted, list(values.values()), create_graph=True)
        ahead = {name: value - plan.learning_rate * slope for (name, value), slope in zip(values.items(), slopes)}
        answer = functional_call(network, {**buffers, **ahead}, (batch.trusted.image,))
        trusted = masked_bce(answer, batch.trusted.target, batch.trusted.weight)
        found = [-slope for slope in torch.autograd.grad(trusted, weights)]
    normalised = normalised_weights(found[0], found[1], plan.normalised)
    # Nothing of the second order is kept for the weighted step.
    del logits, losses, weights, weighted, slopes, ahead, answer, trusted, found
    return Weighed(batch.target, pseudo, batch.imperfect, *normalised).terms(network(batch.image))


def plan_of(name: str) -> Plan:
    """The quick preset's network for a setting."""
    setting = SETTINGS[name]
    deep = setting.dimensions == "3d"
    step = (2, 2, 2) if deep else (1, 2, 2)
    return Plan(
        structures=tuple(f"structure {number}" for number in range(setting.structures)),
        dimensions=setting.dimensions,
        slice_axis=0,
        spacing_mm=(1.0, 1.0, 1.0),
        patch=setting.patch,
        context=1 if setting.dimensions == "2.5d" else 0,
        batch=setting.batch,
        widths=(16, 32, 64, 128, 256),
        strides=((1, 1, 1), *(step,) * 4),
        norm=setting.norm,
        intensity=Intensity(-1.0, 1.0, 0.0, 1.0),
        steps=1000,
        fine_tune_steps=100,
        confidence_steps=100,
        learning_rate=1e-3,
        learning_rate_end=1e-4,
        dice_weight=1.0,
        mirror=(),
        rotate_degrees=0.0,
        scale=0.0,
        translate=0.0,
        precision=setting.precision or native_precision("cpu"),
        flat_levels=1 if deep else 0,
    )


def a_batch(plan: Plan, device: Device) -> Batch:
    """Random images and labels of which all is known and all is doubtful, with a trusted batch."""
    generator = torch.Generator().manual_seed(1)
    patch = plan.patch if plan.dimensions == "3d" else plan.patch[1:]

    def one() -> Batch:
        image = torch.randn(plan.batch, plan.channels, *patch, generator=generator)
        target = torch.rand(plan.batch, len(plan.structures), *patch, generator=generator) < 0.05
        image = image.contiguous(memory_format=device.memory_format(plan))
        return Batch(image, target, torch.ones_like(target), generator=generator)

    batch = one()
    return replace(batch, imperfect=batch.weight, trusted=one(), step=1)


def _in_own_process(name: str, arm: str) -> dict[str, Any]:
    testing = Path(__file__).resolve().parents[1]
    paths = [str(testing), str(testing.parent / "PartialLabelSeg")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    command = [sys.executable, "-m", "benchmarks.meta_cost", name, arm, str(torch.get_num_threads())]
    answer = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True, text=True, encoding="utf-8")
    found: dict[str, Any] = json.loads(answer.stdout)
    return found


def _steps_in_memory(name: str, arm: str) -> dict[str, Any]:
    # Libraries that are loaded at the first use are no part of a step.
    torch.nn.functional.conv2d(torch.ones(1, 1, 8, 8), torch.ones(1, 1, 3, 3))
    before = peak_gib()
    work(name, arm, STEPS_IN_MEMORY)()
    peak = peak_gib()
    return {"own_gib": round(peak - before, 4), "peak_gib": round(peak, 4)}


if __name__ == "__main__":
    torch.set_num_threads(int(sys.argv[3]))
    keep_freed_memory()
    print(json.dumps(_steps_in_memory(sys.argv[1], sys.argv[2])))
