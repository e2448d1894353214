"""Intraclass correlation of one number per scan and rater (a volume, a score): how far raters give the same scan the same value.

Shrout and Fleiss, "Intraclass correlations: uses in assessing rater reliability", Psychological Bulletin 86 (1979).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats


@dataclass(frozen=True)
class Icc:
    """An intraclass correlation with its confidence interval; nan where it is not defined.

    `scans` times `raters` values; `level` is the coverage of low..high. A negative value says that the raters differ more within a
    scan than the scans differ from one another.
    """

    value: float
    low: float
    high: float
    scans: int
    raters: int
    level: float = 0.95


@dataclass(frozen=True)
class MeanSquares:
    """The two-way analysis of variance of n scans by k raters: between scans, between raters, and what is left."""

    scans: float
    raters: float
    error: float

    @classmethod
    def of(cls, values: NDArray[np.float64]) -> MeanSquares:
        """`values` (n, k), n and k at least 2."""
        n, k = values.shape
        mean = float(values.mean())
        by_scan = k * float(np.sum((values.mean(axis=1) - mean) ** 2))
        by_rater = n * float(np.sum((values.mean(axis=0) - mean) ** 2))
        # From the residuals themselves: the total minus both sums would lose the digits of an almost perfect agreement.
        rest = values - values.mean(axis=1, keepdims=True) - values.mean(axis=0, keepdims=True) + mean
        return cls(by_scan / (n - 1), by_rater / (k - 1), float(np.sum(rest**2)) / ((n - 1) * (k - 1)))


def icc_single(values: NDArray[np.floating], level: float = 0.95) -> Icc:
    """ICC(2,1): absolute agreement of single raters, who stand for all raters (two-way random effects).

    values: (scans, raters), finite, nothing missing. It is nan with fewer than two scans or raters, where all values are equal,
    and for two raters of two scans who say the opposite of each other.
    The interval is that of Shrout and Fleiss (1979), with Satterthwaite's degrees of freedom. Raises ValueError for another shape and
    for values that are not finite.
    """
    table = np.asarray(values, np.float64)
    if table.ndim != 2 or not np.isfinite(table).all():
        raise ValueError(f"the values must be finite numbers (scans, raters), got an array of shape {table.shape}")
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}")
    n, k = table.shape
    if n < 2 or k < 2 or np.ptp(table) == 0:
        return Icc(math.nan, math.nan, math.nan, n, k, level)
    squares = MeanSquares.of(table)
    error = squares.error
    whole = squares.scans + (k - 1) * error + k * (squares.raters - error) / n
    if whole < 1e-12 * (squares.scans + squares.raters + error):
        return Icc(math.nan, math.nan, math.nan, n, k, level)
    value = (squares.scans - error) / whole
    low, high = _interval(value, squares, n, k, level)
    return Icc(value, low, high, n, k, level)


def _interval(value: float, squares: MeanSquares, n: int, k: int, level: float) -> tuple[float, float]:
    """The interval of ICC(2,1); a perfect agreement has no width."""
    if value > 1 - 1e-12:
        return value, value
    scans, raters, error = squares.scans, squares.raters, squares.error
    a = k * value / (n * (1 - value))
    b = 1 + k * value * (n - 1) / (n * (1 - value))
    spread = (a * raters) ** 2 / (k - 1) + (b * error) ** 2 / ((n - 1) * (k - 1))
    if spread == 0:
        return math.nan, math.nan
    freedom = (a * raters + b * error) ** 2 / spread
    tail = (1 + level) / 2
    above = float(stats.f.ppf(tail, n - 1, freedom))
    below = float(stats.f.ppf(tail, freedom, n - 1))
    rest = k * raters + (k * n - k - n) * error
    low = n * (scans - above * error) / (above * rest + n * scans)
    high = n * (below * scans - error) / (rest + n * below * scans)
    return low, high
