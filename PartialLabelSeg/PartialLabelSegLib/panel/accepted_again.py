"""Makes the accepted segments of a scan agree with what was decided: they follow from the decisions, so nothing is lost with the window."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..data.types import Structure
from ..relabel.review import EDITED as DRAWN
from ..relabel.scan_proposal import ScanProposal
from .acceptance import Acceptance, Volumes
from .accepted import ACCEPTED, EDITED
from .decisions import Decisions
from .labels_read import accepted_in_steps, read_labels_in_steps
from .masks import Region
from .own_segments import OwnSegments, own_node
from .slabs import tight_in_steps
from .steps import Steps, scaled
from .suggestions import Suggestions


def acceptance_of(proposal: ScanProposal, suggestions: Suggestions, labels: Path, later: bool) -> Acceptance:
    """What decisions on a scan mean. labels: the folder that its round learned from; later: an earlier round relabelled them."""
    volumes = Volumes(
        suggestions.structures,
        suggestions.label,
        suggestions.rank,
        lambda: read_labels_in_steps(labels, proposal.case),
        later,
    )
    return Acceptance(proposal, volumes)


Wanted = Callable[[str], Steps[tuple[Region | None, str]]]
"""What a structure shall have, and where it comes from, found in steps."""


def make_agree(volume: Any, scan: str, structures: Sequence[Structure], wanted: Wanted) -> Steps[None]:
    """Gives each of these structures the voxels that are wanted of it, and their origin, in the accepted segments of a scan; no other node is touched."""
    for done, structure in enumerate(structures):
        first, last = done / len(structures), (done + 1) / len(structures)
        region, origin = yield from scaled(wanted(structure.name), first, last)
        node = own_node(volume, scan, ACCEPTED, create=region is not None)
        if node is not None:
            segments = OwnSegments(node, volume)
            if region is None or not (yield from scaled(segments.holds(structure.name, region, origin), last, last)):
                segments.fill(structure, region, origin)
        yield last


def by_decisions(decisions: Decisions, scan: str, acceptance: Acceptance) -> Wanted:
    """What the decisions of an open round accept in a scan. Failure: a drawing of a decision is missing or damaged."""
    latest, edits = decisions.latest(scan), decisions.edits(scan)

    def wanted(structure: str) -> Steps[tuple[Region | None, str]]:
        drawn = any(item.structure == structure and item.edit is not None for item in latest)
        region = yield from acceptance.accepted_in_steps(structure, latest, edits)
        return region, EDITED if drawn else ACCEPTED

    return wanted


def by_labels(folder: Path, scan: str) -> Steps[Wanted]:
    """What all rounds so far have accepted in a scan, from its labels. Failure: they are absent or damaged."""
    labels = yield from read_labels_in_steps(folder, scan)

    def wanted(structure: str) -> Steps[tuple[Region | None, str]]:
        mask: np.ndarray = np.zeros(labels.label_map.shape, bool)
        if structure in labels.structures:
            mask.reshape(-1)[(yield from scaled(accepted_in_steps(labels, structure), 0.0, 0.5))] = True
        whole = (slice(0, mask.shape[0]), slice(0, mask.shape[1]), slice(0, mask.shape[2]))
        return (yield from scaled(tight_in_steps(whole, mask), 0.5, 1.0)), ACCEPTED

    return wanted


def touched(decisions: Decisions, scan: str, volume: Any, structures: Iterable[Structure]) -> list[Structure]:
    """Those whose accepted voxels may be other than none: decided on, accepted in an earlier round, or with a segment already."""
    node = own_node(volume, scan, ACCEPTED, create=False)
    there = set(OwnSegments(node, volume).structures()) if node is not None else set()
    there |= {item.structure for item in decisions.latest(scan)}
    there |= {name for name, item in decisions.proposal(scan).structures.items() if item.accepted}
    return [structure for structure in structures if structure.name in there]


def all_at_stake(before: Sequence[Any], after: Sequence[Any]) -> frozenset[str]:
    """The structures of a scan whose voxels another set of decisions may change: a drawing can take voxels from every other one."""
    changed = set(before) ^ set(after)
    if any(item.decision == DRAWN or item.edit is not None for item in changed):
        return frozenset(item.structure for item in (*before, *after))
    return frozenset(item.structure for item in changed)
