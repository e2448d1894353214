"""One label from several masks by STAPLE, which weighs every rater by how well this one agrees with the rest.

A rater counts only on the slices that this rater read, and a slice that nobody read stays 0 and is not known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...run.steps import Steps, finish_now, scaled
from .consensus import prepare_votes, votes_on
from .rated import RatedScan, rater_planes
from .steps import SoftLabel

MOST_RATERS = 20


@dataclass(frozen=True, eq=False)
class Staple:
    """STAPLE's estimate. label: the probability that a voxel is truly marked. iterations: how many it took.

    sensitivity, specificity: of each rater, in the order of the readings; nan where the slices that a rater read leave them undetermined.
    """

    label: SoftLabel
    sensitivity: tuple[float, ...]
    specificity: tuple[float, ...]
    iterations: int


def staple(scan: RatedScan, within: np.ndarray | None = None, iterations: int = 500) -> Staple:
    """Simultaneous truth and performance level estimation (Warfield, Zou, Wells 2004), by expectation maximisation.

    within: bool (z, y, x), the voxels that are judged, such as the bone; None: all. Elsewhere the label is the share of the votes made hard
    (it is 0 where nobody marked anything). Many voxels that nobody marks make every specificity 1, so a narrow region says more.
    As SimpleITK's STAPLEImageFilter where every rater read everything: the first estimate is the share of the votes and the prior its mean.
    Beyond it, a rater takes part only on the slices that were read. Voxels with the same votes are counted once, so it is fast.
    ValueError: more than 20 raters.
    """
    return finish_now(staple_in_steps(scan, within, iterations))


def staple_in_steps(scan: RatedScan, within: np.ndarray | None = None, iterations: int = 500) -> Steps[Staple]:
    """The same, a slice a step."""
    raters = len(scan.readings)
    if raters > MOST_RATERS:
        raise ValueError(f"STAPLE takes at most {MOST_RATERS} raters, got {raters}")
    codes = np.zeros(scan.shape, np.uint32)
    groups = yield from scaled(_groups(scan, codes, within), 0.0, 0.5)
    estimate = yield from scaled(_estimate(groups, raters, iterations), 0.5, 0.6)
    plane = np.zeros(scan.shape, np.float32)
    for group, truth in zip(groups, estimate.truth):
        table = np.zeros(1 << raters, np.float32)
        table[group.codes] = truth
        for index in group.slices:
            scan.plane(plane, index)[...] = table[scan.plane(codes, index)]
            yield 0.7
    if within is not None:
        share = prepare_votes(scan)
        for index in range(scan.count):
            outside = ~scan.plane(within, index)
            scan.plane(plane, index)[outside] = votes_on(share, index)[outside] >= 0.5
            yield 0.8 + 0.2 * index / scan.count
    label = SoftLabel(plane, scan.readers(), scan.axis, {})
    return Staple(label, tuple(estimate.sensitivity), tuple(estimate.specificity), estimate.iterations)


@dataclass(frozen=True, eq=False)
class _Group:
    """The slices that the same raters read: the patterns of votes on them (bit r: rater r marked), and how many voxels have each."""

    slices: tuple[int, ...]
    read: np.ndarray
    codes: np.ndarray
    counts: np.ndarray

    def votes(self, raters: int) -> np.ndarray:
        """bool (patterns, raters)."""
        return (self.codes[:, None] >> np.arange(raters)) & 1 == 1


@dataclass(frozen=True, eq=False)
class _Estimate:
    truth: list[np.ndarray]
    sensitivity: list[float]
    specificity: list[float]
    iterations: int


def _groups(scan: RatedScan, codes: np.ndarray, within: np.ndarray | None) -> Steps[list[_Group]]:
    """Fills `codes`, uint32 (z, y, x): bit r says whether rater r marked the voxel; and counts them."""
    raters = len(scan.readings)
    read = np.stack([reading.read(scan.count) for reading in scan.readings])
    groups = []
    done = 0
    for pattern in np.unique(read, axis=1).T:
        slices = tuple(int(index) for index in np.flatnonzero((read == pattern[:, None]).all(axis=0)))
        counts = np.zeros(1 << raters, np.int64)
        for index in slices if pattern.any() else ():
            plane = scan.plane(codes, index)
            for number, mask in enumerate(rater_planes(scan, index)):
                plane |= mask.astype(np.uint32) << np.uint32(number)
            chosen = plane.ravel() if within is None else plane[scan.plane(within, index)]
            counts += np.bincount(chosen, minlength=counts.size)
            done += 1
            yield done / scan.count
        if pattern.any():
            present = np.flatnonzero(counts)
            groups.append(_Group(slices, pattern, present, counts[present]))
    return groups


def _estimate(groups: Sequence[_Group], raters: int, iterations: int) -> Steps[_Estimate]:
    votes = [group.votes(raters) & group.read for group in groups]
    truth = [vote.sum(axis=1) / group.read.sum() for vote, group in zip(votes, groups)]
    voxels = sum(int(group.counts.sum()) for group in groups)
    prior = sum(float(part @ group.counts) for part, group in zip(truth, groups)) / max(voxels, 1)
    sensitivity, specificity = np.full(raters, -10.0), np.full(raters, -10.0)
    number = 0
    while number < iterations:
        number += 1
        before = np.concatenate([sensitivity, specificity])
        sensitivity, specificity = _performance(groups, votes, truth, raters)
        truth = [_truth(group, vote, prior, sensitivity, specificity) for group, vote in zip(groups, votes)]
        after = np.concatenate([sensitivity, specificity])
        if not np.any(np.abs(after - before) > 1e-9):
            break
        yield number / iterations
    return _Estimate(truth, sensitivity.tolist(), specificity.tolist(), number)


def _performance(
    groups: Sequence[_Group], votes: Sequence[np.ndarray], truth: Sequence[np.ndarray], raters: int
) -> tuple[np.ndarray, np.ndarray]:
    """Maximisation: each rater's share of the true voxels that were marked, and of the others that were not, on the slices read."""
    marked, true, unmarked, false = (np.zeros(raters) for _ in range(4))
    for group, vote, part in zip(groups, votes, truth):
        positive, negative = part * group.counts, (1 - part) * group.counts
        true += group.read * positive.sum()
        false += group.read * negative.sum()
        marked += positive @ vote
        unmarked += negative @ (~vote & group.read)
    with np.errstate(invalid="ignore"):
        return marked / true, unmarked / false


def _truth(
    group: _Group, votes: np.ndarray, prior: float, sensitivity: np.ndarray, specificity: np.ndarray
) -> np.ndarray:
    """Expectation: the probability of each pattern of votes that the voxel is truly marked (Eq. 14 to 16)."""
    read = group.read & np.isfinite(sensitivity) & np.isfinite(specificity)
    p, q = sensitivity[read], specificity[read]
    vote = votes[:, read]
    positive = prior * np.prod(np.where(vote, p, 1 - p), axis=1)
    negative = (1 - prior) * np.prod(np.where(vote, 1 - q, q), axis=1)
    both = positive + negative
    return np.divide(positive, both, out=np.zeros_like(both), where=both > 0)
