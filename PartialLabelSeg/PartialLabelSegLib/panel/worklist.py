"""The queue of suggestions: those first whose decision is worth most, those that are decided last, each with why to look closely.

What a decision is worth is the product of
    size        sqrt(volume / what is usual of this structure), at most 1.5: a small organ counts as much as a large one;
    doubt       0.25 + 0.75 * 4 p (1 - p) with the mean confidence p: where the network is unsure a word from a person says most, and
                where it is sure a click still adds an example;
    rarity      1 / sqrt(1 + n) with n scans in which the structure is drawn: of what is drawn nowhere else every example counts;
    flags       1 + 0.5 for each flag: what looks unusual is wrong more often.
Ties are broken by the order of the run. The order does not change while decisions are taken, so that nothing jumps away under the hand.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ..data.conformal import Interval
from ..relabel.expected import Expected, substantial
from ..relabel.scan_proposal import ScanProposal, StructureLevels, Triple
from .decisions import Decisions
from .scope import Said
from .words import counted, volume

MOST_SIZE = 1.5
Volumes = Mapping[tuple[str, str], Interval]
NOTHING_WORTH = 0.02
"""What it is worth to say that a structure of which nothing is suggested is not there; times rarity."""


@dataclass(frozen=True)
class Item:
    """A structure in a scan that waits for a decision, or has one. ml, voxels: all that is suggested, whatever gamma is.

    parts: connected parts that are no crumbs. centre_ijk: a voxel (x, y, z) of the largest part, to jump to; None where nothing is suggested.
    flags: why to look closely, each a few words.
    """

    scan: str
    structure: str
    voxels: int
    ml: float
    confidence: float
    parts: int
    flags: tuple[str, ...]
    centre_ijk: Triple | None
    worth: float
    said: Said = field(default_factory=Said)

    @property
    def key(self) -> tuple[str, str]:
        return self.scan, self.structure


@dataclass(frozen=True)
class Known:
    """What a suggestion is held against. usual: of the structure in other scans; volume: regressed from this very scan. None: not known."""

    usual: Expected | None = None
    volume: Interval | None = None

    @property
    def scans(self) -> int:
        """In how many scans the structure is drawn."""
        return 0 if self.usual is None else self.usual.scans


class Worklist:
    """The queue of a round. What does not depend on decisions is found once and kept until there are more scans."""

    def __init__(self, decisions: Decisions) -> None:
        self._decisions = decisions
        self._found: tuple[Item, ...] = ()
        self._made_for: tuple[tuple[str, ...], Mapping[str, Expected], Volumes] = ((), {}, {})

    def items(self, scan: str | None = None, structure: str | None = None) -> tuple[Item, ...]:
        """The queue of one scan or structure or of all: the open ones first, each group by falling worth."""
        items = sorted(self._all(), key=lambda item: not item.said.is_open)
        return tuple(item for item in items if scan in (None, item.scan) and structure in (None, item.structure))

    def following(
        self, key: tuple[str, str] | None, step: int = 1, among: tuple[Item, ...] | None = None
    ) -> Item | None:
        """The next open item (step 1) or the one before (step -1) by worth, round and round; None where all others are decided.

        It does not matter whether the item of `key` was just decided and has sunk. among: the items that are shown; all, where None.
        """
        kept = None if among is None else {item.key for item in among}
        order = [item for item in self._all() if kept is None or item.key in kept]
        if step < 0:
            order.reverse()
        place = next((place for place, item in enumerate(order) if item.key == key), -1)
        turned = order[place + 1 :] + order[: max(place, 0)]
        return next((item for item in turned if item.said.is_open), None)

    def _all(self) -> list[Item]:
        """Every item by falling worth, with what is said of it by now."""
        decisions = self._decisions
        made_for = (decisions.scans, decisions.expected, decisions.volumes)
        if self._made_for != made_for:
            self._found = tuple(sorted(_items(decisions), key=lambda item: -item.worth))
            self._made_for = made_for
        return [replace(item, said=decisions.said(item.scan, item.structure)) for item in self._found]


def _items(decisions: Decisions) -> list[Item]:
    usual = _usual_ml(decisions)
    found = []
    for scan in decisions.scans:
        proposal = decisions.proposal(scan)
        for structure in decisions.structures(scan):
            known = Known(decisions.expected.get(structure), decisions.volumes.get((scan, structure)))
            levels = proposal.structures.get(structure)
            if levels is None or not levels.shown(1.0):
                found.append(_nothing(scan, structure, known))
            else:
                found.append(_item(proposal, structure, usual[structure], known))
    return found


def _item(proposal: ScanProposal, structure: str, usual_ml: float, known: Known) -> Item:
    levels = proposal.structures[structure]
    whole = levels.levels[-1]
    flags = flags_of(proposal, structure, known)
    worth = worth_of(whole.ml / usual_ml, whole.confidence, known.scans, len(flags))
    parts = substantial(part.voxels for part in whole.components)
    centre = whole.components[0].centre_ijk
    return Item(proposal.case, structure, whole.voxels, whole.ml, whole.confidence, parts, flags, centre, worth)


def _nothing(scan: str, structure: str, known: Known) -> Item:
    flag = "nothing was found"
    if known.volume is not None and not known.volume.holds(0.0):
        flag += f"; expected {_span(known.volume.low, known.volume.high)}"
    elif known.volume is None and known.usual is not None:
        flag += f"; usually {_span(known.usual.q1_ml, known.usual.q3_ml, ' to ')}"
    return Item(scan, structure, 0, 0.0, 0.0, 0, (flag,), None, NOTHING_WORTH / math.sqrt(1 + known.scans))


def worth_of(size: float, confidence: float, drawn_scans: int, flags: int) -> float:
    """The formula of this file. size: volume over what is usual."""
    doubt = 0.25 + 0.75 * 4 * confidence * (1 - confidence)
    return min(MOST_SIZE, math.sqrt(size)) * doubt / math.sqrt(1 + drawn_scans) * (1 + 0.5 * flags)


def _usual_ml(decisions: Decisions) -> Mapping[str, float]:
    """Per structure its median volume where it is drawn, else the median of what is suggested."""
    suggested: dict[str, list[float]] = {}
    for scan in decisions.scans:
        for structure, levels in decisions.proposal(scan).structures.items():
            if levels.levels[-1].ml > 0:
                suggested.setdefault(structure, []).append(levels.levels[-1].ml)
    usual = {structure: statistics.median(volumes) for structure, volumes in suggested.items()}
    return {**usual, **{name: item.median_ml for name, item in decisions.expected.items() if item.median_ml > 0}}


def flags_of(proposal: ScanProposal, structure: str, known: Known) -> tuple[str, ...]:
    """Why to look closely: an unusual size, more pieces than usual, or an end at the edge of the scan that others do not have."""
    levels = proposal.structures[structure]
    parts, usual = levels.levels[-1].components, known.usual
    found = [_size_flag(structure, _whole_ml(levels, proposal.voxel_ml), known)]
    pieces = substantial(part.voxels for part in parts)
    if pieces > max(1, 0 if usual is None else usual.most_pieces):
        found.append(f"in {counted(pieces, 'piece')}")
    large = [part for part in parts if part.voxels >= parts[0].voxels / 2]
    if any(part.touches_border for part in large) and (usual is None or usual.border_share < 0.5):
        found.append("reaches the edge of the scan")
    return tuple(flag for flag in found if flag)


def _whole_ml(levels: StructureLevels, voxel_ml: float) -> float:
    """All of the structure in the scan: what is suggested, what was accepted and is predicted no longer, and what was drawn on some slices."""
    return (levels.pool + levels.drawn) * voxel_ml


def _size_flag(structure: str, ml: float, known: Known) -> str:
    """'Spleen 41 mL, expected 120–380 mL' where the image itself says how large it should be, else by the middle half of the drawn ones."""
    if known.volume is not None:
        if known.volume.holds(ml):
            return ""
        return f"{structure} {volume(ml)}, expected {_span(known.volume.low, known.volume.high)}"
    usual = known.usual
    if usual is None or usual.low_ml is None or usual.high_ml is None or usual.low_ml <= ml <= usual.high_ml:
        return ""
    word = "smaller" if ml < usual.low_ml else "larger"
    return f"much {word} than usual ({_span(usual.q1_ml, usual.q3_ml, ' to ')})"


def _span(low: float, high: float, between: str = "–") -> str:
    """'120–380 mL'."""
    first, last = volume(low), volume(high)
    return first if first == last else f"{first.removesuffix(' mL')}{between}{last}"
