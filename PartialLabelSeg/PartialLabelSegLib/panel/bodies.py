"""What the 3D view shows of a scan: the expert's segments, the accepted ones, and what of the suggestions at gamma is not accepted yet."""

from __future__ import annotations

from functools import partial

from ..data.types import Structure
from .masks import Region, intersection, mask_in_steps, tight, within
from .own_segments import OwnSegments
from .segments import drawn
from .state import Shown
from .steps import Steps, scaled
from .surfaces import SEE_THROUGH, Body
from .viewed import Viewed


def bodies_of(viewed: Viewed, accepted: OwnSegments | None, shown: Shown, structure: str, gamma: float) -> list[Body]:
    """What is to be drawn; the voxels are looked up one by one when it is. structure: whose suggestions ("": those of all)."""
    found = []
    if viewed.expert is not None and shown.expert:
        for number, segment in enumerate(drawn(viewed.expert.GetSegmentation())):
            region = partial(mask_in_steps, viewed.expert, segment.id, viewed.volume)
            found.append(Body(f"expert_{number}", Structure(segment.name, segment.color), region))
    for number, item in enumerate(viewed.structures):
        if accepted is not None and shown.accepted:
            found.append(Body(f"accepted_{number}", item, partial(accepted.mask_in_steps, item.name)))
        if structure in ("", item.name):
            left = partial(_left, viewed, accepted, item.name, gamma)
            found.append(Body(f"suggested_{number}", item, left, SEE_THROUGH))
    return found


def _left(viewed: Viewed, accepted: OwnSegments | None, structure: str, gamma: float) -> Steps[Region | None]:
    """The suggestions of a structure at gamma that are not accepted yet."""
    region = viewed.suggestions.mask(structure, gamma) if viewed.suggestions is not None else None
    yield 0.2
    taken = (yield from scaled(accepted.mask_in_steps(structure), 0.2, 0.8)) if accepted is not None else None
    inner = intersection(region[0], taken[0]) if region is not None and taken is not None else None
    if region is None or taken is None or inner is None:
        return region
    left = region[1].copy()
    left[within(inner, region[0])] &= ~taken[1][within(inner, taken[0])]
    return tight(region[0], left)
