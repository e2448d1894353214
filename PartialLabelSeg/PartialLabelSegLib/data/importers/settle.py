"""From what a source draws and says of one scan to its labels, with every contradiction found on the way."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..geometry import Grid
from ..labels import EXPERT, Labels, Marks, Slices
from ..types import Problem, State
from .cells import AXIS_LETTERS
from .drawing import Drawing, Drawn, counted, shared_voxels


def settled(
    drawing: Drawing, structures: tuple[str, ...], overlapping: frozenset[frozenset[str]], grid: Grid
) -> tuple[Labels | None, tuple[Problem, ...]]:
    """The labels that a drawing means, and every problem. None where one of them is an error."""
    problems = list(drawing.problems)
    states = {}
    for name in structures:
        state, found = _state(name, drawing, grid)
        states[name] = state
        problems += found
    if any(problem.severity == "error" for problem in problems):
        return None, tuple(problems)
    label_map, overlaps = composed(drawing.drawn, structures, grid.shape)
    problems += _undeclared(overlaps, drawing.drawn, overlapping)
    known = tuple(states[name] in (State.LABELLED, State.ABSENT) for name in structures)
    slices = {name: drawing.slices[name] for name in structures if states[name] is State.SOME_SLICES}
    negatives: dict[str, Marks] = {}
    if drawing.ignored is not None and drawing.ignored.any():
        around = tuple(
            name for name in structures if name in drawing.said and name not in drawing.firm | drawing.in_part
        )
        certain, negatives = _around_ignored(drawing, label_map, around, overlapping)
        known = tuple(flag and name not in around for name, flag in zip(structures, known))
        slices = {**{name: where for name, where in slices.items() if name not in around}, **certain}
    origin = (label_map > 0).astype(np.uint8) * np.uint8(EXPERT)
    soft = _soft(drawing, states, grid)
    # A structure that is missing may be drawn in part.
    quick = {name for name in structures if states[name] is not State.MISSING or name in drawing.drawn} & drawing.quick
    labels = Labels(
        structures, label_map, known, origin, slices, overlaps, negatives, soft, overlapping, frozenset(quick)
    )
    return labels, tuple(problems)


def _soft(drawing: Drawing, states: Mapping[str, State], grid: Grid) -> dict[str, np.ndarray]:
    """The soft labels of the structures that were looked for, nan beyond the slices on which they were."""
    result = {}
    for name, plane in drawing.soft.items():
        if states.get(name) is State.LABELLED:
            result[name] = plane
        elif states.get(name) is State.SOME_SLICES:
            result[name] = np.where(drawing.slices[name].mask(grid.shape), plane, np.float32(np.nan))
    return result


def _state(name: str, drawing: Drawing, grid: Grid) -> tuple[State, list[Problem]]:
    """What holds for a structure once its voxels were seen."""
    said = drawing.said.get(name, State.MISSING)
    voxels = drawing.drawn[name].voxels if name in drawing.drawn else 0
    if name in drawing.in_part:
        # What was merged into it is drawn in part: its voxels count, and nothing is known of the others.
        return State.MISSING, []
    if said is State.SOME_SLICES:
        return said, _slice_problems(name, drawing, grid)
    if said in (State.MISSING, State.ABSENT) and voxels:
        way_out = "Say that it is labelled, or erase those voxels."
        return said, [
            Problem(
                f"it is said to be {said.value}, but {counted(voxels)} of it {'is' if voxels == 1 else 'are'} drawn. {way_out}",
                structure=name,
            )
        ]
    if said is State.LABELLED and not voxels and name not in drawing.soft:
        text = "empty label: it is said to be labelled, but no voxel of it lies in the scan; it is taken as missing. Draw it, or say 'absent' if it is not there."
        return State.MISSING, [Problem(text, structure=name, severity="warning")]
    return said, []


def _slice_problems(name: str, drawing: Drawing, grid: Grid) -> list[Problem]:
    where = drawing.slices.get(name)
    if where is None or not where.indices:
        text = (
            "it is said to be drawn on some slices, but no slices are given. List them, or say 'labelled' or 'missing'."
        )
        return [Problem(text, structure=name)]
    letter, count = AXIS_LETTERS[where.axis], grid.shape[where.axis]
    if where.indices[-1] >= count:
        text = f"slice {where.indices[-1]} along {letter} is given, but the scan's slices are 0 to {count - 1}. Correct the list of slices."
        return [Problem(text, structure=name)]
    if name not in drawing.drawn and name not in drawing.soft:
        text = "empty label: nothing is drawn on its slices, so it is taken as not there on them. Look whether that is meant."
        return [Problem(text, structure=name, severity="warning")]
    drawn = drawing.drawn[name].slices(where.axis) if name in drawing.drawn else []
    beyond = [index for index in drawn if index not in where.indices]
    if not beyond:
        return []
    text = f"voxels are drawn on slice {beyond[0]} along {letter}{' and others' * (len(beyond) > 1)}, which its list of slices leaves out. Complete the list, or erase them."
    return [Problem(text, structure=name, severity="warning")]


def composed(
    drawn: Mapping[str, Drawn], structures: tuple[str, ...], shape: tuple[int, int, int]
) -> tuple[np.ndarray, dict[str, Marks]]:
    """The label map (uint8) and, where structures share voxels, the further positives of the larger one: the map shows the smaller."""
    label_map = np.zeros(shape, np.uint8)
    overlaps = {}
    names = [name for name in structures if name in drawn]
    for name in sorted(names, key=lambda name: drawn[name].voxels):
        part = label_map[drawn[name].box]
        free = part == 0
        shared = drawn[name].block & ~free
        if shared.any():
            places = np.nonzero(shared)
            index = tuple(place + side.start for place, side in zip(places, drawn[name].box))
            flat = np.ravel_multi_index(index, shape).astype(np.int64)
            overlaps[name] = Marks(flat, np.full(flat.shape, EXPERT, np.uint8))
        part[drawn[name].block & free] = structures.index(name) + 1
    return label_map, overlaps


def _undeclared(
    overlaps: Mapping[str, Marks], drawn: Mapping[str, Drawn], overlapping: frozenset[frozenset[str]]
) -> list[Problem]:
    """A warning per structure that shares voxels with one that excludes it."""
    if not overlaps:
        return []
    problems = []
    for pair, count in shared_voxels(drawn).items():
        if pair not in overlapping:
            first, second = sorted(pair)
            text = (
                f"it shares {counted(count)} with '{second}', though the two exclude each other. "
                "These voxels count as both; correct the drawing if that is not meant."
            )
            problems.append(Problem(text, structure=first, severity="warning"))
    return problems


def _around_ignored(
    drawing: Drawing, label_map: np.ndarray, structures: tuple[str, ...], overlapping: frozenset[frozenset[str]]
) -> tuple[dict[str, Slices], dict[str, Marks]]:
    """Of these structures nothing is known where voxels are ignored; elsewhere everything is.

    Where whole slices are ignored the others are listed as slices. Else every structure gets, as sparse negatives, all voxels
    that are neither ignored nor its own nor settled by another's label: 9 bytes a voxel, shared by the structures in memory.
    """
    assert drawing.ignored is not None
    if drawing.ignored.all():
        return {}, {}
    where = _whole_slices(drawing.ignored)
    if where is not None:
        return dict.fromkeys(structures, where), {}
    everywhere = Marks.of(~drawing.ignored & (label_map == 0))
    negatives = dict.fromkeys(structures, everywhere)
    for name in {name for pair in overlapping for name in pair if name in structures}:
        certain = ~drawing.ignored
        if name in drawing.drawn:
            certain[drawing.drawn[name].box] &= ~drawing.drawn[name].block
        negatives[name] = Marks.of(certain)
    return {}, negatives


def _whole_slices(ignored: np.ndarray) -> Slices | None:
    """The slices that are not ignored, along the first axis on which each slice is ignored wholly or not at all."""
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        some = ignored.any(axis=others)
        if np.array_equal(some, ignored.all(axis=others)):
            return Slices(axis, tuple(int(index) for index in np.flatnonzero(~some)))
    return None
