"""The objective of MLB-Seg as a whole: its gradient against the paper's equations written out, its order, and what it remembers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call

from PartialLabelSegLib.config import Plan
from PartialLabelSegLib.losses.consistency import between_views, with_teacher
from PartialLabelSegLib.losses.masked import masked_bce
from PartialLabelSegLib.nets.architecture import Architecture
from PartialLabelSegLib.nets.unet import UNet
from PartialLabelSegLib.train.batches import Batch
from PartialLabelSegLib.train.bootstrap import MetaObjective, Weighed, on_logits
from PartialLabelSegLib.train.meta import normalised_weights, voxel_losses
from PartialLabelSegLib.train.objective import predicted_structures, segmentation_objective
from PartialLabelSegLib.train.teacher import noisy
from PartialLabelSegLib.train.views import views_of
from train.making import plan_of

SIZE = (12, 10)


def a_plan(**changes: Any) -> Plan:
    plain = {"views": 0, "teacher": 0.0, "learning_rate": 0.1}
    return replace(plan_of(("One", "Two"), steps=20), **{**plain, **changes})


def a_network(norm: str = "batch") -> nn.Module:
    shape = Architecture(2, widths=(4, 6), norm=norm, prior=0.4)
    return UNet(shape, torch.Generator().manual_seed(1)).double().train()


def a_batch(step: int = 5) -> Batch:
    """Structure One is doubtful in both windows, Two in the first; a third of the voxels is unknown."""
    generator = torch.Generator().manual_seed(2)

    def one() -> Batch:
        image = torch.randn(2, 1, *SIZE, generator=generator, dtype=torch.float64)
        known = torch.rand(2, 2, *SIZE, generator=generator) < 0.7
        return Batch(image, torch.rand(2, 2, *SIZE, generator=generator) < 0.3, known)

    batch, trusted = one(), one()
    doubtful = batch.weight & torch.tensor([[True, True], [True, False]]).view(2, 2, 1, 1)
    generator = torch.Generator().manual_seed(9)
    return replace(batch, imperfect=doubtful, trusted=trusted, step=step, generator=generator)


def trusted_objective(network: nn.Module, batch: Batch) -> dict[str, Tensor]:
    return {"bce": masked_bce(network(batch.image), batch.target, batch.weight)}


def summed(terms: dict[str, Tensor]) -> Tensor:
    return torch.stack(list(terms.values())).sum()


def gradient_of(network: nn.Module, value: Tensor) -> Tensor:
    slopes = torch.autograd.grad(value, list(network.parameters()), materialize_grads=True)
    return torch.cat([slope.flatten() for slope in slopes])


def by_the_equations(network: nn.Module, batch: Batch, plan: Plan, teacher: Tensor | None) -> Tensor:
    """The gradient of Eq. 9 with the consistency terms, the weights found by differentiating the look-ahead."""
    assert batch.imperfect is not None and batch.trusted is not None
    values = {name: value.detach().clone().requires_grad_() for name, value in network.named_parameters()}
    doubtful, trusted = batch.imperfect, batch.trusted

    def answer(at: dict[str, Tensor], image: Tensor) -> Tensor:
        return functional_call(network, {**{k: v.clone() for k, v in network.named_buffers()}, **at}, (image,))

    def extra(at: dict[str, Tensor]) -> Tensor:
        said = [torch.sigmoid(answer(at, batch.image))]
        terms = [torch.zeros((), dtype=torch.float64)]
        if teacher is not None:
            terms.append(with_teacher(said[0], teacher))
        if views := views_of(plan):
            said += [view.back(torch.sigmoid(answer(at, view.of(batch.image))), SIZE) for view in views]
            seen = [torch.ones(SIZE, dtype=torch.bool), *(view.seen(SIZE) for view in views)]
            terms.append(between_views(said, seen))
            shares = torch.stack([mask.double() for mask in seen])
            probability = (torch.stack(said) * shares[:, None, None]).sum(0) / shares.sum(0)
        else:
            probability = said[0]
        pseudo.append(predicted_structures(probability.detach()))
        return plan.consistency * torch.stack(terms).sum()

    pseudo: list[Tensor] = []
    pull = extra(values)
    logits = answer(values, batch.image)
    labels = (batch.target, pseudo[0])
    weights = [torch.zeros_like(logits, requires_grad=True) for _ in labels]
    losses = [voxel_losses(logits, label, doubtful) for label in labels]
    inner = pull + torch.stack([(w * loss).sum() for w, loss in zip(weights, losses)]).sum()
    slopes = torch.autograd.grad(inner, list(values.values()), create_graph=True)
    ahead = {name: value - plan.learning_rate * slope for (name, value), slope in zip(values.items(), slopes)}
    outer = masked_bce(answer(ahead, trusted.image), trusted.target, trusted.weight)
    raw = [-slope for slope in torch.autograd.grad(outer, weights)]
    given, own = normalised_weights(raw[0], raw[1], plan.normalised, 0.0)
    losses = [voxel_losses(answer(values, batch.image), label, doubtful) for label in labels]
    # Both structures have weight, so the mean over structures divides by 2.
    loss = (given * losses[0] + own * losses[1]).sum() / 2
    sure = batch.weight & ~doubtful
    loss = loss + masked_bce(answer(values, batch.image), batch.target, sure) + extra(values)
    if plan.supervised_step:
        loss = loss + masked_bce(answer(values, trusted.image), trusted.target, trusted.weight)
    return torch.cat([slope.flatten() for slope in torch.autograd.grad(loss, list(values.values()))])


@pytest.mark.parametrize("norm", ["batch", "instance"])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"normalised": "joint"},
        {"supervised_step": True},
        {"teacher": 0.9},
        {"views": 4},
        {"views": 4, "teacher": 0.9, "consistency": 0.5, "supervised_step": True},
    ],
    ids=str,
)
def test_a_steps_gradient_is_that_of_the_papers_equations(norm: str, changes: dict[str, Any]) -> None:
    network, plan = a_network(norm), a_plan(**changes)
    objective = MetaObjective(plan, trusted_objective)
    terms = objective(network, a_batch())
    teacher = None
    if plan.teacher:
        assert a_batch().generator is not None
        with torch.no_grad():
            teacher = torch.sigmoid(network(noisy(a_batch().image, plan.teacher_noise, a_batch().generator)))
    wanted = by_the_equations(network, a_batch(), plan, teacher)
    assert torch.allclose(gradient_of(network, summed(terms)), wanted, rtol=1e-7, atol=1e-7 * float(wanted.abs().max()))
    names = {"given", "pseudo", "checked"}
    names |= {"consistency_views"} if plan.views else set()
    names |= {"consistency_teacher"} if plan.teacher else set()
    assert set(terms) == (names | {"trusted"} if plan.supervised_step else names)


@pytest.mark.parametrize("changes", [{}, {"views": 2, "teacher": 0.9, "supervised_step": True}], ids=str)
def test_running_statistics_change_as_in_one_plain_step(changes: dict[str, Any]) -> None:
    network, twin = a_network(), a_network()
    summed(MetaObjective(a_plan(**changes), trusted_objective)(network, a_batch())).backward()
    twin(a_batch().image)
    for (name, value), other in zip(network.named_buffers(), twin.buffers(), strict=True):
        assert torch.equal(value, other), name


def test_before_it_begins_it_is_the_trusted_loss_and_never_looks_at_the_other_batch() -> None:
    network, batch = a_network(), a_batch(step=2)
    assert batch.trusted is not None
    unusable = replace(batch, image=torch.zeros(0), target=torch.zeros(0), imperfect=torch.zeros(0))
    for fixed in (False, True):
        terms = MetaObjective(a_plan(), trusted_objective, begins=3, fixed=fixed)(network, unusable)
        assert list(terms) == ["bce"]
        assert torch.equal(terms["bce"], trusted_objective(network, batch.trusted)["bce"])


def test_the_look_ahead_follows_the_optimiser_that_it_watches() -> None:
    network, plan = a_network("instance"), a_plan()
    alone, watching = (MetaObjective(plan, trusted_objective) for _ in range(2))
    optimiser = torch.optim.SGD(network.parameters(), 0.5, momentum=0.9, weight_decay=0.5)
    for value in network.parameters():
        optimiser.state[value]["momentum_buffer"] = torch.ones_like(value)
    watching.watch(optimiser)
    first, second = (float(item(network, a_batch())["given"].detach()) for item in (alone, watching))
    assert first != pytest.approx(second, rel=1e-4)
    still = MetaObjective(plan, trusted_objective)
    still.watch(torch.optim.AdamW(network.parameters(), 0.5))
    assert float(still(network, a_batch())["given"].detach()) == first


def test_each_structure_with_weight_counts_the_same() -> None:
    label = torch.tensor([[[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]])
    everywhere = torch.ones(1, 3, 2, dtype=torch.bool)
    weights = torch.tensor([[[0.5, 0.5], [0.0, 1.0], [0.0, 0.0]]])
    logits = torch.zeros(1, 3, 2)
    terms = Weighed(label, 1 - label, everywhere, weights, torch.zeros(1, 3, 2)).terms(logits)
    assert float(terms["given"]) == pytest.approx(0.693147, abs=1e-6) and float(terms["pseudo"]) == 0


def test_where_nothing_is_doubtful_the_labels_are_learned_as_trusted_ones() -> None:
    batch, network = a_batch(), a_network()
    plain = trusted_objective(network, batch)["bce"]
    for imperfect in (None, torch.zeros_like(batch.weight)):
        terms = MetaObjective(a_plan(), trusted_objective)(network, replace(batch, imperfect=imperfect))
        assert not terms["given"].any() and not terms["pseudo"].any()
        assert torch.allclose(terms["checked"], plain)


def test_where_all_is_doubtful_nothing_is_checked() -> None:
    batch = a_batch()
    for fixed in (False, True):
        objective = MetaObjective(a_plan(), trusted_objective, fixed=fixed)
        assert "checked" not in objective(a_network(), replace(batch, imperfect=batch.weight))


def test_fixed_shares_are_bootstrapping() -> None:
    network, batch = a_network("instance"), a_batch()
    assert batch.imperfect is not None and batch.trusted is not None
    terms = MetaObjective(a_plan(given_share=0.7), trusted_objective, fixed=True)(network, batch)
    logits = network(batch.image)
    pseudo = predicted_structures(torch.sigmoid(logits)).double()
    soft = 0.7 * batch.target.double() + 0.3 * pseudo
    # Cross-entropy is linear in the label: two labels with shares are one soft label.
    wanted = torch.stack([masked_bce(logits[:, [k]], soft[:, [k]], batch.imperfect[:, [k]]) for k in (0, 1)]).mean()
    assert torch.allclose(terms["given"] + terms["pseudo"], wanted)
    assert torch.equal(terms["trusted"], trusted_objective(network, batch.trusted)["bce"])


def test_the_teacher_begins_as_the_student_and_follows_it_from_then_on() -> None:
    network, plan = a_network("instance"), a_plan(teacher=0.75)
    objective = MetaObjective(plan, trusted_objective, begins=1)
    objective(network, a_batch(step=0))
    objective.after_step(network, 0)
    assert objective.state()["teacher"] == {}
    start = {name: value.clone() for name, value in network.state_dict().items()}
    objective(network, a_batch(step=1))
    with torch.no_grad():
        for value in network.parameters():
            value.add_(1)
    objective.after_step(network, 1)
    for name, value in objective.state()["teacher"].items():
        assert torch.allclose(value, start[name] + 0.25)


def test_a_resumed_objective_goes_on_as_if_nothing_had_happened() -> None:
    network, plan = a_network("instance"), a_plan(teacher=0.75)
    first = MetaObjective(plan, trusted_objective, snapshots_at=(5,))
    first(network, a_batch())
    with torch.no_grad():
        for value in network.parameters():
            value.mul_(1.1)
    first.after_step(network, 5)
    second = MetaObjective(plan, trusted_objective, snapshots_at=(5,))
    second.load_state(first.state())
    assert len(second.state()["snapshots"]) == 1
    for again in (first.state(), second.state()):
        assert all(torch.equal(value, again["teacher"][name]) for name, value in first.state()["teacher"].items())
    one, other = (item(network, a_batch(step=6)) for item in (first, second))
    assert all(torch.equal(one[name], other[name]) for name in one) and "consistency_teacher" in one
    second.after_step(network, 6)
    assert len(second.state()["teacher"]) == len(network.state_dict())


def test_snapshots_are_copies_in_main_memory_at_the_wanted_steps() -> None:
    network = a_network()
    objective = MetaObjective(a_plan(), trusted_objective, snapshots_at=(1, 3))
    weights = []
    for step in range(4):
        with torch.no_grad():
            network.get_parameter("output.bias").fill_(step)
        objective.after_step(network, step)
        weights.append(step)
    found = objective.state()["snapshots"]
    assert [snapshot["output.bias"][0].item() for snapshot in found] == [1, 3]
    assert found[0]["output.bias"].dtype == torch.float32
    assert found[0]["down.0.1.num_batches_tracked"].dtype == torch.int64
    a_network().load_state_dict(found[1])


def test_the_plans_own_objective_is_a_loss_of_logits() -> None:
    network, batch = a_network(), a_batch()
    objective = segmentation_objective(a_plan())
    terms, again = objective(network, batch), on_logits(objective)(network(batch.image), batch)
    assert terms.keys() == again.keys() == {"bce", "dice"}
    assert all(torch.equal(terms[name], again[name]) for name in terms)


def test_trusted_labels_speak_against_corrupted_voxels() -> None:
    """A disc whose label is shifted: after some trusted steps the wrong voxels get less weight than the right ones."""
    places = torch.stack(torch.meshgrid(torch.arange(24.0), torch.arange(24.0), indexing="ij"), -1)

    def windows(seed: int, shift: float) -> tuple[Tensor, Tensor, Tensor]:
        generator = torch.Generator().manual_seed(seed)
        middles = 10 + 4 * torch.rand(4, 1, 1, 2, generator=generator)
        truth, drawn = ((places - middles + move).norm(dim=-1) < 6 for move in (0.0, shift))
        image = truth.float() * 2 + 0.3 * torch.randn(4, 24, 24, generator=generator)
        return image[:, None], truth[:, None], drawn[:, None]

    plan = replace(plan_of(("Disc",)), views=0, teacher=0.0)
    network = UNet(Architecture(1, widths=(8, 12), norm="batch", prior=0.2), torch.Generator().manual_seed(0)).train()
    objective = MetaObjective(plan, segmentation_objective(plan), begins=15)
    optimiser = torch.optim.AdamW(network.parameters(), 1e-2)
    right, wrong = [], []
    for step in range(30):
        image, truth, _ = windows(2 * step, 0)
        everywhere = torch.ones_like(truth)
        trusted = Batch(image, truth, everywhere)
        image, truth, drawn = windows(2 * step + 1, 3)
        batch = Batch(image, drawn, everywhere, imperfect=everywhere, trusted=trusted, step=step)
        optimiser.zero_grad()
        summed(objective(network, batch)).backward()
        optimiser.step()
        if step >= 15:
            weighed = objective._weigh(network, batch)[0]
            right.append(weighed.given_weight[(drawn == truth) & truth].mean())
            wrong.append(weighed.given_weight[drawn != truth].mean())
    assert torch.stack(right).mean() > 2 * torch.stack(wrong).mean()
