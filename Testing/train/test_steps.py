"""The training loop: an interrupted training ends with the very weights of an undisturbed one."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch import nn

from PartialLabelSegLib.config import Plan
from PartialLabelSegLib.run.events import Event
from PartialLabelSegLib.train import steps as module
from PartialLabelSegLib.train.batches import BatchMaker, Seed
from PartialLabelSegLib.train.device import Device, native_precision
from PartialLabelSegLib.train.network import build_segmentation, placed
from PartialLabelSegLib.train.objective import segmentation_objective
from PartialLabelSegLib.train.steps import Cancelled, Trainer, learning_rate
from train.making import CPU, STRUCTURES
from train.workshop import Weights, Workshop, cancel_at, same, sources, tiny_plan, weights, without_time

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


def test_later_the_running_average_takes_every_fourth_step_as_four(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EVERY_STEP", 2)
    trainer = Workshop(tmp_path, replace(tiny_plan(), average=0.9), CPU, validated=False).trainer()
    name, value = next((name, value) for name, value in trainer.network.named_parameters())
    with torch.no_grad():
        value.fill_(1.0)
    trainer._average[name].zero_()
    for step in range(3, 9):
        trainer._follow(step)
    left = (5 / 14) ** 4 * (9 / 18) ** 4
    assert torch.allclose(trainer._average[name], torch.tensor(1 - left))


@pytest.mark.parametrize("longest", [0.01, 1e6])
def test_a_gradient_is_clipped_as_torch_does_it(tmp_path: Path, longest: float) -> None:
    trainer = Workshop(tmp_path, replace(tiny_plan(), clip_norm=longest)).trainer()
    twin = Workshop(tmp_path, tiny_plan()).trainer()
    for place, (mine, other) in enumerate(zip(trainer.network.parameters(), twin.network.parameters())):
        mine.grad = torch.randn(mine.shape, generator=torch.Generator().manual_seed(place))
        other.grad = mine.grad.clone()
    expected = nn.utils.clip_grad_norm_(twin.network.parameters(), longest)
    assert torch.allclose(trainer._clipped(), expected)
    for mine, other in zip(trainer.network.parameters(), twin.network.parameters()):
        assert mine.grad is not None and other.grad is not None
        assert torch.allclose(mine.grad, other.grad)


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


@pytest.mark.parametrize(
    ("goes_on", "values", "best"), [(False, [0.8, 0.79, 0.785], 18), (True, [0.7, 0.8, 0.79, 0.785], 6)]
)
def test_a_later_network_that_is_as_good_within_the_noise_is_kept_in_a_first_training_only(
    tmp_path: Path, goes_on: bool, values: list[float], best: int
) -> None:
    shop = Workshop(tmp_path, replace(tiny_plan(), steps=18, validate_every=6))
    trainer = shop.trainer()
    list(trainer.run(replace(shop.stage(), validate=scores(values), goes_on=goes_on)))
    assert trainer.progress.best_step == best and trainer.progress.best_score == 0.8


def test_networks_that_get_worse_little_by_little_do_not_pass_for_as_good(tmp_path: Path) -> None:
    shop = Workshop(tmp_path, replace(tiny_plan(), steps=24, validate_every=6))
    _, trainer = validated_by(shop, [0.8, 0.785, 0.77, 0.755])
    assert trainer.progress.best_step == 12


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
