"""What was accepted in a scan: a segmentation node beside the expert's, which is never touched; and the completed one, made of both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..data.types import Structure
from .masks import Region, around, mask_in_steps, shape_of, within
from .own_segments import Change, OwnSegments, own_node
from .steps import Steps, finish_now, one_after_another

ACCEPTED, COMPLETED, EDITED, EXPERT = "accepted", "completed", "edited", "expert"


def accepted_segments(volume: Any, scan: str) -> OwnSegments:
    """The voxels accepted in a scan, in the node '<scan> accepted'; made where there is none."""
    return OwnSegments(own_node(volume, scan, ACCEPTED), volume)


def completed_segments(volume: Any, scan: str) -> OwnSegments:
    """The finished structures of a scan, in the node '<scan> completed'; made where there is none."""
    return OwnSegments(own_node(volume, scan, COMPLETED), volume)


def finish_structure(
    completed: OwnSegments, structure: Structure, drawn: Sequence[tuple[Any, str]], accepted: OwnSegments | None
) -> Change | None:
    """Puts a structure into the completed segmentation: what the expert drew of it and what was accepted. None: neither has a voxel.

    drawn: the expert's segments that count as this structure, as (segmentation node, segment id). They stay as they are.
    """
    return finish_now(finish_in_steps(completed, structure, drawn, accepted))


def finish_in_steps(
    completed: OwnSegments, structure: Structure, drawn: Sequence[tuple[Any, str]], accepted: OwnSegments | None
) -> Steps[Change | None]:
    """The same; the voxels are looked for a few million at a time."""
    own = yield from one_after_another([mask_in_steps(node, key, completed.volume) for node, key in drawn])
    expert = united([region for region in own if region is not None])
    taken = (yield from accepted.mask_in_steps(structure.name)) if accepted is not None else None
    whole = united([region for region in (expert, taken) if region is not None])
    if whole is None:
        return None
    words = [EXPERT] if expert is not None else []
    if accepted is not None and taken is not None:
        words.append(accepted.origin(structure.name) or ACCEPTED)
    if completed.segment_id(structure.name):
        return completed.put(structure, whole, "+".join(words))
    completed.fill(structure, whole, "+".join(words))
    return Change(structure, *whole, np.zeros_like(whole[1]), "+".join(words))


def united(regions: Sequence[Region]) -> Region | None:
    """One region with the voxels of all; None for none."""
    if not regions:
        return None
    if len(regions) == 1:
        return regions[0]
    box = regions[0][0]
    for other, _ in regions[1:]:
        box = around(box, other)
    mask = np.zeros(shape_of(box), bool)
    for part, inner in regions:
        mask[within(part, box)] |= inner
    return box, mask
