"""What a share gamma takes of some suggestions: counted from the lists of suggestions, without reading a volume."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..relabel.reliability import Tally
from ..relabel.scan_proposal import Part, ScanProposal, StructureLevels
from .scope import Counts


def count(
    pairs: Sequence[tuple[ScanProposal, str]], gamma: float, part: int | None, reliability: Mapping[str, Tally]
) -> Counts:
    """Of the structures in scans; `part`: of one connected part only, where there is one pair."""
    voxels = all_voxels = parts = known = 0
    ml = all_ml = right = 0.0
    for proposal, structure in pairs:
        item = proposal.structures.get(structure)
        if item is None:
            continue
        mine, pieces = _one(item, gamma, part)
        whole = item.shown(1.0)
        voxels, all_voxels, parts = voxels + mine, all_voxels + whole, parts + pieces
        ml, all_ml = ml + mine * proposal.voxel_ml, all_ml + whole * proposal.voxel_ml
        precision = reliability[structure].precision(gamma) if structure in reliability else None
        if precision is not None:
            known, right = known + mine, right + mine * precision
    share = right / known if known else None
    return Counts(voxels, all_voxels, ml, all_ml, parts, share, known / voxels if voxels else 0.0)


def _one(item: StructureLevels, gamma: float, part: int | None) -> tuple[int, int]:
    """Voxels and connected parts."""
    level = item.at(gamma)
    if part is None:
        return item.shown(gamma), 0 if level is None else level.parts
    found = part_of(item, gamma, part)
    return (0, 0) if found is None else (found.voxels, 1)


def part_of(item: StructureLevels, gamma: float, seed: int) -> Part | None:
    """The listed part of a seed at the level below gamma; None where it is not listed."""
    level = item.at(gamma)
    return None if level is None else next((part for part in level.components if part.seed == seed), None)
