"""What a worker still has to do in a run until it ends or waits for decisions: stage by stage, from the files that are there."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from dataclasses import dataclass

from ..config import SIZE_FOLDS, SIZE_STEP_COST, Configuration, Plan, from_json
from ..run.failure import Failure
from ..run.files import read_json
from ..run.folder import RoundFolder, RunFolder

PREPARE, LEARN, CONFIDENCE, PREDICT, FINISH = "prepare", "learn", "confidence", "predict", "finish"
SIZES, WEIGH = "sizes", "weigh"

CONFIDENCE_COST = 1.6
"""A confidence step against a learning step, as the worker's own estimate counts it."""
PREPARE_COST = 1.0
FINISH_COST = 4.0
PREDICT_SHARE = 0.1
"""Guesses, in learning steps per scan, until they are measured; predicting as a share of all learning."""
WEIGH_AGAINST_PREDICT = 6.0
"""Guess: weighing a scan's labels asks several networks, and each for its slope, too."""


@dataclass(frozen=True)
class Stage:
    """kind: one of the words above. units: how many steps or scans; cost: about how many learning steps one of them takes.

    Units from number `dear_from` on cost `dear` times as much: steps that learn the weights of doubtful labels.
    """

    kind: str
    round: int
    units: float
    cost: float = 1.0
    dear_from: float = math.inf
    dear: float = 1.0

    def work(self, units: float) -> float:
        """So many first units of it, counted as units of the cheaper kind."""
        return units + (self.dear - 1) * max(0.0, units - self.dear_from)


@dataclass(frozen=True)
class Job:
    """The stages in their order. rounds: the number of the last round of the run, from 0."""

    stages: tuple[Stage, ...]
    rounds: int = 0

    def stage(self, kind: str, round_number: int) -> Stage | None:
        """The stage of a round, if that is left to do."""
        return next((stage for stage in self.stages if (stage.kind, stage.round) == (kind, round_number)), None)


@dataclass(frozen=True)
class _Run:
    """weighed: how many training scans have doubtful labels that are weighed."""

    folder: RunFolder
    plan: Plan
    configuration: Configuration
    splits: tuple[str, ...]
    weighed: int

    @property
    def last(self) -> int:
        return self.configuration.relabelling.later_rounds

    @property
    def predict_cost(self) -> float:
        choices = self.configuration.relabelling
        learning = sum(choices.steps(self.plan, number) for number in range(self.last + 1))
        return PREDICT_SHARE * learning / max(1, self.last * self.splits.count("train") + len(self.splits))


def job_of(run: RunFolder) -> Job | None:
    """What is left to do in a run; None before it has a plan, or where its files cannot be read."""
    try:
        head, plan_file = run.read_head(), read_json(run.plan, "the plan")
        plan = from_json(Plan, plan_file["plan"])
        configuration = from_json(Configuration, head["configuration"])
        splits = tuple(str(item["split"]) for item in head["cases"])
        weighed = int(plan_file.get("weighed_scans", 0))
    except (Failure, KeyError, TypeError, ValueError, OSError):
        return None
    found = _Run(run, plan, configuration, splits, weighed)
    return Job(tuple(_stages(found)), found.last)


def apply_job(cases: int) -> Job:
    """Completing scans with a saved model: nothing is learned."""
    return Job((Stage(PREDICT, 0, cases, 10.0), Stage(FINISH, 0, cases, 1.0)))


def _stages(run: _Run) -> Iterator[Stage]:
    choices, everyone, training = run.configuration.relabelling, len(run.splits), run.splits.count("train")
    for number in range(run.last + 1):
        folder = run.folder.round(number)
        cases = training if number < run.last else everyone
        yield from _learning(run, number)
        if choices.confidence == "learned" and not folder.confidence.exists():
            yield Stage(CONFIDENCE, number, run.plan.confidence_steps, CONFIDENCE_COST)
        yield from _weighing(run, number)
        if not folder.relabelling.exists():
            predicted = len(list((folder.path / "predictions").glob("*/prediction.json")))
            yield Stage(PREDICT, number, max(0, cases - predicted), run.predict_cost)
            if number < run.last and choices.review and not folder.review.exists():
                return
    yield Stage(FINISH, run.last, everyone, FINISH_COST)


def _learning(run: _Run, number: int) -> Iterator[Stage]:
    folder = run.folder.round(number)
    if folder.segmentation.exists():
        return
    yield Stage(PREPARE, number, len(run.splits) if number == 0 else run.splits.count("train"), PREPARE_COST)
    sizes_are_new = number == 0 or _completes(run.folder.round(number - 1))
    if run.configuration.bounds and sizes_are_new and not (folder.path / "sizes.json").exists():
        yield Stage(SIZES, number, run.plan.size_steps * min(SIZE_FOLDS, run.splits.count("train")), SIZE_STEP_COST)
    steps = run.configuration.relabelling.steps(run.plan, number)
    begins = run.configuration.weighing_begins(run.plan, number, run.weighed > 0)
    if begins < steps:
        yield Stage(LEARN, number, steps, 1.0, begins, run.plan.weighing_cost)
    else:
        yield Stage(LEARN, number, steps)


def _completes(folder: RoundFolder) -> bool:
    """Whether a person said after a round that some structure is complete now, so that more sizes are known."""
    with contextlib.suppress(OSError, UnicodeDecodeError):
        return '"complete"' in folder.review.read_text(encoding="utf-8")
    return False


def _weighing(run: _Run, number: int) -> Iterator[Stage]:
    """How far each voxel of doubtful labels is upheld, where they count in part or are weighed. 'mlb' begins without them."""
    choices = run.configuration
    begins_without = choices.relabelling.method == "mlb" and number == 0
    if choices.doubtful not in ("weigh", "fixed") or run.plan.architecture == "instance" or begins_without:
        return
    folder = run.folder.round(number)
    left = run.weighed - len(list((folder.path / "weights").glob("*/doubts.json")))
    if left > 0 and not folder.relabelling.exists():
        yield Stage(WEIGH, number, left, WEIGH_AGAINST_PREDICT * run.predict_cost)
