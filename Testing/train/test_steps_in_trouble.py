"""The training loop in trouble: no memory, a loss that is no number, a checkpoint that does not belong here."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from PartialLabelSegLib.config import Plan
from PartialLabelSegLib.run.failure import Failure
from PartialLabelSegLib.train import steps as module
from PartialLabelSegLib.train.batches import Batch
from PartialLabelSegLib.train.objective import segmentation_objective
from PartialLabelSegLib.train.steps import Cancelled, Trainer
from train.making import CPU
from train.workshop import Workshop, cancel_at, same, tiny_plan, weights


class Hungry:
    """An objective that runs out of memory for batches of more than `most` windows."""

    def __init__(self, plan: Plan, most: int) -> None:
        self.plan = plan
        self.most = most
        self.sizes: list[int] = []

    def __call__(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        self.sizes.append(batch.image.shape[0])
        if batch.image.shape[0] > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB.")
        return segmentation_objective(self.plan)(network, batch)


def hungry(shop: Workshop, most: int) -> tuple[Trainer, Hungry]:
    first = shop.trainer()
    objective = Hungry(shop.plan, most)
    return Trainer(first.network, objective, first._maker, shop.plan, CPU), objective


def test_where_memory_runs_out_the_batch_is_halved_and_that_is_said(tmp_path: Path) -> None:
    shop = Workshop(tmp_path, replace(tiny_plan(), batch=9, steps=4))
    trainer, objective = hungry(shop, 3)
    notes = [event.fields["message"] for event in trainer.run(shop.stage()) if event.kind == "note"]
    assert notes == [
        "Memory ran out; going on with 4 windows per step.",
        "Memory ran out; going on with 2 windows per step.",
    ]
    assert objective.sizes == [9, 4, 2, 2, 2, 2] and trainer.progress.batch == 2


def test_a_halved_batch_stays_halved_after_an_interruption(tmp_path: Path) -> None:
    shop = Workshop(tmp_path, replace(tiny_plan(), batch=8, steps=6))
    undisturbed, _ = hungry(shop, 4)
    list(undisturbed.run(shop.stage()))
    trainer, _ = hungry(shop, 4)
    with pytest.raises(Cancelled):
        list(trainer.run(shop.stage(cancel_at(3))))
    again, objective = hungry(shop, 4)
    list(again.run(shop.stage()))
    assert objective.sizes == [4, 4, 4]
    assert same(weights(again), weights(undisturbed))


def test_where_a_single_window_does_not_fit_the_person_is_told(tmp_path: Path) -> None:
    shop = Workshop(tmp_path, tiny_plan())
    with pytest.raises(Failure, match="holds a single window"):
        list(hungry(shop, 0)[0].run(shop.stage()))


class Poisoned:
    """An objective whose loss is not a number from a step on."""

    def __init__(self, plan: Plan, step: int) -> None:
        self.plan = plan
        self.left = step

    def __call__(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        self.left -= 1
        terms = segmentation_objective(self.plan)(network, batch)
        return {name: value * (math.nan if self.left < 0 else 1.0) for name, value in terms.items()}


def poisoned(shop: Workshop, step: int) -> Trainer:
    first = shop.trainer()
    return Trainer(first.network, Poisoned(shop.plan, step), first._maker, shop.plan, CPU)


def test_a_loss_that_is_not_a_number_is_a_failure_with_a_way_out(tmp_path: Path) -> None:
    shop = Workshop(tmp_path, tiny_plan(), CPU, validated=False)
    with pytest.raises(Failure, match=r"not a number at step 20.*learning_rate"):
        list(poisoned(shop, 13).run(shop.stage()))


def test_weights_that_are_lost_never_take_the_place_of_a_good_checkpoint(tmp_path: Path) -> None:
    shop = Workshop(tmp_path, tiny_plan(), CPU, validated=False, checkpoint_seconds=0.0)
    with pytest.raises(Failure, match="not a number at step 14"):
        list(poisoned(shop, 13).run(shop.stage()))
    kept = module.load(shop.stage().checkpoint, "the checkpoint")
    assert kept["progress"]["step"] == 13
    assert all(bool(torch.isfinite(value).all()) for value in kept["network"].values())


class Broken(torch.autograd.Function):
    """A loss that is a number with a gradient that is none, as a faulty convolution gives."""

    @staticmethod
    def forward(context: object, loss: Tensor) -> Tensor:
        return loss.clone()

    @staticmethod
    def backward(context: object, gradient: Tensor) -> Tensor:
        return gradient * math.nan


class Faulty:
    """An objective whose gradient is no number at the given calls, counted from 0."""

    def __init__(self, plan: Plan, calls: range) -> None:
        self.plan, self.calls, self.made = plan, calls, 0

    def __call__(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        terms = segmentation_objective(self.plan)(network, batch)
        self.made += 1
        return {name: Broken.apply(value) for name, value in terms.items()} if self.made - 1 in self.calls else terms


def faulty(shop: Workshop, calls: range) -> Trainer:
    first = shop.trainer()
    return Trainer(first.network, Faulty(shop.plan, calls), first._maker, shop.plan, CPU)


def test_a_step_whose_gradient_is_no_number_is_lost_and_the_network_is_not(tmp_path: Path) -> None:
    shop = Workshop(tmp_path, replace(tiny_plan(), steps=6, clip_norm=1.0))
    trainer = faulty(shop, range(2, 4))
    list(trainer.run(shop.stage()))
    assert all(torch.isfinite(value).all() for value in weights(trainer).values())
    whole = shop.trainer()
    list(whole.run(replace(shop.stage(), checkpoint=tmp_path / "whole.pt")))
    assert not same(weights(trainer), weights(whole))


def test_where_no_step_has_a_usable_gradient_the_person_is_told(tmp_path: Path) -> None:
    shop = Workshop(tmp_path, replace(tiny_plan(), steps=40, clip_norm=1.0))
    with pytest.raises(Failure, match="10 times in a row up to step 13") as caught:
        list(faulty(shop, range(3, 40)).run(shop.stage()))
    assert "float32" in caught.value.way_out


def test_a_checkpoint_of_another_network_is_refused(tmp_path: Path) -> None:
    shop = Workshop(tmp_path, tiny_plan())
    with pytest.raises(Cancelled):
        list(shop.trainer().run(shop.stage(cancel_at(2))))
    other = Workshop(tmp_path, replace(tiny_plan(), widths=(8, 16)))
    with pytest.raises(Failure, match=r"belongs to another network.*Delete .*checkpoint\.pt"):
        list(other.trainer().run(other.stage()))


def test_a_checkpoint_that_learned_from_something_else_is_refused(tmp_path: Path) -> None:
    shop = Workshop(tmp_path, tiny_plan())
    with pytest.raises(Cancelled):
        list(shop.trainer().run(replace(shop.stage(cancel_at(2)), made_with="these labels")))
    with pytest.raises(Failure, match=r"checkpoint\.pt"):
        list(shop.trainer().run(replace(shop.stage(), made_with="other labels")))


@pytest.mark.parametrize("missing", ["average", "optimiser", "progress", "scaler"])
def test_a_checkpoint_without_a_part_is_refused(tmp_path: Path, missing: str) -> None:
    shop = Workshop(tmp_path, tiny_plan())
    with pytest.raises(Cancelled):
        list(shop.trainer().run(shop.stage(cancel_at(2))))
    content = module.load(shop.stage().checkpoint, "the checkpoint")
    module.save(shop.stage().checkpoint, {name: value for name, value in content.items() if name != missing})
    with pytest.raises(Failure, match=r"checkpoint\.pt"):
        list(shop.trainer().run(shop.stage()))
