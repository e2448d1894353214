"""Intervals hold what they promise."""

from __future__ import annotations

import math

import numpy as np
import pytest

from PartialLabelSegLib.data.conformal import Band, Interval, band, recalibrated


def one_each(values: list[float]) -> list[np.ndarray]:
    return [np.array([value]) for value in values]


def test_with_nineteen_cases_ninety_percent_is_the_eighteenth_residual() -> None:
    # ceil(20 * 0.9) = 18.
    found = band(one_each([float(n) for n in range(1, 20)]), one_each([0.0] * 19), 0.9, None)
    assert found is not None
    assert (found.reach, found.coverage, found.cases) == (18.0, 0.9, 19)


def test_with_too_few_cases_the_band_reaches_as_far_as_the_worst_and_says_what_it_holds() -> None:
    found = band(one_each([1.0, -3.0, 2.0]), one_each([0.0] * 3), 0.9, None)
    assert found is not None
    assert (found.reach, found.coverage) == (3.0, 0.75)


@pytest.mark.parametrize("cases", [0, 1])
def test_of_a_single_case_nothing_is_said(cases: int) -> None:
    assert band(one_each([1.0] * cases), one_each([1.0] * cases), 0.9, None) is None


def test_a_ratio_of_two_gives_half_to_twice() -> None:
    found = band(one_each([20.0, 10.0]), one_each([10.0, 10.0]), 0.9, 1e-9)
    assert found is not None and found.reach == pytest.approx(math.log(2))
    interval = found.interval(30.0)
    assert (interval.low, interval.high) == pytest.approx((15.0, 60.0))


def test_an_amount_is_never_expected_below_nothing() -> None:
    low, high = Band(0.9, 10, math.log(3), floor=2.0).around(np.array([0.0, 1.0, 10.0]))
    assert low.tolist() == pytest.approx([0.0, 0.0, 2.0])
    assert high.tolist() == pytest.approx([4.0, 7.0, 34.0])


def test_a_case_with_many_slices_counts_as_much_as_one_with_few() -> None:
    truth = [np.zeros(1000), *([np.full(1, 5.0)] * 9)]
    found = band(truth, [np.zeros(part.size) for part in truth], 0.5, None)
    assert found is not None and found.reach == 5.0


def test_new_cases_lie_inside_as_often_as_promised() -> None:
    rng, held = np.random.default_rng(3), []
    for _ in range(400):
        residuals = rng.standard_t(3, 13)
        found = band(one_each(residuals[:12].tolist()), one_each([0.0] * 12), 0.9, None)
        assert found is not None
        held.append(found.interval(0.0).holds(residuals[12]))
    # Within three standard deviations of what is promised, and not much more than that.
    assert 0.9 - 3 * math.sqrt(0.09 / 400) <= np.mean(held) <= 0.98


def test_slices_of_one_case_may_be_alike_and_the_promise_still_holds() -> None:
    rng, held = np.random.default_rng(4), []
    for _ in range(400):
        cases = [np.full(int(rng.integers(1, 20)), rng.normal()) for _ in range(15)]
        found = band(cases[:14], [np.zeros(part.size) for part in cases[:14]], 0.8, None)
        assert found is not None
        held.append(found.interval(0.0).holds(float(cases[14][0])))
    assert 0.8 - 3 * math.sqrt(0.16 / 400) <= np.mean(held) <= 0.93


def test_predictions_that_are_all_twice_too_large_are_halved() -> None:
    truth = np.array([10.0, 14.0, 20.0, 30.0, 50.0, 80.0])
    own, new = recalibrated(truth, 2 * truth, np.array([40.0]), 1e-6)
    assert own == pytest.approx(truth, rel=0.02) and new == pytest.approx([20.0], rel=0.02)


def test_predictions_that_say_nothing_become_the_usual_amount() -> None:
    rng = np.random.default_rng(0)
    truth = np.exp(rng.normal(3, 0.2, 40))
    new = recalibrated(truth, np.exp(rng.normal(5, 1.0, 40)), np.array([10.0, 1000.0]), 1e-6)[1]
    assert new == pytest.approx([math.exp(3)] * 2, rel=0.3)


def test_each_case_is_put_right_by_the_others_alone() -> None:
    truth, predicted = np.array([10.0, 10.0, 10.0, 10.0, 10.0, 99.0]), np.full(6, 10.0)
    own, _ = recalibrated(truth, predicted, np.zeros(0), 1e-6)
    assert own[5] == pytest.approx(10.0)


def test_with_four_cases_nothing_is_put_right() -> None:
    own, new = recalibrated(np.ones(4), np.full(4, 2.0), np.array([3.0]), 0.1)
    assert own.tolist() == [2.0] * 4 and new.tolist() == [3.0]


@pytest.mark.parametrize(
    "made", [lambda: Interval(1.0, 2.0, 1.0), lambda: Band(1.0, 5, 1.0), lambda: Band(0.9, 1, 1.0)]
)
def test_what_cannot_be_is_refused(made: object) -> None:
    with pytest.raises(ValueError, match="needs"):
        made()  # type: ignore[operator]
