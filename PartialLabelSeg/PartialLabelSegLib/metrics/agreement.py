"""How far raters agree: every pair of them, each against the consensus, and all together."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..run.files import finite
from .compared_scan import ComparedScan
from .icc import Icc, icc_single
from .kappa import Kappa, fleiss_kappa, tick_counts
from .measure import Summary
from .scan_agreement import ScanAgreement, scan_agreement

LIMITS = 1.96
"""Limits of agreement: bias ± so many standard deviations (Bland and Altman 1986)."""

RULES = {
    "dice": "both masks empty 1, one empty 0; mean over the scans that both read, on the slices that both read",
    "distances": "both masks empty 0 mm, one empty undefined; asd_mm the mean over both surfaces, hd95_mm the larger 95th percentile",
    "volume": "ICC(2,1) of Shrout and Fleiss (1979) with its 95 % interval, on the slices that all compared raters read",
    "cells": "Fleiss' kappa over the cells that hold some bone, each with the raters who read its slice; of a pair, of the cells that both read",
    "bias_ml": "the rater's volume minus the consensus's; limits: bias ± 1.96 standard deviations over the scans",
    "std": "n - 1 in the denominator",
}


@dataclass(frozen=True)
class PairAgreement:
    """Two raters over the scans that both read. `difference_ml`: the volume of `first` minus that of `second`."""

    first: str
    second: str
    scans: int
    dice: Summary
    asd_mm: Summary
    hd95_mm: Summary
    difference_ml: Summary
    volume: Icc
    cells: Kappa


@dataclass(frozen=True)
class Volumes:
    """One rater's volume of one scan and the consensus's, on the slices that the rater read."""

    case: str
    rater_ml: float
    consensus_ml: float

    @property
    def bias_ml(self) -> float:
        return self.rater_ml - self.consensus_ml


@dataclass(frozen=True)
class RaterAgreement:
    """One rater against the consensus. `precision` and `recall`: of the rater's voxels and of the consensus's. `bias_share`: bias by the consensus's volume."""

    rater: str
    scans: int
    dice: Summary
    asd_mm: Summary
    hd95_mm: Summary
    precision: Summary
    recall: Summary
    bias_ml: Summary
    bias_share: Summary
    volumes: tuple[Volumes, ...]

    @property
    def limits_ml(self) -> tuple[float, float]:
        """Limits of agreement with the consensus; nan with fewer than two scans."""
        return self.bias_ml.mean - LIMITS * self.bias_ml.std, self.bias_ml.mean + LIMITS * self.bias_ml.std


@dataclass(frozen=True)
class Agreement:
    """All of it. dice: over all pairs of raters and scans. volume and cells: of all raters together. remarks: what was left out."""

    structure: str
    consensus: str
    raters: tuple[RaterAgreement, ...]
    pairs: tuple[PairAgreement, ...]
    dice: Summary
    volume: Icc
    cells: Kappa
    remarks: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain values for a JSON file; what is undefined is None."""
        limits = {item.rater: item.limits_ml for item in self.raters}
        raters = [{**asdict(item), "limits_ml": limits[item.rater]} for item in self.raters]
        value: dict[str, Any] = finite({"format": 1, "rules": RULES, **asdict(self), "raters": raters})
        return value


def agreement(scans: Iterable[ComparedScan], structure: str, consensus: str) -> Agreement:
    """Compare the raters of one structure over all scans; `consensus` is what the scans' consensus is called ('majority', 'STAPLE').

    The scans may come one after the other: no mask is kept. A rater is the same person in every scan. Where readers are anonymous, and the
    first of one scan is not the first of the next, only `dice` and `cells` of all raters mean something.
    Raises ValueError for scans without a rater, or two of one name.
    """
    return together([scan_agreement(scan) for scan in scans], structure, consensus)


def together(scans: Sequence[ScanAgreement], structure: str, consensus: str) -> Agreement:
    """The same from what was found in each scan."""
    if not scans or not all(scan.raters for scan in scans):
        raise ValueError("agreement needs scans, each with at least one rater")
    if len({scan.case for scan in scans}) != len(scans):
        raise ValueError("two scans have one name")
    names = tuple(dict.fromkeys(name for scan in scans for name in scan.raters))
    pairs = [_pair(scans, first, second) for first, second in itertools.combinations(names, 2)]
    shared = [scan for scan in scans if scan.both_read(*names)]
    return Agreement(
        structure=structure,
        consensus=consensus,
        raters=tuple(_rater(scans, name) for name in names),
        pairs=tuple(pair for pair in pairs if pair.scans),
        dice=Summary.of(item.dice for scan in scans for item in scan.pairs.values()),
        volume=_volumes(shared, names),
        cells=fleiss_kappa(_counts(scans, names)),
        remarks=_remarks(scans, names, len(shared), [pair for pair in pairs if not pair.scans]),
    )


def _pair(scans: Sequence[ScanAgreement], first: str, second: str) -> PairAgreement:
    both = [scan for scan in scans if scan.both_read(first, second)]
    found = [scan.pairs[frozenset((first, second))] for scan in both]
    return PairAgreement(
        first=first,
        second=second,
        scans=len(both),
        dice=Summary.of(item.dice for item in found),
        asd_mm=Summary.of(item.asd_mm for item in found),
        hd95_mm=Summary.of(item.hd95_mm for item in found),
        difference_ml=Summary.of(_ml(scan, first, second) - _ml(scan, second, first) for scan in both),
        volume=_volumes(both, (first, second)),
        cells=fleiss_kappa(_counts(both, (first, second))),
    )


def _rater(scans: Sequence[ScanAgreement], name: str) -> RaterAgreement:
    own = [(scan.case, scan.against[name]) for scan in scans if name in scan.against]
    measured = [item for _, item in own]
    return RaterAgreement(
        rater=name,
        scans=len(own),
        dice=Summary.of(item.dice for item in measured),
        asd_mm=Summary.of(item.asd_mm for item in measured),
        hd95_mm=Summary.of(item.hd95_mm for item in measured),
        precision=Summary.of(item.precision for item in measured),
        recall=Summary.of(item.recall for item in measured),
        bias_ml=Summary.of(item.volume_error_ml for item in measured),
        bias_share=Summary.of(item.relative_volume_error for item in measured),
        volumes=tuple(Volumes(case, item.volume_predicted_ml, item.volume_reference_ml) for case, item in own),
    )


def _ml(scan: ScanAgreement, rater: str, *others: str) -> float:
    """The rater's volume on the slices that all of them read."""
    return float(scan.slice_ml[rater][scan.slices(rater, *others)].sum())


def _volumes(scans: Sequence[ScanAgreement], names: tuple[str, ...]) -> Icc:
    rows = [[_ml(scan, name, *names) for name in names] for scan in scans]
    return icc_single(np.array(rows, np.float64).reshape(len(scans), len(names)))


def _counts(scans: Sequence[ScanAgreement], names: tuple[str, ...]) -> NDArray[np.int64]:
    """Ratings of every counted cell of every scan, for `fleiss_kappa`."""
    tables = []
    for scan in scans:
        if scan.cells is None:
            continue
        raters = [name for name in names if name in scan.cells.ticks]
        if len(raters) < 2:
            continue
        kept = scan.cells.counted
        read = np.stack([np.broadcast_to(scan.read[name][:, None], kept.shape)[kept] for name in raters])
        ticks = np.stack([scan.cells.ticks[name][kept] for name in raters])
        tables.append(tick_counts(ticks & read, read))
    return np.concatenate(tables) if tables else np.zeros((0, 2), np.int64)


def _remarks(
    scans: Sequence[ScanAgreement], names: tuple[str, ...], shared: int, strangers: Sequence[PairAgreement]
) -> tuple[str, ...]:
    remarks = []
    if len(names) > 1 and shared < len(scans):
        of = f"{shared} of {len(scans)} scans"
        remarks.append(f"The volume ICC of all raters is that of the {of} that every rater read.")
    if strangers:
        told = ", ".join(f"{pair.first} and {pair.second}" for pair in strangers)
        remarks.append(f"No scan was read by both: {told}.")
    empty = sum(scan.consensus_empty for scan in scans)
    if empty:
        remarks.append(
            f"In {empty} of {len(scans)} scans the consensus is empty; recall and relative bias have no value there."
        )
    return tuple(remarks)
