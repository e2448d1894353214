"""From what a source draws and says to labels, with every contradiction found on the way; and from there to a case that can be read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ...run.failure import Failure
from ..case import CaseSource
from ..geometry import Grid
from ..image_io import read_scan
from ..labels import EXPERT, Labels, Marks, Slices
from ..types import Problem, State
from .drawing import Drawing, Drawn

AXIS_LETTERS = "zyx"
"""The letter of each array axis: 'z' is the scan's stored slice axis."""


@dataclass(frozen=True)
class Draft:
    """One case as an importer found it, before the cohort's structures and overlapping pairs are final.

    read_image() -> the scan; draw(grid) -> what its labels hold on that grid. Both raise Failure.
    """

    case: str
    read_image: Callable[[], sitk.Image]
    draw: Callable[[Grid], Drawing]
    states: Mapping[str, State]
    split: str = ""

    def source(self, structures: tuple[str, ...], overlapping: frozenset[frozenset[str]]) -> CaseSource:
        """The case for a cohort of these structures."""
        inspect = partial(inspected, self, structures, overlapping)
        read_image = partial(_naming_case, self.case, self.read_image)
        return CaseSource(self.case, read_image, partial(_strict, inspect), self.states, self.split, inspect)


def scan_reader(path: Path) -> Callable[[], sitk.Image]:
    return partial(read_scan, path)


def _naming_case(case: str, read_image: Callable[[], sitk.Image]) -> sitk.Image:
    try:
        return read_image()
    except Failure as failure:
        raise Problem.of(failure, case).failure() from None


def _strict(inspect: Callable[[Grid], tuple[Labels | None, tuple[Problem, ...]]], grid: Grid) -> Labels:
    labels, problems = inspect(grid)
    if labels is None:
        raise next(problem for problem in problems if problem.severity == "error").failure()
    return labels


def inspected(
    draft: Draft, structures: tuple[str, ...], overlapping: frozenset[frozenset[str]], grid: Grid
) -> tuple[Labels | None, tuple[Problem, ...]]:
    """The labels of a draft on `grid`, None where a problem is an error, and all problems with the case's name."""
    try:
        drawing = draft.draw(grid)
    except Failure as failure:
        return None, (Problem.of(failure, draft.case),)
    labels, problems = settled(drawing, structures, overlapping, grid)
    named = tuple(Problem(item.message, item.case or draft.case, item.structure, item.severity) for item in problems)
    return labels, named


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
        known, slices, negatives = _around_ignored(drawing, label_map, structures, overlapping)
    origin = (label_map > 0).astype(np.uint8) * np.uint8(EXPERT)
    return Labels(structures, label_map, known, origin, slices, overlaps, negatives, {}, overlapping), tuple(problems)


def _state(name: str, drawing: Drawing, grid: Grid) -> tuple[State, list[Problem]]:
    """What holds for a structure once its voxels were seen."""
    said = drawing.said.get(name, State.MISSING)
    voxels = drawing.drawn[name].voxels if name in drawing.drawn else 0
    if said is State.SOME_SLICES:
        return said, _slice_problems(name, drawing, grid)
    if said in (State.MISSING, State.ABSENT) and voxels:
        way_out = "Say that it is labelled, or erase those voxels."
        return said, [Problem(f"it is said to be {said.value}, but {voxels} voxels of it are drawn. {way_out}", structure=name)]
    if said is State.LABELLED and not voxels:
        text = "empty label: it is said to be labelled, but no voxel of it lies in the scan; it is taken as missing. Draw it, or say 'absent' if it is not there."
        return State.MISSING, [Problem(text, structure=name, severity="warning")]
    return said, []


def _slice_problems(name: str, drawing: Drawing, grid: Grid) -> list[Problem]:
    where = drawing.slices.get(name)
    if where is None or not where.indices:
        text = "it is said to be drawn on some slices, but no slices are given. List them, or say 'labelled' or 'missing'."
        return [Problem(text, structure=name)]
    letter, count = AXIS_LETTERS[where.axis], grid.shape[where.axis]
    if where.indices[-1] >= count:
        text = f"slice {where.indices[-1]} along {letter} is given, but the scan's slices are 0 to {count - 1}. Correct the list of slices."
        return [Problem(text, structure=name)]
    if name not in drawing.drawn:
        text = "empty label: nothing is drawn on its slices, so it is taken as not there on them. Look whether that is meant."
        return [Problem(text, structure=name, severity="warning")]
    beyond = [index for index in drawing.drawn[name].slices(where.axis) if index not in where.indices]
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


def _undeclared(overlaps: Mapping[str, Marks], drawn: Mapping[str, Drawn], overlapping: frozenset[frozenset[str]]) -> list[Problem]:
    """A warning per structure that shares voxels with one that excludes it."""
    if not overlaps:
        return []
    from .drawing import shared_voxels

    problems = []
    for pair, count in shared_voxels(drawn).items():
        if pair not in overlapping:
            first, second = sorted(pair)
            text = (
                f"it shares {count} voxel{'s' * (count > 1)} with '{second}', though the two exclude each other. "
                "These voxels count as both; correct the drawing if that is not meant."
            )
            problems.append(Problem(text, structure=first, severity="warning"))
    return problems


def _around_ignored(
    drawing: Drawing, label_map: np.ndarray, structures: tuple[str, ...], overlapping: frozenset[frozenset[str]]
) -> tuple[tuple[bool, ...], dict[str, Slices], dict[str, Marks]]:
    """Nothing is known where voxels are ignored; elsewhere everything is.

    Where whole slices are ignored the others are listed as slices. Else every structure gets, as sparse negatives, all voxels
    that are neither ignored nor its own nor settled by another's label: 9 bytes a voxel, shared by the structures in memory.
    """
    assert drawing.ignored is not None
    known = (False,) * len(structures)
    where = _whole_slices(drawing.ignored)
    if where is not None:
        return known, {name: where for name in structures}, {}
    everywhere = Marks.of(~drawing.ignored & (label_map == 0))
    negatives = {name: everywhere for name in structures}
    for name in {name for pair in overlapping for name in pair if name in structures}:
        certain = ~drawing.ignored
        if name in drawing.drawn:
            certain[drawing.drawn[name].box] &= ~drawing.drawn[name].block
        negatives[name] = Marks.of(certain)
    return known, {}, negatives


def _whole_slices(ignored: np.ndarray) -> Slices | None:
    """The slices that are not ignored, along the first axis on which each slice is ignored wholly or not at all."""
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        some = ignored.any(axis=others)
        if np.array_equal(some, ignored.all(axis=others)):
            return Slices(axis, tuple(int(index) for index in np.flatnonzero(~some)))
    return None
