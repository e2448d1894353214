"""The instance network in training: its terms, what they may see, and that it learns, repeats and goes on like every other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from PartialLabelSegLib.config import Plan
from PartialLabelSegLib.losses.active_passive import ActivePassive
from PartialLabelSegLib.nets.instance.network import InstanceNetwork
from PartialLabelSegLib.train.batches import Batch, BatchMaker, Seed, sides_changed
from PartialLabelSegLib.train.device import Device
from PartialLabelSegLib.train.instance import InstanceObjective, instance_shape
from PartialLabelSegLib.train.network import build_segmentation, load_segmentation, placed, save_network
from PartialLabelSegLib.train.objective import segmentation_objective
from PartialLabelSegLib.train.predict import predict_volume
from PartialLabelSegLib.train.steps import Cancelled, Trainer
from PartialLabelSegLib.train.windows import Sources
from train.ellipses import detected, instance_plan, slices_of, stage_of, trainer_of
from train.making import CPU, prepared_case
from train.workshop import cancel_at, same, weights, without_time

TERMS = {"proposal", "proposal_box", "score", "box", "mask"}


def network_of(plan: Plan | None = None) -> InstanceNetwork:
    network = build_segmentation(plan or instance_plan(), 0)
    assert isinstance(network, InstanceNetwork)
    return network


def batch_of(target: Tensor, weight: Tensor | None = None, seed: int = 0) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    image = torch.randn(target.shape[0], 1, *target.shape[2:], generator=generator) + target[:, :1].float()
    return Batch(
        image, target, torch.ones_like(target, dtype=torch.bool) if weight is None else weight, None, generator
    )


def squares(count: int = 2, soft: float = 0.0) -> Tensor:
    target = torch.zeros(count, 1, 32, 32, dtype=torch.float32 if soft else torch.bool)
    target[:, :, 6:14, 8:18] = soft or True
    return target


def total(network: InstanceNetwork, batch: Batch, objective: InstanceObjective | None = None) -> Tensor:
    return torch.stack(list((objective or InstanceObjective())(network, batch).values())).sum()


def test_the_terms_have_names_and_every_weight_learns_from_their_sum() -> None:
    network = network_of()
    terms = InstanceObjective()(network, batch_of(squares()))
    assert set(terms) == TERMS and all(value.ndim == 0 and value.isfinite() for value in terms.values())
    torch.stack(list(terms.values())).sum().backward()
    without = [name for name, one in network.named_parameters() if one.grad is None or not one.grad.abs().sum() > 0]
    assert without == []


def test_dice_of_the_masks_is_a_term_of_its_own_where_the_plan_wants_it() -> None:
    plan = replace(instance_plan(), loss="bce+dice", dice_weight=0.5)
    objective = segmentation_objective(plan)
    assert set(objective(network_of(), batch_of(squares()))) == {*TERMS, "mask_dice"}
    plain = segmentation_objective(replace(plan, loss="apl", apl_weights=(0.0, 2.0, 1.0)))
    assert isinstance(plain, InstanceObjective)
    assert plain.voxel_loss == ActivePassive(0.0, 2.0, 1.0) and plain.dice_weight == 0


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_a_batch_without_any_instance_is_learned_from(precision: str) -> None:
    network = network_of()
    with Device("cpu", precision).autocast():
        terms = InstanceObjective(dice_weight=1.0)(network, batch_of(torch.zeros(2, 1, 32, 32, dtype=torch.bool)))
        loss = torch.stack(list(terms.values())).sum()
    assert terms["mask"] == terms["box"] == terms["proposal_box"] == 0 and terms["proposal"] > 0 and terms["score"] > 0
    loss.backward()
    assert all(one.grad is None or one.grad.isfinite().all() for one in network.parameters())


def test_a_batch_of_which_nothing_is_known_moves_no_weight() -> None:
    network = network_of()
    target = squares()
    loss = total(network, batch_of(target, torch.zeros_like(target)))
    assert loss == 0
    loss.backward()
    assert all(one.grad is None or not one.grad.any() for one in network.parameters())


def test_what_is_unknown_has_no_say_in_any_term() -> None:
    network = network_of(replace(instance_plan(), norm="none"))
    target = squares()
    weight = torch.ones_like(target)
    weight[:, :, 20:] = False
    changed = target.clone()
    changed[:, :, 22:30, 10:20] = True
    batch = replace(batch_of(target, weight), generator=None)
    expected = InstanceObjective()(network, batch)
    for name, value in InstanceObjective()(network, replace(batch, target=changed)).items():
        assert torch.equal(value, expected[name]), name


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_has_about_the_same_loss_and_finite_gradients(precision: str) -> None:
    expected = total(network_of(), batch_of(squares()))
    network = network_of()
    with Device("cpu", precision).autocast():
        found = total(network, batch_of(squares()))
    assert found.dtype == torch.float32 and found.item() == pytest.approx(expected.item(), rel=0.1)
    found.backward()
    assert all(one.grad is None or one.grad.isfinite().all() for one in network.parameters())


def test_the_draw_follows_the_batch_s_generator() -> None:
    network = network_of()
    drawn = [total(network, batch_of(squares(), seed=0)) for _ in range(2)]
    image = batch_of(squares()).image
    other = replace(batch_of(squares(), seed=5), image=image)
    assert torch.equal(*drawn) and not torch.equal(drawn[0], total(network, other))
    alone = replace(batch_of(squares()), generator=None)
    assert torch.equal(total(network, alone), total(network, alone))


def test_the_chance_left_to_a_step_depends_on_the_seed_and_the_step_alone() -> None:
    plan, given = instance_plan(), slices_of(0, 4)
    sources = Sources.of([prepared_case(given.label, (True,), given.image)])

    def drawn(step: int, run: int = 0) -> list[float]:
        batch = BatchMaker(sources, plan, CPU, Seed(run, 0, 1), None).batch(step, 2)
        same_sides = sides_changed(batch, torch.tensor([True, False]), [0])
        assert batch.generator is not None and same_sides.generator is batch.generator
        return torch.rand(4, generator=batch.generator).tolist()

    assert drawn(3) == drawn(3)
    assert len({tuple(one) for one in (drawn(3), drawn(4), drawn(3, run=1))}) == 3


def test_masks_learn_the_soft_target_and_boxes_the_hardened_one() -> None:
    network = network_of(replace(instance_plan(), norm="none"))
    batch = batch_of(squares())
    hard = InstanceObjective()(network, replace(batch, generator=None))
    soft = InstanceObjective()(network, replace(batch, target=squares(soft=0.6), generator=None))
    for name in ("proposal", "proposal_box", "score", "box"):
        assert torch.equal(hard[name], soft[name])
    assert hard["mask"] != soft["mask"]
    faint = InstanceObjective()(network, replace(batch, target=squares(soft=0.4), generator=None))
    assert faint["mask"] == faint["box"] == 0


def test_the_network_of_a_plan_has_its_widths_steps_and_mask_head() -> None:
    plan = replace(instance_plan(), mask_head="plain", dimensions="2.5d", context=1)
    shape = instance_shape(plan)
    assert shape.backbone.widths == (8, 12, 16) and shape.backbone.in_channels == 3 and shape.width == 12
    assert shape.steps == ((2, 2), (4, 4)) and shape.mask_head == "plain"
    with pytest.raises(ValueError, match="an instance network sees slices"):
        replace(plan, dimensions="3d")


def test_it_learns_ellipses_and_its_probabilities_are_those_of_a_segmentation(tmp_path: Path) -> None:
    plan = instance_plan()
    trainer = trainer_of(plan, slices_of(0, 48))
    list(trainer.run(stage_of(plan, tmp_path)))
    network, unseen = trainer.network, slices_of(1, 12)
    assert isinstance(network, InstanceNetwork)
    assert detected(network, unseen).average_precision > 0.8
    probability = predict_volume(network, unseen.image, plan, CPU)[0].numpy()
    both = ((probability >= 0.5) & (unseen.label > 0)).sum()
    assert 2 * both / ((probability >= 0.5).sum() + (unseen.label > 0).sum()) > 0.8
    save_network(tmp_path / "network.pt", plan, network.state_dict())
    again, its_plan = load_segmentation(tmp_path / "network.pt")
    assert its_plan == plan
    assert torch.equal(
        predict_volume(placed(again, CPU, plan), unseen.image, plan, CPU)[0], torch.from_numpy(probability)
    )


@pytest.mark.slow
@pytest.mark.parametrize(("head", "loss"), [("improved", "apl"), ("plain", "bce+dice")])
def test_larger_slices_are_learned_by_every_head_and_loss(tmp_path: Path, head: str, loss: str) -> None:
    plan = replace(instance_plan(64, 120), mask_head=head, loss=loss, widths=(8, 16, 32), batch=6)
    trainer = trainer_of(plan, slices_of(0, 64, 64, 9.0))
    list(trainer.run(stage_of(plan, tmp_path)))
    assert isinstance(trainer.network, InstanceNetwork)
    unseen = slices_of(1, 24, 64, 9.0)
    assert detected(trainer.network, unseen).average_precision > 0.9
    assert detected(trainer.network, unseen, 0.75).average_precision > 0.6


def test_a_cancelled_training_goes_on_to_the_same_weights_and_its_events_are_those_of_every_training(
    tmp_path: Path,
) -> None:
    plan, given = replace(instance_plan(steps=8), average=0.9), slices_of(0, 8)

    def undisturbed() -> Trainer:
        trainer = trainer_of(plan, given)
        list(trainer.run(stage_of(plan, tmp_path)))
        return trainer

    expected = undisturbed()
    assert same(weights(undisturbed()), weights(expected))
    with pytest.raises(Cancelled):
        list(trainer_of(plan, given).run(replace(stage_of(plan, tmp_path), cancelled=cancel_at(5))))
    trainer = trainer_of(plan, given)
    events = list(trainer.run(stage_of(plan, tmp_path)))
    assert [event.kind for event in events] == ["resumed", "progress"] and events[0].fields["step"] == 5
    assert same(weights(trainer), weights(expected))
    assert repr(without_time(trainer.progress)) == repr(without_time(expected.progress))
