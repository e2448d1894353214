"""How far the raters of one scan agree: small enough to be kept for every scan of a study, whose masks are not."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..run.steps import Steps, finish_now
from .compared_scan import ComparedCells, ComparedScan
from .measure import Comparison, Measured, measure


@dataclass(frozen=True, eq=False)
class ScanAgreement:
    """What was measured of one structure in one scan.

    pairs: by the two raters' names, of those who read a slice in common. against: each rater who read a slice, compared with the consensus.
    slice_ml: by rater, float64 (slices,). read: by rater, bool (slices,). Measures are those of `measure.py`, in pairs for either order.
    """

    case: str
    pairs: Mapping[frozenset[str], Measured]
    against: Mapping[str, Measured]
    slice_ml: Mapping[str, NDArray[np.float64]]
    read: Mapping[str, NDArray[np.bool_]]
    cells: ComparedCells | None
    consensus_empty: bool

    @property
    def raters(self) -> tuple[str, ...]:
        return tuple(self.slice_ml)

    def slices(self, *raters: str) -> NDArray[np.bool_]:
        """bool (slices,): those that all the given raters read."""
        result: NDArray[np.bool_] = np.logical_and.reduce([self.read[rater] for rater in raters])
        return result

    def both_read(self, *raters: str) -> bool:
        """Whether all the given raters read this scan, and some slice in common."""
        return set(raters) <= set(self.read) and bool(self.slices(*raters).any())


def scan_agreement(scan: ComparedScan) -> ScanAgreement:
    """Measure every pair, and each rater against the consensus, on the slices that the compared raters read."""
    return finish_now(agreement_in_steps(scan))


def agreement_in_steps(scan: ComparedScan) -> Steps[ScanAgreement]:
    """The same, one comparison a step: surface distances take their time."""
    tight = scan.cropped()
    pairs: dict[frozenset[str], Measured] = {}
    against: dict[str, Measured] = {}
    whole = len(scan.masks) * (len(scan.masks) + 1) / 2
    for name, mask in tight.masks.items():
        if scan.slices(name).any():
            against[name] = _measured(tight, mask, tight.consensus, (name,))
        yield len(against) / whole
    for first, second in itertools.combinations(scan.masks, 2):
        if scan.slices(first, second).any():
            pairs[frozenset((first, second))] = _measured(
                tight, tight.masks[first], tight.masks[second], (first, second)
            )
        yield (len(against) + len(pairs)) / whole
    return ScanAgreement(
        case=scan.case,
        pairs=pairs,
        against=against,
        slice_ml={name: scan.slice_ml(mask) for name, mask in scan.masks.items()},
        read={name: scan.slices(name) for name in scan.masks},
        cells=scan.cells,
        consensus_empty=not bool(scan.consensus.any()),
    )


def _measured(
    scan: ComparedScan, first: NDArray[np.bool_], second: NDArray[np.bool_], raters: tuple[str, ...]
) -> Measured:
    within = scan.within(scan.slices(*raters))
    return measure(scan.case, "", Comparison(first, second, scan.grid, within))
