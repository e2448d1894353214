"""The learning steps of a round: segmentation, then confidence; each leaves one finished file, so that a run goes on where it ended."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from torch import nn

from ..nets.heads import ConfidenceNetwork
from ..nets.segmenter import SEGMENTERS
from ..run.events import Event
from ..run.failure import Failure
from ..run.files import write_json
from .batches import BatchMaker, Seed, WeighedBatches
from .bootstrap import MetaObjective
from .bounds import bounded
from .checkpoint import save
from .network import build_confidence, build_segmentation, load_weights, placed, save_network
from .objective import ConfidenceObjective, Objective, segmentation_objective
from .prepared import PreparedCase
from .session import Session
from .steps import Batches, Stage, Trainer
from .validate import validation_dice
from .windows import Sources

SEGMENTATION, CONFIDENCE, DOUBTFUL, WEIGHING = 1, 2, 3, 4
SNAPSHOTS = 5
"""How many networks of the weighted learning are kept, over which learned weights are averaged: those of a single step are noisy."""
FINE_TUNE_RATE, CONFIDENCE_RATE = 0.3, 0.1
"""Shares of the first learning rate: later rounds, and the confidence, whose copy forgets what generalises when it is moved fast."""
NOT_LEARNED = 0.1
"""A structure whose best validation Dice stays below this was not learned, and the report says so."""


def learn_segmentation(session: Session, number: int) -> Iterator[Event]:
    """Round 0 trains from scratch; later rounds go on from the network before, on the relabelled cases (INERRANT, Algorithm 2)."""
    folder, checkpoint = session.round(number), session.round(number).path / "segmentation.checkpoint.pt"
    if folder.segmentation.exists():
        checkpoint.unlink(missing_ok=True)
        return
    plan, training = session.plan, tuple(session.opened(session.of_split("train"), number))
    nowhere = _labelled_nowhere(plan.structures, training)
    if nowhere and number == 0:
        sentence = f"Labelled in no training scan, so nothing can be suggested for it: {', '.join(nowhere)}."
        yield Event("note", {"message": sentence, "structures": nowhere})
    network = segmentation_network(session, None if number == 0 else number - 1)
    choices = session.configuration.relabelling
    steps, anew = choices.steps(plan, number), number == 0 or (choices.method == "mlb" and number == 1)
    objective, batches = _learning(session, training, number, steps)
    trainer = Trainer(network, bounded(objective, session, number), batches, plan, session.device)
    stage = Stage(
        name=f"round {number}: learning the structures",
        steps=steps,
        rate=(plan.learning_rate * (1.0 if anew else FINE_TUNE_RATE), plan.learning_rate_end),
        checkpoint=checkpoint,
        validate=_validation(session),
        cancelled=session.run.cancelled,
        checkpoint_seconds=session.configuration.checkpoint_seconds,
        goes_on=number > 0,
        made_with=session.made_with(number),
    )
    yield from trainer.run(stage)
    missed = [name for name in _not_learned(trainer.progress.validation) if name not in nowhere]
    if missed:
        yield Event("note", {"message": f"Not learned so far: {', '.join(missed)}.", "structures": missed})
    write_json(folder.training, {**trainer.progress.curves(), "not_learned": [*nowhere, *missed]})
    if isinstance(objective, MetaObjective):
        # A learning that validation ended early may have come to none.
        snapshots = objective.state()["snapshots"] or [network.state_dict()]
        save(folder.snapshots, {"snapshots": snapshots, "made_with": stage.made_with})
    save_network(folder.segmentation, plan, network.state_dict(), {"made_with": stage.made_with})
    stage.checkpoint.unlink(missing_ok=True)


def _learning(
    session: Session, training: tuple[PreparedCase, ...], number: int, steps: int
) -> tuple[Objective, Batches]:
    """What a round minimises, on which batches: plain, or with weights for doubtful labels once the trusted ones are learned (MLB-Seg)."""
    plan, plain = session.plan, segmentation_objective(session.plan)
    doubtful = tuple(case for case in training if case.has_imperfect() and case.can_teach())
    trusted = _maker(session, training, number, SEGMENTATION)
    if not doubtful:
        return plain, trusted
    begins = round(plan.warm_up * steps) if number == 0 else 0
    weighed = _maker(session, doubtful, number, DOUBTFUL, trusted_only=False)
    snapshots = tuple(begins + round((steps - begins) * (part + 1) / SNAPSHOTS) - 1 for part in range(SNAPSHOTS))
    objective = MetaObjective(plan, plain, begins, snapshots, fixed=session.doubtful == "fixed")
    return objective, WeighedBatches(weighed, trusted, begins)


def trusted_batches(session: Session, number: int) -> Batches:
    """The trusted batches of a round, others than those that it learned from."""
    training = tuple(session.opened(session.of_split("train"), number))
    return _maker(session, training, number, WEIGHING)


def _labelled_nowhere(structures: tuple[str, ...], cases: tuple[PreparedCase, ...]) -> list[str]:
    """The structures without any voxel to learn from."""
    return [name for value, name in enumerate(structures, 1) if not any(value in case.points for case in cases)]


def segmentation_network(session: Session, number: int | None) -> nn.Module:
    """The plan's network on the device, with the weights of a finished round, or untrained."""
    network = build_segmentation(session.plan, session.configuration.seed)
    if number is not None:
        load_weights(network, session.round(number).segmentation, "the network of a round", session.made_with(number))
    return placed(network, session.device, session.plan)


def _validation(session: Session) -> Any:
    """validate(network) on the fixed cases with the expert's labels (round 0), or None where there is no such case."""
    cases = tuple(case for case in session.opened(session.of_split("validation"), 0) if case.points)
    if not cases:
        return None
    return lambda network: validation_dice(network, cases, session.plan, session.device)


def _maker(
    session: Session, cases: tuple[PreparedCase, ...], number: int, stage: int, trusted_only: bool = True
) -> BatchMaker:
    sources = Sources.of([case.trusted_part() for case in cases] if trusted_only else cases)
    # Doubtful labels may all say that nothing is there: their windows lie anywhere.
    if not sources.cases or (trusted_only and not sources.holders):
        raise Failure(
            "No training case has a labelled structure, so there is nothing to learn from.",
            way_out="Run `check` on the data set; label at least one structure in one scan.",
        )
    seed = Seed(session.configuration.seed, number, stage)
    return BatchMaker(sources, session.plan, session.device, seed, session.settles(), trusted_only)


def _not_learned(validation: list[dict[str, Any]]) -> list[str]:
    if not validation:
        return []
    best: dict[str, float] = {}
    for entry in validation:
        for name, dice in entry["dice"].items():
            if math.isfinite(dice):
                best[name] = max(dice, best.get(name, 0.0))
    return [name for name, dice in best.items() if dice < NOT_LEARNED]


def learn_confidence(session: Session, number: int) -> Iterator[Event]:
    """Fits the confidence of a round's finished segmentation (INERRANT, section 3.2.2).

    On known voxels of the training cases under augmentation and of the validation cases, whose predictions are held out: a confidence
    fitted only where the segmentation was fitted sees too few errors. Nothing to do for 'mcp'.
    """
    folder, choices, plan = session.round(number), session.configuration.relabelling, session.plan
    checkpoint = folder.path / "confidence.checkpoint.pt"
    if folder.confidence.exists() or choices.confidence == "mcp":
        checkpoint.unlink(missing_ok=True)
        return
    segmentation = segmentation_network(session, number).eval().requires_grad_(False)
    network = confidence_network(session, segmentation, None)
    held_out = tuple(session.opened(session.of_split("validation"), 0))
    training = tuple(session.opened(session.of_split("train"), 0))
    cases = training + held_out * _repeats(len(training), len(held_out))
    objective = ConfidenceObjective(segmentation, choices.target)
    trainer = Trainer(network, objective, _maker(session, cases, number, CONFIDENCE), plan, session.device)
    stage = Stage(
        name=f"round {number}: learning the confidence",
        steps=plan.confidence_steps,
        rate=(plan.learning_rate * CONFIDENCE_RATE, plan.learning_rate_end),
        checkpoint=checkpoint,
        validate=None,
        cancelled=session.run.cancelled,
        checkpoint_seconds=session.configuration.checkpoint_seconds,
        made_with=f"{session.made_with(number)} confidence",
    )
    yield from trainer.run(stage)
    write_json(
        folder.confidence_training,
        {
            **trainer.progress.curves(),
            "kind": choices.confidence,
            "target": choices.target,
            "frozen": choices.frozen,
            "held_out_cases": len(held_out),
        },
    )
    save_network(folder.confidence, plan, network.state_dict(), {"made_with": stage.made_with})
    stage.checkpoint.unlink(missing_ok=True)


def _repeats(training: int, held_out: int) -> int:
    """How often the held-out cases are listed, so that they make up about half of the draws."""
    return max(1, round(training / held_out)) if held_out else 0


def confidence_network(session: Session, segmentation: nn.Module, number: int | None) -> ConfidenceNetwork:
    """The confidence network of a segmentation, with the weights of a finished round, or untrained."""
    assert isinstance(segmentation, SEGMENTERS)
    choices = session.configuration.relabelling
    seed, correcting = session.configuration.seed, choices.target == "correctness"
    network = build_confidence(segmentation, session.plan, choices.frozen, seed, correcting)
    if number is not None:
        made_with = f"{session.made_with(number)} confidence"
        load_weights(network, session.round(number).confidence, "the confidence network of a round", made_with)
    placed_network = placed(network, session.device, session.plan)
    assert isinstance(placed_network, ConfidenceNetwork)
    return placed_network
