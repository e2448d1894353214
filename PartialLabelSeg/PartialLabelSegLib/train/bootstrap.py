"""Learning from imperfect labels: given and own labels, voxel by voxel weighed by what trusted cases say (MLB-Seg), or by fixed shares."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from ..config import Plan
from ..losses.reduce import divisor, per_structure
from .agreement import Agreement, agreement, carried
from .batches import Batch
from .meta import (
    Descent,
    LogitsLoss,
    learned_parameters,
    logits_along,
    look_ahead,
    losses_along,
    normalised_weights,
    total,
    trusted_direction,
    unit_length,
    voxel_losses,
)
from .objective import Objective, predicted_structures
from .teacher import MeanTeacher, noisy
from .views import views_of


@dataclass(frozen=True, eq=False)
class Weighed:
    """Two labels of the doubtful voxels and their weights, all (N, K, *spatial): labels bool or float, `doubtful` bool, weights >= 0."""

    given: Tensor
    pseudo: Tensor
    doubtful: Tensor
    given_weight: Tensor
    pseudo_weight: Tensor

    def terms(self, logits: Tensor) -> dict[str, Tensor]:
        """'given' and 'pseudo': per structure the weighted sum of voxel losses (Eq. 9), then the mean over structures with any weight.

        With one structure that is the paper's loss; with several, each counts the same, however large it is.
        """
        weighed = per_structure(self.given_weight + self.pseudo_weight) > 0
        count = weighed.sum().clamp(min=1)
        pairs = {"given": (self.given, self.given_weight), "pseudo": (self.pseudo, self.pseudo_weight)}
        return {
            name: (voxel_losses(logits, label, self.doubtful) * weight).sum() / count
            for name, (label, weight) in pairs.items()
        }


class MetaObjective:
    """The stateful objective of MLB-Seg over batches with doubtful labels and a trusted batch beside them.

    Up to step `begins`: the trusted loss of `batch.trusted`. Then, per step: consistency of views and teacher, if any; the look-ahead; the
    direction in which the trusted loss falls there; weights by one forward-mode pass; and the weighted terms, whose backward pass is left to
    the caller. Only that last pass through the network leaves a trace in its running statistics.

    trusted: what is minimised on trusted labels; also on those of the batch itself that are not doubtful ('checked'). It asks its network
    once, about the batch's image. fixed: no weights are learned; given labels count `given_share` everywhere and own predictions the rest (bootstrapping, Reed et al. 2014),
    beside the trusted loss where there is a trusted batch.
    snapshots_at: the steps, counted as in `Batch.step`, after which the student is copied.
    """

    def __init__(
        self,
        plan: Plan,
        trusted: Objective,
        begins: int = 0,
        snapshots_at: Sequence[int] = (),
        fixed: bool = False,
    ) -> None:
        self._plan = plan
        self._trusted_loss = on_logits(trusted)
        self._fixed = fixed
        self._snapshots_at = frozenset(snapshots_at)
        self._begins = begins
        self._views = views_of(plan)
        self._teacher: MeanTeacher | None = None
        self._teacher_state: dict[str, Tensor] = {}
        self._snapshots: list[dict[str, Tensor]] = []
        self._optimiser: torch.optim.Optimizer | None = None

    def watch(self, optimiser: torch.optim.Optimizer) -> None:
        """Looks ahead as this optimiser would step: its rate, and of SGD momentum and weight decay. Without it: a plain step of the plan's rate."""
        self._optimiser = optimiser

    def __call__(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """The terms by name, already weighted; their sum is minimised."""
        if batch.step < self._begins:
            return self._of_trusted(network, _trusted(batch))
        if self._fixed:
            return self._fixed_terms(network, batch)
        weighed, extra = self._weigh(network, batch)
        logits = network(batch.image)
        return {**weighed.terms(logits), **self._checked(logits, batch), **extra}

    def after_step(self, network: nn.Module, step: int) -> None:
        """To be called after each step with its number (`Batch.step`): the teacher follows, and a snapshot is taken where one is wanted."""
        if self._teacher is not None:
            self._teacher.follow(network)
        if step in self._snapshots_at:
            copied = {name: _kept(value) for name, value in network.state_dict().items()}
            self._snapshots.append(copied)

    def state(self) -> dict[str, Any]:
        """What a checkpoint must hold beside the network. 'snapshots': state_dicts of the student in main memory."""
        teacher = self._teacher.state() if self._teacher is not None else self._teacher_state
        return {"teacher": teacher, "snapshots": self._snapshots}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Goes on from a `state`; the teacher's values go to the network's device at the next step."""
        self._teacher, self._teacher_state = None, dict(state["teacher"])
        self._snapshots = list(state["snapshots"])

    def _weigh(self, network: nn.Module, batch: Batch) -> tuple[Weighed, dict[str, Tensor]]:
        """Labels and weights of a batch, and the terms that do not depend on them; leaves nothing of its passes in memory."""
        plan, trusted, parameters = self._plan, _trusted(batch), learned_parameters(network)
        doubtful = _doubtful(batch)
        found = self._agreement(network, batch, parameters)
        ahead = self._ahead(network, parameters, {} if found is None else found.gradient)
        value, direction = trusted_direction(network, ahead, trusted, self._trusted_loss)
        logits, slope = logits_along(network, parameters, batch.image, unit_length(direction))
        probability = torch.sigmoid(logits) if found is None else found.probability
        pseudo = predicted_structures(probability) & doubtful
        labels = (batch.target, pseudo)
        learned = losses_along(logits, slope, [_voxel_loss(label, doubtful) for label in labels])
        weights = normalised_weights(learned[0], learned[1], plan.normalised)
        extra = {}
        if found is not None and found.terms:
            extra = dict(found.terms)
            first = next(iter(extra))
            extra[first] = carried(extra[first], found.gradient, network)
        if plan.supervised_step:
            # Where nothing moves the look-ahead, the trusted loss was differentiated here already.
            if any(ahead[name] is not parameters[name] for name in parameters):
                value, direction = trusted_direction(network, parameters, trusted, self._trusted_loss)
            extra["trusted"] = carried(value, direction, network)
        return Weighed(batch.target, pseudo, doubtful, *weights), extra

    def _agreement(self, network: nn.Module, batch: Batch, parameters: Mapping[str, Tensor]) -> Agreement | None:
        """What views and teacher say; None where there are none."""
        plan = self._plan
        weighs = plan.teacher > 0 and plan.consistency > 0
        if not self._views and not weighs:
            return None
        answer = None
        if weighs:
            answer = self._teacher_of(network).probability(
                network, noisy(batch.image, plan.teacher_noise, batch.generator)
            )
        return agreement(network, parameters, batch.image, self._views, answer, plan.consistency)

    def _teacher_of(self, network: nn.Module) -> MeanTeacher:
        if self._teacher is None:
            self._teacher = MeanTeacher(network, self._plan.teacher)
            if self._teacher_state:
                self._teacher.load_state(self._teacher_state)
                self._teacher_state = {}
        return self._teacher

    def _ahead(
        self, network: nn.Module, parameters: Mapping[str, Tensor], gradient: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        if self._optimiser is None:
            return look_ahead(parameters, gradient, Descent(self._plan.learning_rate), {})
        group = self._optimiser.param_groups[0]
        if not isinstance(self._optimiser, torch.optim.SGD):
            return look_ahead(parameters, gradient, Descent(group["lr"]), {})
        held = {name: self._optimiser.state.get(value, {}) for name, value in network.named_parameters()}
        found = {name: item.get("momentum_buffer") for name, item in held.items()}
        momenta = {name: item for name, item in found.items() if item is not None}
        return look_ahead(parameters, gradient, Descent(group["lr"], group["momentum"], group["weight_decay"]), momenta)

    def _fixed_terms(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        logits, doubtful, share = network(batch.image), _doubtful(batch), self._plan.given_share
        pseudo = predicted_structures(torch.sigmoid(logits.detach())) & doubtful
        even = doubtful / divisor(per_structure(doubtful)).view(1, -1, *(1,) * (doubtful.ndim - 2))
        weighed = Weighed(batch.target, pseudo, doubtful, share * even, (1 - share) * even)
        terms = {**weighed.terms(logits), **self._checked(logits, batch)}
        if batch.trusted is not None:
            terms["trusted"] = total(self._of_trusted(network, batch.trusted))
        return terms

    def _of_trusted(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        return self._trusted_loss(network(batch.image), batch)

    def _checked(self, logits: Tensor, batch: Batch) -> dict[str, Tensor]:
        """The trusted loss of those labels of the batch itself that are not doubtful; {} where there are none."""
        if batch.imperfect is None:
            return {"checked": total(self._trusted_loss(logits, batch))}
        sure = batch.weight & ~batch.imperfect
        if not bool(sure.any()):
            return {}
        # Of a structure that is doubtful here only the voxels of others are sure: its background is not.
        looked_for = ~batch.imperfect.flatten(2).any(2)
        if batch.looked_for is not None:
            looked_for = looked_for & batch.looked_for
        return {"checked": total(self._trusted_loss(logits, replace(batch, weight=sure, looked_for=looked_for)))}


def on_logits(objective: Objective) -> LogitsLoss:
    """An objective that asks its network once about the batch's image, as a loss of the network's answer."""
    return lambda logits, batch: objective(_Said(logits), batch)


class _Said(nn.Module):
    """A network that has answered already."""

    def __init__(self, logits: Tensor) -> None:
        super().__init__()
        self._logits = logits

    def forward(self, image: Tensor) -> Tensor:
        return self._logits


def _trusted(batch: Batch) -> Batch:
    assert batch.trusted is not None, "weights are learned from a trusted batch"
    return batch.trusted


def _doubtful(batch: Batch) -> Tensor:
    return torch.zeros_like(batch.weight) if batch.imperfect is None else batch.imperfect & batch.weight


def _voxel_loss(label: Tensor, weight: Tensor) -> Callable[[Tensor], Tensor]:
    return lambda logits: voxel_losses(logits, label, weight)


def _kept(value: Tensor) -> Tensor:
    value = value.detach().to("cpu", copy=True)
    return value.float() if value.is_floating_point() else value
