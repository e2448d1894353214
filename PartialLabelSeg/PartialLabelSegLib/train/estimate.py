"""What a run will cost, measured before it starts: seconds and memory of real steps on made-up windows."""

from __future__ import annotations

import resource
import sys
import time
from dataclasses import dataclass, replace

import torch

from ..config import Configuration, Plan
from .batches import Batch
from .device import Device
from .network import build_segmentation, placed
from .objective import segmentation_objective

CONFIDENCE_COST = 1.6
"""A confidence step against a segmentation step: the fixed network's forward pass, then the copy with its head."""
REST_SHARE = 0.15
"""Share of the time for validation, prediction and files."""


@dataclass(frozen=True)
class Probe:
    """seconds: the whole run. step_seconds: one step. gigabytes: peak memory of the device (of the process, on the cpu)."""

    seconds: float
    step_seconds: float
    gigabytes: float


def probe(plan: Plan, device: Device, configuration: Configuration, cases: int) -> Probe:
    """Times two steps after one to warm up; the network is thrown away."""
    network = placed(build_segmentation(plan, 0), device, plan).train()
    optimiser = torch.optim.AdamW(network.parameters(), 1e-6)
    batch, objective = _made_up(plan, device), segmentation_objective(plan)
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        optimiser.zero_grad(set_to_none=True)
        with device.autocast():
            loss = torch.stack(list(objective(network, batch).values())).sum()
        loss.backward()
        optimiser.step()
        float(loss.detach())
        seconds.append(time.perf_counter() - started)
    step = min(seconds[1:])
    return Probe(step * weighted_steps(plan, configuration) * (1 + REST_SHARE), step, _gigabytes(device))


def _made_up(plan: Plan, device: Device) -> Batch:
    generator = torch.Generator().manual_seed(0)
    size = plan.patch if plan.dimensions == "3d" else plan.patch[1:]
    image = torch.randn((plan.batch, plan.channels, *size), generator=generator)
    target = torch.zeros((plan.batch, len(plan.structures), *size), dtype=torch.bool)
    target[..., : max(1, size[-1] // 8)] = True
    memory = torch.channels_last_3d if plan.dimensions == "3d" else torch.channels_last
    placed_image = image.to(device.torch).contiguous(memory_format=memory)
    return Batch(placed_image, target.to(device.torch), torch.ones_like(target).to(device.torch))


def weighted_steps(plan: Plan, configuration: Configuration) -> float:
    """All steps of a run, a confidence step counted by what it costs."""
    choices = configuration.relabelling
    rounds = {"full": choices.rounds, "all-pseudo-labels": 1}.get(choices.method, 0)
    confidence = (rounds + 1) * plan.confidence_steps * CONFIDENCE_COST if choices.confidence == "learned" else 0.0
    return plan.steps + rounds * plan.fine_tune_steps + confidence


def steps_for(plan: Plan, measured: Probe, configuration: Configuration) -> Plan:
    """The plan with its steps scaled so that the run takes the minutes that the user gave; at least 50 steps."""
    assert configuration.minutes is not None
    factor = configuration.minutes * 60 / measured.seconds
    steps = max(50, round(plan.steps * factor))
    return replace(
        plan,
        steps=steps,
        fine_tune_steps=max(20, round(plan.fine_tune_steps * factor)),
        confidence_steps=max(20, round(plan.confidence_steps * factor)),
        validate_every=max(10, min(plan.validate_every, steps // 5)),
    )


def _gigabytes(device: Device) -> float:
    if device.name == "cuda":
        return torch.cuda.max_memory_allocated() / 2**30
    # ru_maxrss counts KiB on Linux and bytes on macOS.
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30
