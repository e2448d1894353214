"""One label from several masks in the usual ways: share of the votes, majority, STAPLE, and spatially varying label smoothing.

In all of them a rater counts only on the slices that this rater read, and a slice that nobody read stays 0 and is not known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from .rated import RatedScan, rater_masks
from .steps import SoftLabel, SoftSteps, prepare, soft_label

MOST_RATERS = 20
ONLY_VOTES = SoftSteps(inside_bone=False, bright=False, neighbours=False)


def vote_share(scan: RatedScan) -> SoftLabel:
    """The mean of the raters' marks (or grades) at each voxel, over those who read its slice: step 1 of `steps.py` alone."""
    return soft_label(prepare(scan), ONLY_VOTES)


def majority(scan: RatedScan, tie: bool = True) -> SoftLabel:
    """1 where more than half of the raters of a slice marked the voxel, else 0.

    tie: what exactly half of them make of it. By default a lesion, since raters overlook more lesions than they invent.
    """
    share = vote_share(scan)
    plane = share.plane >= 0.5 if tie else share.plane > 0.5
    return SoftLabel(plane.astype(np.float32), share.readers, share.axis, {})


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
    raters = len(scan.readings)
    if raters > MOST_RATERS:
        raise ValueError(f"STAPLE takes at most {MOST_RATERS} raters, got {raters}")
    read = np.stack([reading.read(scan.count) for reading in scan.readings])
    masks = rater_masks(scan)
    codes = _codes(masks)
    groups = _groups(scan, read, codes, within)
    estimate = _estimate(groups, raters, iterations)
    plane = np.zeros(scan.shape, np.float32)
    for group, truth in zip(groups, estimate.truth):
        table = np.zeros(1 << raters, np.float32)
        table[group.codes] = truth
        for index in group.slices:
            scan.plane(plane, index)[...] = table[scan.plane(codes, index)]
    if within is not None:
        share = vote_share(scan).plane
        plane = np.where(within, plane, (share >= 0.5).astype(np.float32))
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


def _codes(masks: np.ndarray) -> np.ndarray:
    """uint32 (z, y, x): bit r says whether rater r marked the voxel."""
    codes = np.zeros(masks.shape[1:], np.uint32)
    for number, mask in enumerate(masks):
        codes |= mask.astype(np.uint32) << np.uint32(number)
    return codes


def _groups(scan: RatedScan, read: np.ndarray, codes: np.ndarray, within: np.ndarray | None) -> list[_Group]:
    groups = []
    for pattern in np.unique(read, axis=1).T:
        slices = tuple(int(index) for index in np.flatnonzero((read == pattern[:, None]).all(axis=0)))
        if not pattern.any():
            continue
        counts = np.zeros(1 << len(read), np.int64)
        for index in slices:
            plane = scan.plane(codes, index)
            chosen = plane.ravel() if within is None else plane[scan.plane(within, index)]
            counts += np.bincount(chosen, minlength=counts.size)
        present = np.flatnonzero(counts)
        groups.append(_Group(slices, pattern, present, counts[present]))
    return groups


def _estimate(groups: Sequence[_Group], raters: int, iterations: int) -> _Estimate:
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


def svls(scan: RatedScan, sigma: float = 1.0) -> SoftLabel:
    """Spatially varying label smoothing (Islam, Glocker 2021) of the share of the votes, which is the mean of the raters' smoothed masks (mSVLS).

    It is averaged over its 3 x 3 x 3 voxels with Gaussian weights (sigma in voxels), where the centre weighs as much as all its neighbours
    together; at the border of the scan the nearest voxel repeats. A neighbouring slice that nobody read takes no part. ValueError: sigma not above 0.
    """
    if sigma <= 0:
        raise ValueError(f"the smoothing must be above 0 voxels, got {sigma}")
    share = vote_share(scan)
    taps = np.exp(-0.5 * np.array([1.0, 0.0, 1.0]) / sigma**2)
    taps /= taps.sum()
    centre = taps[1] ** 3
    planes = np.moveaxis(share.plane, scan.axis, 0)
    read = (share.readers > 0).astype(np.float64)
    smooth = planes
    for axis in (1, 2):
        smooth = ndimage.correlate1d(smooth, taps, axis=axis, mode="nearest")
    smooth = ndimage.correlate1d(smooth, taps, axis=0, mode="nearest")
    # The weights that add up to 1 - centre without the centre add up to as much with it: all in all twice that.
    total = ndimage.correlate1d(read, taps, mode="nearest") + (1 - 2 * centre) * read
    mixed = smooth + np.float32(1 - 2 * centre) * planes
    with np.errstate(invalid="ignore", divide="ignore"):
        mixed = np.where(read[:, None, None] > 0, mixed / total[:, None, None], 0)
    plane = np.moveaxis(np.clip(mixed, 0, 1).astype(np.float32), 0, scan.axis)
    return SoftLabel(np.ascontiguousarray(plane), share.readers, share.axis, {})
