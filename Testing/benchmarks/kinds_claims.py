"""What was expected of two rows, and whether it was found: the paired difference on the held-out scans, with an interval over patients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.kinds_measure import of_scans

RESAMPLES = 2000
Key = tuple[str, str]


@dataclass(frozen=True)
class Claim:
    """`better` has a larger Dice than `worse`; both are titles of the same table. source: who says so."""

    table: str
    better: str
    worse: str
    source: str = "the paper"

    @property
    def words(self) -> str:
        return f"{self.table}: {self.better} > {self.worse}"


@dataclass(frozen=True)
class Finding:
    """The gain in Dice (above 0: as claimed) and its 95 % interval over patients; None where a row was not run."""

    claim: Claim
    gain: float | None = None
    low: float = float("nan")
    high: float = float("nan")

    @property
    def verdict(self) -> str:
        if self.gain is None:
            return "not run yet"
        if self.low > 0:
            return "holds"
        return "does not hold: the contrary" if self.high < 0 else "does not hold: the interval has 0 in it"

    def said(self) -> dict[str, Any]:
        gain = {} if self.gain is None else {"gain": self.gain, "low": self.low, "high": self.high}
        return {**vars(self.claim), **gain, "verdict": self.verdict}


def findings(results: Sequence[Mapping[str, Any]], claims: Sequence[Claim]) -> list[Finding]:
    """One for each claim, on the folds and seeds that both of its rows have."""
    cells: dict[Key, dict[tuple[Any, ...], dict[str, tuple[str, float]]]] = {}
    for item in results:
        runs = cells.setdefault((item["table"], item["row"]), {})
        dice = of_scans(item, "dice")
        runs[item["fold"], item["seed"], item["steps"]] = {
            name: (item["cases"][name]["patient"], value) for name, value in dice.items()
        }
    return [
        _finding(claim, cells.get((claim.table, claim.better), {}), cells.get((claim.table, claim.worse), {}))
        for claim in claims
    ]


def _finding(
    claim: Claim,
    better: Mapping[tuple[Any, ...], Mapping[str, tuple[str, float]]],
    worse: Mapping[tuple[Any, ...], Mapping[str, tuple[str, float]]],
) -> Finding:
    gains: dict[str, list[float]] = {}
    for run in better.keys() & worse.keys():
        for name in better[run].keys() & worse[run].keys():
            patient, value = better[run][name]
            gains.setdefault(patient, []).append(value - worse[run][name][1])
    if not gains:
        return Finding(claim)
    sums = np.array([sum(gains[patient]) for patient in sorted(gains)])
    counts = np.array([len(gains[patient]) for patient in sorted(gains)])
    chosen = np.random.default_rng(0).integers(len(sums), size=(RESAMPLES, len(sums)))
    drawn = sums[chosen].sum(axis=1) / counts[chosen].sum(axis=1)
    low, high = (float(value) for value in np.percentile(drawn, (2.5, 97.5)))
    return Finding(claim, float(sums.sum() / counts.sum()), low, high)
