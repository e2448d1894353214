"""What a scan's drawings count as: the structures they make up once segments were renamed, merged or left out, and what holds for each.

The same rules as the worker's when it reads `choices.json` (data/importers/rename.py), on words instead of voxels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..data.importers.names import name_key
from ..data.types import State

LABELLED, MISSING, ABSENT, SOME = (
    State.LABELLED.value,
    State.MISSING.value,
    State.ABSENT.value,
    State.SOME_SLICES.value,
)


@dataclass(frozen=True)
class Counted:
    """A structure in one scan as it was found. drawings: the drawn names that make it up, those with voxels first.

    in_part: one of several drawings is there and another is not, so that what is drawn is learned and nothing is known of the rest;
    `state` is then 'missing', and `quiet` names the drawings that are not there.
    """

    state: str
    drawings: tuple[str, ...] = ()
    quiet: tuple[str, ...] = ()

    @property
    def in_part(self) -> bool:
        return bool(self.quiet)


NOT_THERE = Counted(MISSING)


def counted(found: Mapping[str, str], names: Mapping[str, str]) -> dict[str, Counted]:
    """Every structure that a scan's drawings speak of. found: drawn name -> state; names: drawn name -> structure, '' for none."""
    parts: dict[str, list[str]] = {}
    for name in found:
        structure = names.get(name, name)
        if structure:
            parts.setdefault(structure, []).append(name)
    return {
        structure: Counted(found[drawings[0]], tuple(drawings))
        if len(drawings) == 1
        else _merged(structure, drawings, found)
        for structure, drawings in parts.items()
    }


def _merged(structure: str, drawings: Sequence[str], found: Mapping[str, str]) -> Counted:
    speaking = [name for name in drawings if found[name] != MISSING]
    ordered = (*speaking, *(name for name in drawings if name not in speaking))
    states = {found[name] for name in speaking}
    if not states:
        return Counted(MISSING, ordered)
    alike = {name_key(name) for name in (structure, *speaking)}
    quiet = tuple(name for name in drawings if found[name] == MISSING and name_key(name) not in alike)
    if quiet:
        return Counted(MISSING, ordered, quiet if states != {ABSENT} else ())
    return Counted(next(state for state in (SOME, LABELLED, ABSENT) if state in states), ordered)


def is_drawn(found: Mapping[str, str], structure: Counted) -> bool:
    """Whether some voxel counts as the structure."""
    return any(found.get(name) in (LABELLED, SOME) for name in structure.drawings)
