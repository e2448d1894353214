"""A training step as the product does it, against the bare step of the same network on batches that are already in memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

from benchmarks.paired import Rounds, in_turn
from benchmarks.real_scans import Prepared
from PartialLabelSegLib.run.folder import RunFolder
from PartialLabelSegLib.train.batches import BatchMaker, Seed
from PartialLabelSegLib.train.network import build_segmentation, placed
from PartialLabelSegLib.train.objective import segmentation_objective
from PartialLabelSegLib.train.steps import Stage, Trainer
from PartialLabelSegLib.train.windows import Sources

BATCHES_IN_MEMORY = 4


def compare(data: Prepared, steps: int, rounds: int, folder: Path) -> Rounds:
    """Rounds of `steps` steps each, arms 'product' and 'bare'."""
    return in_turn({"product": product(data, steps, folder), "bare": bare(data, steps)}, rounds)


def product(data: Prepared, steps: int, folder: Path) -> Callable[[], None]:
    """A training of `steps` steps by the product's own loop: windows cut from the files, augmentation, targets, clipping, averaged weights, the look for `cancel`."""
    plan, device = data.plan, data.device
    network = placed(build_segmentation(plan, 0), device, plan)
    trainer = Trainer(network, segmentation_objective(plan), _maker(data), plan, device)
    stage = Stage(
        name="speed",
        steps=steps,
        rate=(plan.learning_rate, plan.learning_rate_end),
        checkpoint=folder / "none.pt",
        validate=None,
        cancelled=RunFolder(folder).cancelled,
    )

    def train() -> None:
        for _ in trainer.run(stage):
            pass

    return train


def bare(data: Prepared, steps: int) -> Callable[[], None]:
    """Forward, backward and optimiser and nothing else: same network, loss, precision, memory layout and optimiser."""
    plan, device = data.plan, data.device
    network = placed(build_segmentation(plan, 0), device, plan).train()
    objective, maker = segmentation_objective(plan), _maker(data)
    optimiser = torch.optim.AdamW(network.parameters(), plan.learning_rate, weight_decay=plan.weight_decay, fused=True)
    batches = [maker.batch(step, plan.batch) for step in range(BATCHES_IN_MEMORY)]

    def train() -> None:
        for step in range(steps):
            optimiser.zero_grad(set_to_none=True)
            with device.autocast():
                loss = torch.stack(list(objective(network, batches[step % len(batches)]).values())).sum()
            loss.backward()
            optimiser.step()

    return train


def _maker(data: Prepared) -> BatchMaker:
    return BatchMaker(Sources.of(data.cases), data.plan, data.device, Seed(0, 0, 1), None)
