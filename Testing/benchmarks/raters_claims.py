"""What was expected of the rows, and whether it was found: paired differences on the test scans, with an interval over patients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from benchmarks.raters_rows import (
    APL_BINARY,
    APL_SOFT,
    BASELINE,
    GRID,
    INSTANCE,
    LEFT_OUT,
    READERS,
    SOFT_BASELINE,
    apl_soft,
    without,
)

RESAMPLES = 2000
ONES = apl_soft((1, 1, 1))


@dataclass(frozen=True)
class Claim:
    """`better` has more of the measure than `worse`; or less of it, with `less`. source: who says so."""

    better: str
    worse: str
    measure: str = "dice"
    less: bool = False
    source: str = "the paper"


def claims() -> tuple[Claim, ...]:
    """The paper's order on ticks, and what is usually said of several readers."""
    readers = [
        Claim("majority × BCE", "single reader × BCE", source="usual"),
        Claim("mean × soft CE", "majority × BCE", source="usual"),
        Claim("mean × soft CE", "majority × BCE", "ged_levels", less=True, source="usual"),
        Claim("mean × APL soft (1,1,1)", "mean × soft CE", source="the paper, on ticks"),
        Claim("majority × BCE", "majority × APL hard (1,0,1)", source="the paper, on ticks"),
    ]
    paper = [
        Claim(BASELINE, APL_BINARY),
        Claim(SOFT_BASELINE, BASELINE),
        *(Claim(apl_soft(weights), SOFT_BASELINE) for weights in APL_SOFT),
        Claim(ONES, BASELINE),
        Claim(apl_soft((0, 2, 1)), ONES),
    ]
    steps = [
        Claim(title, without(title, left_out), source="the steps' reason")
        for title in (SOFT_BASELINE, ONES)
        for left_out in LEFT_OUT
    ]
    parts = ((READERS, readers), (GRID, [*paper, *steps]), (INSTANCE, paper))
    return tuple(
        replace(claim, better=f"{part}: {claim.better}", worse=f"{part}: {claim.worse}")
        for part, made in parts
        for claim in made
    )


@dataclass(frozen=True)
class Finding:
    """The gain in the measure (above 0: as claimed), and its 95 % interval over patients."""

    claim: Claim
    gain: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        if self.low > 0:
            return "holds"
        return "does not hold: the contrary" if self.high < 0 else "not shown: the interval holds 0"


def findings(results: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """Every claim of which both rows were run, on the folds and seeds that both have."""
    found = []
    for claim in claims():
        gains = _gains(results, claim)
        if gains:
            sums = np.array([sum(values) for values in gains.values()])
            counts = np.array([len(values) for values in gains.values()])
            chosen = np.random.default_rng(0).integers(len(sums), size=(RESAMPLES, len(sums)))
            drawn = sums[chosen].sum(axis=1) / counts[chosen].sum(axis=1)
            low, high = (float(value) for value in np.percentile(drawn, (2.5, 97.5)))
            found.append(Finding(claim, float(sums.sum() / counts.sum()), low, high))
    return found


def _gains(results: Sequence[Mapping[str, Any]], claim: Claim) -> dict[str, list[float]]:
    """By patient, the gains of each of its scans in each fold and seed."""
    cells = {(item["row"], item["fold"], item["seed"], item["steps"]): item["cases"] for item in results}
    gains: dict[str, list[float]] = {}
    for (row, *rest), cases in cells.items():
        other = cells.get((claim.worse, *rest))
        if row == claim.better and other is not None:
            for name in cases:
                gain = cases[name][claim.measure] - other[name][claim.measure]
                gains.setdefault(name.split("_")[0], []).append(-gain if claim.less else gain)
    return gains
