"""Dark stripes over what was accepted, so that it is told apart from what was drawn and what is suggested without looking at its colour.

Slicer draws segments filled or outlined only; the stripes are a segmentation of their own, cut from the accepted voxels.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..data.types import Structure
from .geometry import follow, ijk_to_ras_of
from .masks import Region
from .observers import Observers
from .our_nodes import hidden_segmentation, remove_node
from .own_segments import OwnSegments
from .slabs import slabs_of, tight_in_steps
from .steps import Stepper, Steps, scaled

ROLE = "hatching"
PERIOD_MM = 8.0
"""From stripe to stripe, across; more where voxels are so large that stripes of one voxel would touch."""
_DARK_SHARE = 80
"""Of 256: the share of a period that is dark."""
_BLACK = (0.0, 0.0, 0.0)


def stripes(volume: Any, region: Region) -> Steps[np.ndarray]:
    """bool (z, y, x): those voxels of a region that are dark. Planes aslant to all three axes of the body, so each view shows stripes."""
    box, mask = region
    steps = ijk_to_ras_of(volume)[:3, :3].sum(axis=0)
    period = max(PERIOD_MM * np.sqrt(2), 3.2 * float(np.abs(steps).max()))
    phases = []
    for axis, step in zip(box, steps[::-1]):
        turns = np.arange(axis.start, axis.stop) * (step / period)
        # 256 steps to a turn: sums of them begin anew by themselves.
        phases.append(np.round((turns % 1.0) * 256).astype(np.int64).astype(np.uint8))
    dark = np.empty_like(mask)
    flat = phases[1][:, None] + phases[2][None, :]
    for slab in slabs_of(mask.shape):
        np.less(phases[0][slab, None, None] + flat[None], _DARK_SHARE, out=dark[slab])
        dark[slab] &= mask[slab]
        yield slab.stop / len(mask)
    return dark


class Hatching:
    """The stripes over one scan's accepted segments; they follow whatever happens to those, once the present events are dealt with."""

    def __init__(self, accepted: OwnSegments) -> None:
        self.accepted = accepted
        volume = accepted.volume
        self.segments = OwnSegments(hidden_segmentation(volume, f"{volume.GetName()} accepted hatching", ROLE), volume)
        display = self.segments.node.GetDisplayNode()
        display.SetVisibility2DOutline(False)
        display.SetOpacity2DFill(0.8)
        display.SetVisibility3D(False)
        self._seen: dict[str, tuple[Any, int]] = {}
        self._stepper = Stepper()
        self._observers = Observers()
        source = accepted.node.GetSegmentation()
        for event in (
            source.SourceRepresentationModified,
            source.SegmentAdded,
            source.SegmentRemoved,
            source.SegmentModified,
        ):
            self._observers.add(source, event, self._begin)

    def _begin(self) -> None:
        """Makes the stripes anew once Qt's events are dealt with; what was under way begins anew."""
        self._stepper.start(self._anew(), _ignore, _ignore)

    def show(self, shown: bool) -> None:
        if self.segments.node.GetScene() is not None:
            self.segments.node.SetDisplayVisibility(bool(shown))

    def refresh(self) -> Steps[None]:
        """Makes the stripes of those segments anew whose voxels have changed."""
        self._stepper.cancel()
        yield from self._anew()

    def _anew(self) -> Steps[None]:
        node = self.segments.node
        if node.GetScene() is None or self.accepted.node.GetScene() is None:
            return
        follow(node, self.accepted.volume)
        there = self.accepted.structures()
        for name in self.segments.structures():
            if name not in there:
                self.segments.fill(Structure(name, _BLACK), None)
                self._seen.pop(name, None)
        for name in there:
            image = self.accepted.image(name)
            state = (image, image.GetMTime())
            if self._seen.get(name) != state:
                region = yield from self._drawn(name)
                self.segments.fill(Structure(name, _BLACK), region)
                self._seen[name] = state

    def _drawn(self, name: str) -> Steps[Region | None]:
        found = yield from scaled(self.accepted.mask_in_steps(name), 0.0, 0.2)
        if found is None:
            return None
        dark = yield from scaled(stripes(self.accepted.volume, found), 0.2, 0.6)
        return (yield from scaled(tight_in_steps(found[0], dark), 0.6, 1.0))

    def remove(self) -> None:
        """Takes the stripes out of the scene and stops listening."""
        self._stepper.cancel()
        self._observers.release()
        remove_node(self.segments.node)


def _ignore(_value: object) -> None:
    pass
