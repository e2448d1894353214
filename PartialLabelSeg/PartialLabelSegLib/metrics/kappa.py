"""Fleiss' kappa: how far raters who put items (cells of a grid) into categories agree beyond what chance would give."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Kappa:
    """kappa = (observed - expected) / (1 - expected); nan where nothing was rated twice, or all ratings are of one category.

    `observed`: the chance that two ratings of the same item agree; `expected`: that two ratings of any items do.
    `items` were rated by two raters or more, `ratings` times in all.
    """

    value: float
    observed: float
    expected: float
    items: int
    ratings: int


def fleiss_kappa(counts: NDArray[np.integer]) -> Kappa:
    """Fleiss' kappa (Psychological Bulletin 76, 1971) of items (n, categories): how many raters chose each category.

    Where items have different numbers of raters, each item's agreement counts once and the categories' shares are those of all
    ratings together, which is Fleiss' own formula where the numbers are equal. An item with fewer than two ratings says nothing
    about agreement and is left out. Raises ValueError for negative counts and another shape.
    """
    table = np.asarray(counts)
    if table.ndim != 2 or table.dtype.kind not in "iu" or (table.size and int(table.min()) < 0):
        raise ValueError(f"counts must be whole numbers from 0, (items, categories), got {table.dtype} {table.shape}")
    table = table[table.sum(axis=1) >= 2].astype(np.int64)
    raters = table.sum(axis=1)
    items, ratings = len(table), int(raters.sum())
    if items == 0:
        return Kappa(math.nan, math.nan, math.nan, 0, 0)
    observed = float(np.mean(np.sum(table * (table - 1), axis=1) / (raters * (raters - 1))))
    shares = table.sum(axis=0) / ratings
    expected = float(np.sum(shares**2))
    alike = int(np.count_nonzero(table.sum(axis=0))) == 1
    value = math.nan if alike else (observed - expected) / (1 - expected)
    return Kappa(value, observed, expected, items, ratings)


def tick_counts(ticks: NDArray[np.bool_], read: NDArray[np.bool_]) -> NDArray[np.int64]:
    """How many raters left each cell empty and how many ticked it: (cells, 2), for `fleiss_kappa`.

    ticks: bool (raters, cells). read: bool of the same shape, whether the rater read the slice of the cell; an unread cell is no vote.
    Raises ValueError for arrays that are not boolean or differ in shape, and for a tick in a cell that was not read.
    """
    if ticks.dtype != np.bool_ or read.dtype != np.bool_ or ticks.shape != read.shape or ticks.ndim != 2:
        raise ValueError(f"ticks and read must be boolean (raters, cells), got {ticks.shape} and {read.shape}")
    if bool(np.any(ticks & ~read)):
        raise ValueError("a ticked cell was not read")
    yes = np.count_nonzero(ticks, axis=0)
    return np.stack([np.count_nonzero(read, axis=0) - yes, yes], axis=1).astype(np.int64)
