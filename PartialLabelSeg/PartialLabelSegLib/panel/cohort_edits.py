"""What a click in the table of scans makes of the panel's state: states chosen, segments renamed, structures merged, scans removed. Pure functions."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from ..data.types import clean_name
from .counts_as import ABSENT, LABELLED, MISSING, NOT_THERE, SOME, Counted, counted, is_drawn
from .made import carried, still_said
from .state import PanelState, Scan

DRAWN_STATES = (LABELLED, SOME, MISSING)
UNDRAWN_STATES = (MISSING, ABSENT)
"""In the order in which clicks go through them. What is drawn cannot be absent, and what is not drawn cannot be labelled."""


def possible_states(scan: Scan, structure: str) -> tuple[str, ...]:
    """The states that a structure may be said to have in a scan, without contradicting what is drawn there."""
    return possible(scan, counted(scan.found, scan.names).get(structure, NOT_THERE))


def possible(scan: Scan, structure: Counted) -> tuple[str, ...]:
    return DRAWN_STATES if is_drawn(scan.found, structure) else UNDRAWN_STATES


def with_states(state: PanelState, cells: Iterable[tuple[str, str]], word: str) -> PanelState:
    """The same where a structure of a scan, for each (scan, structure), has this state; cells in which it is not possible stay as they are."""
    wanted: dict[str, list[str]] = {}
    for scan, structure in cells:
        wanted.setdefault(scan, []).append(structure)
    scans = tuple(_said(scan, wanted[scan.name], word) if scan.name in wanted else scan for scan in state.scans)
    return replace(state, scans=scans)


def cycled(state: PanelState, scan_name: str, structure: str) -> PanelState:
    """The same with the next possible state of one structure in one scan."""
    scan = state.scan_named(scan_name)
    if scan is None:
        return state
    states = possible_states(scan, structure)
    now = scan.state(structure)
    following = states[(states.index(now) + 1) % len(states)] if now in states else states[0]
    return with_states(state, [(scan_name, structure)], following)


def _said(scan: Scan, structures: Collection[str], word: str) -> Scan:
    there = counted(scan.found, scan.names)
    states = dict(scan.states)
    for structure in structures:
        found = there.get(structure, NOT_THERE)
        if word not in possible(scan, found):
            continue
        states.pop(structure, None)
        # What is drawn in part is missing as well; to say so of it means that the part is not to be learned from either.
        if word != found.state or found.in_part:
            states[structure] = word
    return scan if states == scan.states else replace(scan, states=states)


def renamed(state: PanelState, scan_name: str, drawing: str, structure: str) -> PanelState:
    """The same where a drawing of a scan counts as another structure, or as none ('')."""
    scan = state.scan_named(scan_name)
    if scan is None or drawing not in scan.found:
        return state
    return state.with_scan(_renamed(scan, {drawing: clean_name(structure)}))


def _renamed(scan: Scan, names: Mapping[str, str]) -> Scan:
    """What was said goes along with the drawings that it was said of; where those are no longer one structure it is forgotten."""
    before = counted(scan.found, scan.names)
    plain = {name: target for name, target in {**scan.names, **names}.items() if target != name}
    after = counted(scan.found, plain)
    said = {frozenset(before[name].drawings): word for name, word in scan.states.items() if name in before}
    states = {name: word for name, word in scan.states.items() if name not in before and name not in after}
    for name, there in after.items():
        word = said.get(frozenset(there.drawings))
        states.update({name: word} if word is not None else {})
    if plain == scan.names and states == scan.states:
        return scan
    return still_said(replace(scan, names=plain, states=states), carried(scan, before, after), after)


def merged(state: PanelState, structures: Collection[str], into: str) -> PanelState:
    """The same where several structures are one in all scans; into '': they are left out.

    Where no scan has two of them drawn they are names for one thing, and a name under which nothing is drawn says nothing. Else they are
    parts of it, and one that is not drawn says that a part is missing.
    """
    into = clean_name(into)
    everywhere = [counted(scan.found, scan.names) for scan in state.scans]
    together = {*structures, into} - {""}
    are_parts = any(
        sum(name in there and is_drawn(scan.found, there[name]) for name in together) > 1
        for scan, there in zip(state.scans, everywhere)
    )
    scans = []
    for scan, there in zip(state.scans, everywhere):
        drawings = [name for structure in together if structure in there for name in there[structure].drawings]
        speaks = any(scan.found[name] != MISSING for name in drawings)
        names = {name: into if are_parts or not speaks or scan.found[name] != MISSING else "" for name in drawings}
        scans.append(_merged(scan, names, together, into))
    return replace(state, scans=tuple(scans))


def _merged(scan: Scan, names: Mapping[str, str], structures: Collection[str], into: str) -> Scan:
    """What was said of one of the structures is said of the one that they become, where all that was said is the same."""
    said = {scan.states[name] for name in structures if name in scan.states}
    plain = {name: word for name, word in scan.states.items() if name not in structures}
    result = _renamed(replace(scan, states=plain), names)
    return _said(result, [into], said.pop()) if len(said) == 1 and into else result


def removed(state: PanelState, names: Collection[str]) -> PanelState:
    """The same without these scans; nothing is deleted from the scene or the disk."""
    for name in names:
        state = state.without_scan(name)
    return state


def refreshed(scan: Scan, found: Mapping[str, str], problems: Collection[str] = ()) -> Scan:
    """A scan that was read again. What was said stays where it does not contradict what is drawn now."""
    names = {drawing: structure for drawing, structure in scan.names.items() if drawing in found}
    fresh = replace(scan, found=dict(found), names=names, problems=tuple(problems), states={})
    there = counted(fresh.found, fresh.names)
    states = {}
    for name, word in scan.states.items():
        now = there.get(name, NOT_THERE)
        if word in possible(fresh, now) and (word != now.state or now.in_part):
            states[name] = word
    return still_said(replace(fresh, states=states), scan.made, there)


def without_pair(state: PanelState, scan_name: str, segmentation: str) -> PanelState:
    """The same where a segmentation (its id) belongs to no other scan than this one: what had it before is without it."""
    scans = tuple(
        replace(item, segmentation="")
        if segmentation and item.segmentation == segmentation and item.name != scan_name
        else item
        for item in state.scans
    )
    return replace(state, scans=scans)
