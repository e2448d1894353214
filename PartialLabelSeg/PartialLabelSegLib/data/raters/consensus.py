"""One label from several masks in the usual ways: share of the votes, majority, and spatially varying label smoothing. STAPLE is in staple.py.

In all of them a rater counts only on the slices that this rater read, and a slice that nobody read stays 0 and is not known.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import ndimage

from .rated import RatedScan
from .steps import Prepared, SoftLabel, SoftSteps, prepare, preview, soft_label

ONLY_VOTES = SoftSteps(inside_bone=False, bright=False, neighbours=False)


def vote_share(scan: RatedScan) -> SoftLabel:
    """The mean of the raters' marks (or grades) at each voxel, over those who read its slice: step 1 of `steps.py` alone."""
    return soft_label(prepare_votes(scan), ONLY_VOTES)


def prepare_votes(scan: RatedScan) -> Prepared:
    """As `prepare`, without what only the other steps need."""
    return prepare(replace(scan, image=None))


def votes_on(prepared: Prepared, index: int) -> np.ndarray:
    """float32 plane: the share of the votes on slice `index`."""
    (plane,) = preview(prepared, index, ONLY_VOTES).stages.values()
    return plane


def majority(scan: RatedScan, tie: bool = True) -> SoftLabel:
    """1 where more than half of the raters of a slice marked the voxel, else 0.

    tie: what exactly half of them make of it. By default a lesion, since raters overlook more lesions than they invent.
    """
    share = vote_share(scan)
    plane = share.plane >= 0.5 if tie else share.plane > 0.5
    return SoftLabel(plane.astype(np.float32), share.readers, share.axis, {})


def svls(scan: RatedScan, sigma: float = 1.0) -> SoftLabel:
    """Spatially varying label smoothing (Islam, Glocker 2021) of the share of the votes, which is the mean of the raters' smoothed masks (mSVLS).

    It is averaged over its 3 x 3 x 3 voxels with Gaussian weights (sigma in voxels), where the centre weighs as much as all its neighbours
    together; at the border of the scan the nearest voxel repeats. A neighbouring slice that nobody read takes no part. ValueError: sigma not above 0.
    """
    smoothing = _Smoothing(prepare_votes(scan), sigma)
    plane = np.zeros(scan.shape, np.float32)
    for index in range(scan.count):
        scan.plane(plane, index)[...] = smoothing.on(index)
    return SoftLabel(plane, scan.readers(), scan.axis, {})


def svls_on(prepared: Prepared, index: int, sigma: float = 1.0) -> np.ndarray:
    """float32 plane: the same on slice `index` alone."""
    return _Smoothing(prepared, sigma).on(index)


class _Smoothing:
    """Smooths slice after slice; what two neighbours need is made once."""

    def __init__(self, prepared: Prepared, sigma: float) -> None:
        if sigma <= 0:
            raise ValueError(f"the smoothing must be above 0 voxels, got {sigma}")
        taps = np.exp(-0.5 * np.array([1.0, 0.0, 1.0]) / sigma**2)
        self._taps = taps / taps.sum()
        self._prepared = prepared
        self._last = prepared.scan.count - 1
        self._made: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def on(self, index: int) -> np.ndarray:
        read = self._prepared.readers > 0
        if not read[index]:
            return np.zeros(self._prepared.scan.plane_shape, np.float32)
        places = (max(index - 1, 0), index, min(index + 1, self._last))
        # The weights that add up to 1 - centre without the centre add up to as much with it: all in all twice that.
        more = 1 - 2 * self._taps[1] ** 3
        total = sum(tap * read[place] for tap, place in zip(self._taps, places)) + more
        self._made = {place: self._made.get(place) or self._smoothed(place) for place in places}
        mixed = np.float32(more) * self._made[index][0]
        for tap, place in zip(self._taps, places):
            mixed += np.float32(tap) * self._made[place][1]
        return np.clip(mixed / np.float32(total), 0, 1)

    def _smoothed(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """float32 planes: the share of the votes, as it is and smoothed within its slice."""
        share = votes_on(self._prepared, index)
        rows = ndimage.correlate1d(share, self._taps, axis=0, mode="nearest")
        return share, ndimage.correlate1d(rows, self._taps, axis=1, mode="nearest")
