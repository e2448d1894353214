"""How the labels of a scan were made, structure by structure: checked by an expert, or quickly. Pure functions on the panel's state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from ..data.types import CHECKED, QUICK
from .counts_as import LABELLED, NOT_THERE, SOME, Counted, counted, is_drawn
from .state import PanelState, Scan

_LABELS = (LABELLED, SOME)


def made(scan: Scan, structure: str, there: Counted) -> str:
    """CHECKED or QUICK; '' where nothing is labelled. What is made of several drawings is quick where one of them is."""
    if scan.states.get(structure, there.state) not in _LABELS:
        return ""
    return how_drawn(scan, structure, there)


def how_drawn(scan: Scan, structure: str, there: Counted) -> str:
    """CHECKED or QUICK for what is drawn, also where that is only a part of the structure."""
    return scan.made.get(structure) or _found(scan, there)


def _found(scan: Scan, there: Counted) -> str:
    """What the data set says by itself."""
    return QUICK if any(name in scan.quick for name in there.drawings) else CHECKED


def with_made(state: PanelState, cells: Iterable[tuple[str, str]], word: str) -> PanelState:
    """The same where the label of each (scan, structure) was made so; what is not drawn stays as it is."""
    wanted: dict[str, list[str]] = {}
    for scan, structure in cells:
        wanted.setdefault(scan, []).append(structure)
    scans = tuple(_said(scan, wanted[scan.name], word) if scan.name in wanted else scan for scan in state.scans)
    return replace(state, scans=scans)


def with_made_in(state: PanelState, scans: Iterable[str], word: str) -> PanelState:
    """The same where every label of these scans was made so."""
    wanted = set(scans)
    cells = (
        (scan.name, name) for scan in state.scans if scan.name in wanted for name in counted(scan.found, scan.names)
    )
    return with_made(state, cells, word)


def _said(scan: Scan, structures: Iterable[str], word: str) -> Scan:
    there = counted(scan.found, scan.names)
    said = dict(scan.made)
    for structure in structures:
        drawn = there.get(structure, NOT_THERE)
        if is_drawn(scan.found, drawn):
            said[structure] = word
    return still_said(scan, said, there)


def still_said(scan: Scan, said: Mapping[str, str], there: Mapping[str, Counted]) -> Scan:
    """The scan with what was said where it is still drawn, and not what the data set says anyway."""
    kept = {
        name: word
        for name, word in said.items()
        if name in there and is_drawn(scan.found, there[name]) and word != _found(scan, there[name])
    }
    return scan if kept == scan.made else replace(scan, made=kept)


def carried(scan: Scan, before: Mapping[str, Counted], after: Mapping[str, Counted]) -> dict[str, str]:
    """What was said goes along with the drawings: of several that become one it is quick where one of them was."""
    said = {drawing: word for name, word in scan.made.items() if name in before for drawing in before[name].drawings}
    result = {}
    for name, there in after.items():
        words = {said[drawing] for drawing in there.drawings if drawing in said}
        if words:
            result[name] = QUICK if QUICK in words else CHECKED
    return result
