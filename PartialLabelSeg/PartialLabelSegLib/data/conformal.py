"""How far a prediction may be off: intervals of stated coverage from the residuals of cases that were not learned from (split-conformal)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

FEWEST, FEWEST_FOR_A_LINE = 2, 5
"""With fewer cases nothing is said of intervals; or nothing is put right."""


@dataclass(frozen=True)
class Interval:
    """What is predicted and between what bounds the truth lies with the coverage of the Band that it comes from."""

    value: float
    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            raise ValueError(f"an interval needs low <= high, got {self.low} and {self.high}")

    def holds(self, value: float) -> bool:
        return self.low <= value <= self.high


@dataclass(frozen=True)
class Band:
    """The interval round any prediction. coverage: the share of new cases whose truth it holds, at least; cases: how many residuals stand behind it.

    floor None: [value - reach, value + reach], in the unit of the value. Else for amounts from 0, relative:
    [(value + floor) exp(-reach) - floor, (value + floor) exp(reach) - floor], never below 0; the floor keeps small amounts from counting as many times wrong.
    """

    coverage: float
    cases: int
    reach: float
    floor: float | None = None

    def __post_init__(self) -> None:
        if not 0 < self.coverage < 1 or self.cases < FEWEST or not 0 <= self.reach < math.inf:
            raise ValueError(f"a band needs a coverage in (0, 1), {FEWEST} cases and a finite reach, got {self}")
        if self.floor is not None and not 0 < self.floor < math.inf:
            raise ValueError(f"a band's floor must be positive, got {self.floor}")

    def around(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """low and high, float64 of the shape of the predictions."""
        values = np.asarray(values, np.float64)
        if self.floor is None:
            return values - self.reach, values + self.reach
        factor = math.exp(self.reach)
        low = np.maximum((values + self.floor) / factor - self.floor, 0)
        return low, (values + self.floor) * factor - self.floor

    def interval(self, value: float) -> Interval:
        low, high = self.around(np.array(value))
        return Interval(value, float(low), float(high))


def band(
    truth: Sequence[np.ndarray], predicted: Sequence[np.ndarray], coverage: float, floor: float | None
) -> Band | None:
    """The band of residuals that were found on cases not learned from; None with fewer than FEWEST cases.

    truth, predicted: one array per case: one value each, or one per slice; a case counts as much as another however many slices it has, and its
    slices are not taken for independent (hierarchical conformal prediction: each case weighs 1 / (n + 1), the new case may be anything).
    With n cases the best that can be promised is n / (n + 1). Where that is less than the coverage wanted, the band reaches as far as the largest residual
    and states that smaller coverage. The promise holds for a case drawn like those that were labelled.
    """
    pairs = [(t, p) for t, p in zip(truth, predicted, strict=True) if t.size]
    if len(pairs) < FEWEST:
        return None
    scores = [_scores(np.asarray(t, np.float64), np.asarray(p, np.float64), floor) for t, p in pairs]
    attained = min(coverage, len(pairs) / (len(pairs) + 1))
    return Band(attained, len(pairs), _quantile(scores, attained), floor)


def recalibrated(
    truth: np.ndarray, predicted: np.ndarray, new: np.ndarray, floor: float
) -> tuple[np.ndarray, np.ndarray]:
    """Amounts put right by those of cases that were not learned from: what is predicted for those cases, each by the others, and for `new` ones by all.

    A line through the logarithms of (amount + floor), fitted by least squares: where predictions say nothing it is flat, and all become the usual amount; where all are
    twice too large they are halved. With fewer than FEWEST_FOR_A_LINE cases nothing changes. All arrays float64 (n,) and (m,).
    """
    if len(truth) < FEWEST_FOR_A_LINE:
        return predicted, new
    t, p, q = (np.log(part + floor) for part in (truth, predicted, new))
    own = np.array([_line(np.delete(t, i), np.delete(p, i), p[i : i + 1])[0] for i in range(len(t))])
    return tuple(np.maximum(np.exp(part) - floor, 0) for part in (own, _line(t, p, q)))


def _line(t: np.ndarray, p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """A line that is drawn a little towards the flat one, and never falls: a larger prediction does not mean a smaller amount."""
    spread = p - p.mean()
    slope = max(0.0, float(spread @ (t - t.mean())) / (float(spread @ spread) + 1e-2))
    return t.mean() + slope * (q - p.mean())


def _scores(truth: np.ndarray, predicted: np.ndarray, floor: float | None) -> np.ndarray:
    if floor is None:
        return np.abs(truth - predicted)
    return np.abs(np.log((truth + floor) / (predicted + floor)))


def _quantile(scores: Sequence[np.ndarray], share: float) -> float:
    """The smallest score below or at which lies `share` of the mass, where each case has 1 / (n + 1) and the rest lies at infinity."""
    values = np.concatenate(scores)
    mass = np.concatenate([np.full(part.size, 1 / part.size) for part in scores]) / (len(scores) + 1)
    order = np.argsort(values, kind="stable")
    reached = np.searchsorted(np.cumsum(mass[order]), share - 1e-9)
    return float(values[order[min(int(reached), values.size - 1)]])
