"""What a worker still has to do in a run until it ends or waits for decisions: stage by stage, from the files that are there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..config import Configuration, Plan, from_json
from ..run.failure import Failure
from ..run.files import read_json
from ..run.folder import RunFolder

PREPARE, LEARN, CONFIDENCE, PREDICT, FINISH = "prepare", "learn", "confidence", "predict", "finish"

CONFIDENCE_COST = 1.6
"""A confidence step against a learning step, as the worker's own estimate counts it."""
PREPARE_COST = 1.0
FINISH_COST = 4.0
PREDICT_SHARE = 0.1
"""Guesses, in learning steps per scan, until they are measured; predicting as a share of all learning."""


@dataclass(frozen=True)
class Stage:
    """kind: one of the words above. units: how many steps or scans; cost: about how many learning steps one of them takes."""

    kind: str
    round: int
    units: float
    cost: float = 1.0


@dataclass(frozen=True)
class Job:
    """The stages in their order. rounds: the number of the last round of the run, from 0."""

    stages: tuple[Stage, ...]
    rounds: int = 0


def job_of(run: RunFolder) -> Job | None:
    """What is left to do in a run; None before it has a plan, or where its files cannot be read."""
    try:
        head, plan_file = run.read_head(), read_json(run.plan, "the plan")
        plan = from_json(Plan, plan_file["plan"])
        configuration = from_json(Configuration, head["configuration"])
        splits = [str(item["split"]) for item in head["cases"]]
    except (Failure, KeyError, TypeError, ValueError, OSError):
        return None
    return Job(tuple(_stages(run, plan, configuration, splits)), _last_round(configuration))


def apply_job(cases: int) -> Job:
    """Completing scans with a saved model: nothing is learned."""
    return Job((Stage(PREDICT, 0, cases, 10.0), Stage(FINISH, 0, cases, 1.0)))


def _last_round(configuration: Configuration) -> int:
    choices = configuration.relabelling
    return {"full": choices.rounds, "all-pseudo-labels": 1}.get(choices.method, 0)


def _stages(run: RunFolder, plan: Plan, configuration: Configuration, splits: list[str]) -> Iterator[Stage]:
    choices, last = configuration.relabelling, _last_round(configuration)
    training, everyone = splits.count("train"), len(splits)
    learning = plan.steps + last * plan.fine_tune_steps
    predict_cost = PREDICT_SHARE * learning / max(1, last * training + everyone)
    for number in range(last + 1):
        folder = run.round(number)
        cases = training if number < last else everyone
        if not folder.segmentation.exists():
            yield Stage(PREPARE, number, everyone if number == 0 else training, PREPARE_COST)
            yield Stage(LEARN, number, plan.steps if number == 0 else plan.fine_tune_steps)
        if choices.confidence == "learned" and not folder.confidence.exists():
            yield Stage(CONFIDENCE, number, plan.confidence_steps, CONFIDENCE_COST)
        if not folder.relabelling.exists():
            predicted = len(list((folder.path / "predictions").glob("*/prediction.json")))
            yield Stage(PREDICT, number, max(0, cases - predicted), predict_cost)
            if number < last and choices.review and not folder.review.exists():
                return
    yield Stage(FINISH, last, everyone, FINISH_COST)
