"""The training loop: an interrupted training ends with the very weights of an undisturbed one, and trouble is said."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from PartialLabelSegLib.config import Plan
from PartialLabelSegLib.run.events import Event
from PartialLabelSegLib.run.failure import Failure
from PartialLabelSegLib.train import steps as module
from PartialLabelSegLib.train.batches import Batch, BatchMaker, Seed
from PartialLabelSegLib.train.device import Device, native_precision
from PartialLabelSegLib.train.network import build_segmentation, placed
from PartialLabelSegLib.train.objective import segmentation_objective
from PartialLabelSegLib.train.steps import Cancelled, Progress, Stage, Trainer, learning_rate
from PartialLabelSegLib.train.validate import validation_dice
from PartialLabelSegLib.train.windows import Sources
from train.making import CPU, STRUCTURES, plan_of, prepared_case, scan_of

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


VARIANTS: dict[str, Callable[[Plan], Plan]] = {
    "averaged": lambda plan: plan,
    "not averaged": lambda plan: replace(plan, average=0.0),
    "momentum": lambda plan: replace(plan, optimiser="sgd", norm="group"),
    "adam, no clipping": lambda plan: replace(plan, optimiser="adam", clip_norm=0.0),
}


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("validated", [True, False])
def test_a_cancelled_training_goes_on_to_the_same_weights(tmp_path: Path, variant: str, validated: bool) -> None:
    shop = Workshop(tmp_path, VARIANTS[variant](tiny_plan()), CPU, validated)
    expected, curves = shop.undisturbed()
    for step in (1, 7, 12, 23):
        with pytest.raises(Cancelled):
            list(shop.trainer().run(shop.stage(cancel_at(step))))
        trainer = shop.trainer()
        events = list(trainer.run(shop.stage()))
        assert events[0].kind == "resumed" and events[0].fields["step"] == step
        assert same(weights(trainer), expected)
        assert repr(without_time(trainer.progress)) == repr(without_time(curves))
        shop.stage().checkpoint.unlink()


def test_a_training_that_is_cancelled_again_and_again_ends_with_the_same_weights(tmp_path: Path) -> None:
    shop = Workshop(tmp_path, tiny_plan())
    expected, curves = shop.undisturbed()
    for _ in range(23):
        trainer = shop.trainer()
        with pytest.raises(Cancelled):
            list(trainer.run(shop.stage(cancel_at(1))))
    trainer = shop.trainer()
    list(trainer.run(shop.stage()))
    assert same(weights(trainer), expected)
    assert repr(without_time(trainer.progress)) == repr(without_time(curves))


def test_one_killed_after_any_checkpoint_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    shop = Workshop(tmp_path, tiny_plan())
    expected, curves = shop.undisturbed()
    kept = 0
    for event in shop.trainer().run(replace(shop.stage(), checkpoint_seconds=0.0)):
        if event.kind == "checkpoint":
            kept += 1
            shutil.copy(shop.stage().checkpoint, tmp_path / f"{event.fields['step']}.pt")
    assert kept == shop.plan.steps - 1
    for step in (1, 5, 6, 10, 18, 23):
        shutil.copy(tmp_path / f"{step}.pt", shop.stage().checkpoint)
        trainer = shop.trainer()
        list(trainer.run(shop.stage()))
        assert same(weights(trainer), expected)
        assert repr(without_time(trainer.progress)) == repr(without_time(curves))


def test_a_checkpoint_is_not_changed_by_the_steps_after_it(tmp_path: Path) -> None:
    shop = Workshop(tmp_path, tiny_plan())
    with pytest.raises(Cancelled):
        list(shop.trainer().run(shop.stage(cancel_at(8))))
    first = shop.stage().checkpoint.read_bytes()
    trainer = shop.trainer()
    list(trainer.run(shop.stage()))
    assert shop.stage().checkpoint.read_bytes() == first
    assert len(trainer.progress.validation) == 4


@pytest.mark.parametrize("average", [0.0, 0.9])
def test_bfloat16_trainings_go_on_to_the_same_weights(tmp_path: Path, average: float) -> None:
    if native_precision("cpu") != "bfloat16":
        pytest.skip("this processor does not compute in bfloat16")
    shop = Workshop(tmp_path, replace(tiny_plan(), precision="bfloat16", average=average), Device("cpu", "bfloat16"))
    expected, _ = shop.undisturbed()
    with pytest.raises(Cancelled):
        list(shop.trainer().run(shop.stage(cancel_at(9))))
    trainer = shop.trainer()
    list(trainer.run(shop.stage()))
    assert same(weights(trainer), expected)


def test_the_same_training_twice_gives_the_same_weights_and_learns(tmp_path: Path) -> None:
    shop = Workshop(tmp_path, replace(tiny_plan(), steps=60, validate_every=60))
    first, curves = shop.undisturbed()
    again, _ = shop.undisturbed()
    assert same(first, again)
    assert curves.steps == [10, 20, 30, 40, 50, 60] and curves.loss[-1] < 0.8 * curves.loss[0]


def test_without_averaging_and_validation_the_last_weights_stay(tmp_path: Path) -> None:
    """One step of plain gradient descent, computed a second time by hand."""
    plan = replace(tiny_plan(), steps=1, average=0.0, optimiser="sgd", weight_decay=0.0, clip_norm=0.0, norm="none")
    shop = Workshop(tmp_path, plan, CPU, validated=False)
    found, _ = shop.undisturbed()
    network = placed(build_segmentation(plan, 0), CPU, plan).train()
    batch = BatchMaker(sources(), plan, CPU, Seed(0, 0, 1), None).batch(0, plan.batch)
    torch.stack(list(segmentation_objective(plan)(network, batch).values())).sum().backward()
    for name, value in network.named_parameters():
        assert value.grad is not None
        assert torch.allclose(found[name], value - plan.learning_rate * value.grad, atol=1e-6), name


def test_the_running_average_follows_by_the_rule(tmp_path: Path) -> None:
    """mean <- keep mean + (1 - keep) weights, keep = min(average, (1 + step) / (10 + step)), from the untrained weights on."""
    plan = replace(tiny_plan(), steps=5, average=0.3)
    seen: list[Weights] = []

    class Watching(Trainer):
        def _follow(self, step: int) -> None:
            seen.append(weights(self))
            super()._follow(step)

    shop = Workshop(tmp_path, plan, CPU, validated=False)
    first = shop.trainer()
    trainer = Watching(first.network, first._objective, first._maker, plan, CPU)
    expected = weights(trainer)
    list(trainer.run(shop.stage()))
    for step, current in enumerate(seen):
        keep = min(0.3, (1 + step) / (10 + step))
        for name, value in current.items():
            expected[name] = keep * expected[name] + (1 - keep) * value if value.is_floating_point() else value
    for name, value in weights(trainer).items():
        assert torch.allclose(value.float(), expected[name].float(), atol=1e-6), name


def scores(values: list[float]) -> Callable[[nn.Module], dict[str, float]]:
    """A validation that finds these Dice values one after the other."""
    left = iter(values)
    return lambda network: {"Large": next(left), "Small": math.nan}


def validated_by(shop: Workshop, values: list[float]) -> tuple[list[Event], Trainer]:
    trainer = shop.trainer()
    return list(trainer.run(replace(shop.stage(), validate=scores(values)))), trainer


def test_the_weights_with_the_best_validation_are_kept(tmp_path: Path) -> None:
    plan = replace(tiny_plan(), average=0.0)
    shop, short = Workshop(tmp_path, plan), Workshop(tmp_path, replace(plan, steps=24))
    _, trainer = validated_by(shop, [0.3, 0.8, 0.5, 0.7])
    assert trainer.progress.best_step == 12
    with pytest.raises(Cancelled):
        list(short.trainer().run(short.stage(cancel_at(12))))
    stored = module.load(short.stage().checkpoint, "the checkpoint")["network"]
    assert same(weights(trainer), stored)


def test_a_look_at_the_validation_scans_changes_nothing_in_the_training(tmp_path: Path) -> None:
    unseen, _ = Workshop(tmp_path, tiny_plan(), validated=False).undisturbed()
    _, looked = validated_by(Workshop(tmp_path, tiny_plan()), [0.1, 0.2, 0.3, 0.4])
    assert same(weights(looked), unseen)


def test_learning_stops_when_validation_has_not_risen_for_a_while(tmp_path: Path) -> None:
    shop = Workshop(tmp_path, replace(tiny_plan(), steps=600, validate_every=5, patience=3))
    events, trainer = validated_by(shop, [0.1, 0.6, 0.5, 0.6, 0.4, 0.3, 0.2, 0.9])
    # Equal counts as risen: the last best is the fourth, and three without a rise follow it.
    assert trainer.progress.step == 35 and trainer.progress.best_step == 20
    assert [event.fields["dice_mean"] for event in events if event.kind == "validation"] == [
        0.1,
        0.6,
        0.5,
        0.6,
        0.4,
        0.3,
        0.2,
    ]


def test_patience_zero_never_stops(tmp_path: Path) -> None:
    shop = Workshop(tmp_path, replace(tiny_plan(), steps=12, validate_every=2, patience=0))
    _, trainer = validated_by(shop, [0.9] + [0.1] * 5)
    assert trainer.progress.step == 12


def test_a_training_that_had_stopped_early_does_not_go_on_after_a_kill(tmp_path: Path) -> None:
    plan = replace(tiny_plan(), steps=600, validate_every=5, patience=2)
    shop = Workshop(tmp_path, plan, checkpoint_seconds=0.0)
    _, first = validated_by(shop, [0.5, 0.4, 0.3])
    events, again = validated_by(shop, [])
    assert [event.kind for event in events] == ["resumed"]
    assert same(weights(first), weights(again))


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


def test_a_checkpoint_of_another_network_is_refused(tmp_path: Path) -> None:
    shop = Workshop(tmp_path, tiny_plan())
    with pytest.raises(Cancelled):
        list(shop.trainer().run(shop.stage(cancel_at(2))))
    other = Workshop(tmp_path, replace(tiny_plan(), widths=(8, 16)))
    with pytest.raises(Failure, match=r"belongs to another network.*Delete checkpoint\.pt"):
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


def test_the_exponential_rate_rises_over_the_first_hundredth_and_then_falls_by_equal_factors() -> None:
    rates = [learning_rate(step, 1001, (1e-2, 1e-4), "exponential") for step in range(1001)]
    # 1001 steps: ten of them rise; at step s the fall is 10^(-2 - 2 s / 1000).
    assert rates[0] == pytest.approx(1e-2 * 1 / 10)
    assert rates[4] == pytest.approx(10 ** (-2 - 0.008) * 5 / 10)
    assert rates[500] == pytest.approx(1e-3) and rates[1000] == pytest.approx(1e-4)
    assert rates[250] == pytest.approx(10**-2.5)
    assert all(later < earlier for earlier, later in pairwise(rates[9:]))


def test_the_polynomial_rate_stays_high_for_longer_and_ends_at_the_last_rate() -> None:
    rates = [learning_rate(step, 1001, (1e-2, 1e-4), "polynomial") for step in range(1001)]
    # At step s: 1e-4 + 0.0099 (1 - s / 1000)^0.9.
    assert rates[4] == pytest.approx((1e-4 + 0.0099 * 0.996**0.9) * 5 / 10)
    assert rates[500] == pytest.approx(1e-4 + 0.0099 * 0.5**0.9) and rates[1000] == pytest.approx(1e-4)
    assert all(later < earlier for earlier, later in pairwise(rates[9:]))


@pytest.mark.parametrize("schedule", ["exponential", "polynomial"])
@pytest.mark.parametrize("steps", [1, 2, 3, 50])
def test_short_trainings_begin_and_end_at_the_given_rates(schedule: str, steps: int) -> None:
    rates = [learning_rate(step, steps, (0.1, 0.001), schedule) for step in range(steps)]
    assert rates[0] == pytest.approx(0.1) and rates[-1] == pytest.approx(0.1 if steps == 1 else 0.001)


def told(shop: Workshop) -> Iterator[Event]:
    yield from (event for event in shop.trainer().run(shop.stage()) if event.kind == "progress")


def test_progress_tells_step_loss_and_the_time_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PROGRESS_SECONDS", 0.0)
    fields = [event.fields for event in told(Workshop(tmp_path, tiny_plan()))]
    assert [item["step"] for item in fields] == [10, 20, 24]
    assert all(item["steps"] == 24 and item["stage"] == "learning" and item["loss"] > 0 for item in fields)
    assert fields[-1]["seconds_left"] == 0 and all(item["seconds_left"] >= 0 for item in fields)


def test_the_dice_of_validation_is_named_after_the_structures(tmp_path: Path) -> None:
    shop = Workshop(tmp_path, tiny_plan())
    _, curves = shop.undisturbed()
    assert [entry["step"] for entry in curves.validation] == [6, 12, 18, 24]
    assert all(set(entry["dice"]) == set(STRUCTURES) for entry in curves.validation)
