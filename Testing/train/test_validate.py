"""Validation Dice: over what was looked for, by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from torch import Tensor, nn

from PartialLabelSegLib.train.validate import validation_dice
from train.making import CPU, plan_of, prepared_case, with_planes, with_soft

NAMES = ("A", "B", "C")


class Painted(nn.Module):
    """Says A where the grey value is 1, B where it is 2, C where it is 3."""

    def forward(self, x: Tensor) -> Tensor:
        first = x[:, :1].round()
        values = first.new_tensor([1.0, 2.0, 3.0]).view(1, 3, 1, 1)
        return (first == values).float() * 20 - 10


def dice_of(*cases: tuple[np.ndarray, np.ndarray, tuple[bool, ...]]) -> dict[str, float]:
    """Of (predicted, drawn, known) label maps."""
    ready = [prepared_case(drawn, known, predicted.astype(np.float32)) for predicted, drawn, known in cases]
    return validation_dice(Painted(), ready, plan_of(NAMES), CPU)


def row(*values: int) -> np.ndarray:
    return np.array(values, np.uint8).reshape(1, 1, -1)


def test_dice_is_twice_the_common_voxels_over_all_of_both() -> None:
    found = dice_of((row(1, 1, 1, 2, 0, 0), row(0, 1, 1, 2, 2, 2), (True, True, True)))
    assert found["A"] == 2 * 2 / 5 and found["B"] == 2 * 1 / 4


def test_a_structure_that_is_missing_or_not_there_does_not_count() -> None:
    found = dice_of((row(1, 2, 0), row(1, 0, 0), (True, False, True)))
    assert found["A"] == 1 and math.isnan(found["B"]) and math.isnan(found["C"])


def test_the_mean_is_over_the_cases_that_show_the_structure() -> None:
    found = dice_of(
        (row(1, 1, 0, 0), row(1, 1, 0, 0), (True, False, False)),
        (row(0, 0, 0, 2), row(1, 1, 0, 0), (True, False, False)),
        (row(1, 1, 1, 1), row(0, 0, 2, 2), (False, True, False)),
    )
    assert found["A"] == 0.5 and found["B"] == 0


def test_a_structure_drawn_beside_another_counts_where_it_was_drawn() -> None:
    drawn, beside = row(1, 1, 1, 0), row(0, 1, 1, 0)
    case = prepared_case(drawn, (True, True, True), row(1, 2, 2, 0).astype(np.float32))
    case = with_planes(case, {"positive-2": beside > 0})
    case.points[2] = np.flatnonzero(beside)
    found = validation_dice(Painted(), [case], plan_of(NAMES), CPU)
    assert found["B"] == 1 and found["A"] == 2 * 1 / 4


def test_a_soft_label_is_hardened_and_counts_where_it_was_read() -> None:
    # Predicted A on 4 voxels; the raters say A with 1, 0.5 and 0.4 there, and of the last two nobody says anything.
    predicted = prepared_case(row(0, 0, 0, 0, 0), (False, False, False), row(1, 1, 1, 0, 1).astype(np.float32))
    soft = np.array([1.0, 0.5, 0.4, np.nan, np.nan]).reshape(1, 1, 5)
    ready = replace(with_soft(predicted, {1: soft}), points={1: np.array([0, 1])})
    found = validation_dice(Painted(), [ready], plan_of(NAMES), CPU)
    assert found["A"] == 2 * 2 / 5 and math.isnan(found["B"])
    assert ready.positive(1).ravel().tolist() == [True, True, False, False, False]


def test_a_soft_label_that_is_nowhere_likely_does_not_count() -> None:
    case = prepared_case(row(0, 0), (True, False, False), row(1, 0).astype(np.float32))
    ready = replace(with_soft(case, {1: np.array([0.3, 0.0]).reshape(1, 1, 2)}), points={1: np.array([0])})
    assert math.isnan(validation_dice(Painted(), [ready], plan_of(NAMES), CPU)["A"])
