"""What a run will cost, measured before it starts: seconds and memory of real steps on made-up windows."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, replace

import torch

from ..config import SIZE_FOLDS, SIZE_STEP_COST, Configuration, Plan
from ..run.failure import Failure
from .batches import Batch
from .device import Device, free_unused, is_out_of_memory
from .network import build_segmentation, placed
from .objective import segmentation_objective

CONFIDENCE_COST = 1.6
"""A confidence step against a segmentation step: the fixed network's forward pass, then the copy with its head."""
REST_SHARE = 0.15
"""Share of the time for validation, prediction and files."""


@dataclass(frozen=True)
class Probe:
    """seconds: the whole run. step_seconds: one step. gigabytes: peak memory of the device (of the process, on the cpu; 0 on Windows)."""

    seconds: float
    step_seconds: float
    gigabytes: float


def probe(plan: Plan, device: Device, configuration: Configuration, weighed: bool = False) -> Probe:
    """Times two steps after one to warm up, with half the batch where memory runs out; the network is thrown away.

    Failure: memory runs out with a single window.
    """
    while True:
        try:
            return _timed(plan, device, configuration, weighed)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
        if plan.batch == 1:
            raise Failure(
                "Memory ran out in a trial step with a single window.",
                way_out="Close other programs, or choose a smaller patch or smaller widths with --set.",
            )
        free_unused(device)
        plan = replace(plan, batch=plan.batch // 2)


def _timed(plan: Plan, device: Device, configuration: Configuration, weighed: bool) -> Probe:
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
    return Probe(whole_run(step, plan, configuration, weighed), step, _gigabytes(device))


def whole_run(step_seconds: float, plan: Plan, configuration: Configuration, weighed: bool = False) -> float:
    """Seconds of a whole run whose plain steps take `step_seconds` each; weighed: see `weighted_steps`."""
    return step_seconds * weighted_steps(plan, configuration, weighed) * (1 + REST_SHARE)


def _made_up(plan: Plan, device: Device) -> Batch:
    generator = torch.Generator().manual_seed(0)
    size = plan.patch if plan.dimensions == "3d" else plan.patch[1:]
    image = torch.randn((plan.batch, plan.channels, *size), generator=generator)
    target = torch.zeros((plan.batch, len(plan.structures), *size), dtype=torch.bool)
    target[..., : max(1, size[-1] // 8)] = True
    placed_image = image.to(device.torch).contiguous(memory_format=device.memory_format(plan))
    return Batch(placed_image, target.to(device.torch), torch.ones_like(target).to(device.torch))


def weighted_steps(plan: Plan, configuration: Configuration, weighed: bool = False) -> float:
    """All steps of a run, counted by what they cost. weighed: there are doubtful labels, whose weights are learned."""
    choices = configuration.relabelling
    total = 0.0
    for number in range(choices.later_rounds + 1):
        steps, begins = choices.steps(plan, number), configuration.weighing_begins(plan, number, weighed)
        total += begins + (steps - begins) * plan.weighing_cost
        total += plan.confidence_steps * CONFIDENCE_COST if choices.confidence == "learned" else 0.0
    # Later rounds take the first one's sizes over, unless a person completed something.
    return total + (SIZE_FOLDS * plan.size_steps * SIZE_STEP_COST if configuration.bounds else 0.0)


def steps_for(plan: Plan, measured: Probe, configuration: Configuration) -> Plan:
    """The plan with its steps scaled so that the run takes the minutes that the user gave; at least 50 steps, and 20 in later trainings."""
    assert configuration.minutes is not None
    factor = configuration.minutes * 60 / measured.seconds
    steps = max(50, round(plan.steps * factor))
    return replace(
        plan,
        steps=steps,
        fine_tune_steps=max(20, round(plan.fine_tune_steps * factor)),
        confidence_steps=max(20, round(plan.confidence_steps * factor)),
        size_steps=max(20, round(plan.size_steps * min(1.0, factor))),
        validate_every=max(10, min(plan.validate_every, steps // 5)),
    )


def _gigabytes(device: Device) -> float:
    if device.name == "cuda":
        return torch.cuda.max_memory_allocated() / 2**30
    if sys.platform == "win32":
        return 0.0
    import resource

    # ru_maxrss counts KiB on Linux and bytes on macOS.
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30
