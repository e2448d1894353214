"""The estimate: what a run costs, and how many steps fit into the minutes that were given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from PartialLabelSegLib.config import Configuration, Plan, Relabelling
from PartialLabelSegLib.run.failure import Failure
from PartialLabelSegLib.train import estimate
from PartialLabelSegLib.train.batches import Batch
from PartialLabelSegLib.train.estimate import (
    CONFIDENCE_COST,
    REST_SHARE,
    Probe,
    probe,
    steps_for,
    weighted_steps,
    whole_run,
)
from train.making import CPU, plan_of


def configuration(
    minutes: float | None = None, rounds: int = 2, method: str = "full", confidence: str = "learned"
) -> Configuration:
    return Configuration(minutes=minutes, relabelling=Relabelling(method=method, rounds=rounds, confidence=confidence))


def stepping(plan: Plan) -> Plan:
    return replace(plan, steps=1000, fine_tune_steps=300, confidence_steps=100)


@pytest.mark.parametrize(
    ("method", "rounds", "confidence", "expected"),
    [
        ("full", 2, "learned", 1000 + 2 * 300 + 3 * 100 * CONFIDENCE_COST),
        ("full", 0, "learned", 1000 + 100 * CONFIDENCE_COST),
        ("full", 3, "mcp", 1000 + 3 * 300),
        ("all-pseudo-labels", 5, "mcp", 1000 + 300),
        ("ambiguity-only", 2, "mcp", 1000),
        ("naive", 2, "learned", 1000 + 100 * CONFIDENCE_COST),
    ],
)
def test_the_steps_of_all_trainings_are_counted(method: str, rounds: int, confidence: str, expected: float) -> None:
    assert weighted_steps(stepping(plan_of()), configuration(None, rounds, method, confidence)) == pytest.approx(
        expected
    )


def test_the_whole_run_is_its_steps_and_the_rest() -> None:
    seconds = whole_run(0.5, stepping(plan_of()), configuration(None, 1, "full", "mcp"))
    assert seconds == pytest.approx(0.5 * 1300 * (1 + REST_SHARE))


@given(st.floats(1, 600), st.floats(0.001, 0.5), st.integers(0, 4))
def test_a_run_takes_the_minutes_that_were_given(minutes: float, step_seconds: float, rounds: int) -> None:
    choices, plan = configuration(minutes, rounds), stepping(plan_of())
    changed = steps_for(plan, Probe(whole_run(step_seconds, plan, choices), step_seconds, 1.0), choices)
    seconds = whole_run(step_seconds, changed, choices)
    shortest = replace(plan, steps=50, fine_tune_steps=20, confidence_steps=20)
    if changed.fine_tune_steps > 20 and changed.confidence_steps > 20:
        assert seconds == pytest.approx(minutes * 60, rel=0.05)
    assert seconds >= min(minutes * 60 * 0.95, whole_run(step_seconds, shortest, choices))
    assert changed.steps >= 50 and changed.fine_tune_steps >= 20 and changed.confidence_steps >= 20
    assert 10 <= changed.validate_every <= max(10, changed.steps // 5)


def test_nothing_but_the_steps_is_changed_by_a_time_budget() -> None:
    choices, plan = configuration(5), stepping(plan_of())
    changed = steps_for(plan, Probe(600.0, 0.1, 1.0), choices)
    assert (changed.steps, changed.fine_tune_steps, changed.confidence_steps) == (500, 150, 50)
    assert changed.size_steps == round(plan.size_steps / 2)
    before = {
        name: getattr(plan, name) for name in ("fine_tune_steps", "confidence_steps", "size_steps", "validate_every")
    }
    same = replace(changed, steps=1000, **before)
    assert same == plan


@pytest.mark.parametrize("dimensions", ["2d", "2.5d", "3d"])
def test_a_probe_times_real_steps(dimensions: str) -> None:
    plan, choices = plan_of(dimensions=dimensions), configuration()
    found = probe(plan, CPU, choices)
    assert 0 < found.step_seconds < 60 and found.seconds == whole_run(found.step_seconds, plan, choices)
    assert 0.05 < found.gigabytes < 100


def hungry(most: int, sizes: list[int]) -> Callable[[Plan], Callable[[nn.Module, Batch], dict[str, Tensor]]]:
    real = estimate.segmentation_objective

    def objective(plan: Plan) -> Callable[[nn.Module, Batch], dict[str, Tensor]]:
        def compute(network: nn.Module, batch: Batch) -> dict[str, Tensor]:
            sizes.append(batch.image.shape[0])
            if batch.image.shape[0] > most:
                raise torch.OutOfMemoryError("CUDA out of memory.")
            return real(plan)(network, batch)

        return compute

    return objective


def test_a_probe_that_does_not_fit_is_tried_with_half_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    monkeypatch.setattr(estimate, "segmentation_objective", hungry(3, sizes))
    assert probe(plan_of(), CPU, configuration()).step_seconds > 0
    assert sizes == [8, 4, 2, 2, 2]


def test_a_probe_that_does_not_fit_at_all_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimate, "segmentation_objective", hungry(0, []))
    with pytest.raises(Failure, match=r"trial step with a single window.*--set"):
        probe(plan_of(), CPU, configuration())
