"""What a label file draws in one scan, structure by structure: each a small block of voxels, so that many structures need little memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

import numpy as np

from ...run.failure import Failure
from ..geometry import Grid
from ..image_io import read_label_map
from ..labels import Slices
from ..placing import Fit, fit, place_labels
from ..types import Problem, State

Box = tuple[slice, ...]


@dataclass(frozen=True, eq=False)
class Drawn:
    """The voxels of one structure: `block` (bool) lies at `box` of the scan's array (z, y, x)."""

    box: Box
    block: np.ndarray

    @property
    def voxels(self) -> int:
        return int(np.count_nonzero(self.block))

    def slices(self, axis: int) -> list[int]:
        """The indices along `axis` on which a voxel is drawn."""
        others = tuple(other for other in range(3) if other != axis)
        return [int(index) + self.box[axis].start for index in np.flatnonzero(self.block.any(axis=others))]


@dataclass(frozen=True, eq=False)
class Drawing:
    """What a source says of one scan, on the scan's grid.

    drawn: the structures that have voxels. said: what the source says of a structure; one that is not named is missing.
    slices: where a structure was looked for on some slices only. ignored: bool (z, y, x), voxels of which nothing is known.
    in_part: drawn structures of which more may be there, elsewhere in the scan. firm: those of which `said` also holds where voxels are ignored.
    soft: float32 (z, y, x) in 0..1, nan where nobody looked, of structures whose label is a probability; `drawn` holds them hardened.
    quick: the structures whose label was made quickly, whether they have voxels or not.
    """

    drawn: Mapping[str, Drawn] = field(default_factory=dict)
    said: Mapping[str, State] = field(default_factory=dict)
    slices: Mapping[str, Slices] = field(default_factory=dict)
    ignored: np.ndarray | None = None
    problems: tuple[Problem, ...] = ()
    in_part: frozenset[str] = frozenset()
    firm: frozenset[str] = frozenset()
    soft: Mapping[str, np.ndarray] = field(default_factory=dict)
    quick: frozenset[str] = frozenset()


def united(parts: Sequence[Drawn]) -> Drawn:
    """The voxels of all parts (at least one) as those of one structure."""
    if len(parts) == 1:
        return parts[0]
    box = _around([part.box for part in parts])
    block = np.zeros([side.stop - side.start for side in box], bool)
    for part in parts:
        block[tuple(slice(a.start - b.start, a.stop - b.start) for a, b in zip(part.box, box))] |= part.block
    return Drawn(box, block)


def boxes(labels: np.ndarray) -> dict[int, Box]:
    """The values of a label map other than 0, and the smallest box that holds each."""
    if labels.dtype.kind == "u" and labels.dtype.itemsize <= 2:
        from scipy import ndimage

        found = ndimage.find_objects(labels)
        return {value: box for value, box in enumerate(found, 1) if box is not None}
    everywhere = tuple(slice(0, size) for size in labels.shape)
    values = sorted({int(value) for plane in labels for value in np.unique(plane)} - {0})
    return dict.fromkeys(values, everywhere)


def drawn_in(labels: np.ndarray, values: Mapping[str, Iterable[int]]) -> dict[str, Drawn]:
    """Each structure's voxels in a label map (z, y, x): those with one of its values. Structures without a voxel are left out."""
    found = boxes(labels)
    result = {}
    for name, wanted in values.items():
        present = [value for value in wanted if value in found]
        if present:
            box = _around([found[value] for value in present])
            block = np.isin(labels[box], present) if len(present) > 1 else labels[box] == present[0]
            result[name] = Drawn(box, block)
    return result


def _around(parts: list[Box]) -> Box:
    return tuple(
        slice(min(part[axis].start for part in parts), max(part[axis].stop for part in parts)) for axis in range(3)
    )


def shared_voxels(drawn: Mapping[str, Drawn]) -> dict[frozenset[str], int]:
    """The pairs of structures that share voxels, and how many."""
    result = {}
    for (name, one), (other_name, other) in combinations(drawn.items(), 2):
        count = _common(one, other)
        if count:
            result[frozenset((name, other_name))] = count
    return result


def _common(one: Drawn, other: Drawn) -> int:
    starts = [max(a.start, b.start) for a, b in zip(one.box, other.box)]
    stops = [min(a.stop, b.stop) for a, b in zip(one.box, other.box)]
    if any(stop <= start for start, stop in zip(starts, stops)):
        return 0
    parts = [
        item.block[
            tuple(slice(start - part.start, stop - part.start) for start, stop, part in zip(starts, stops, item.box))
        ]
        for item in (one, other)
    ]
    return int(np.count_nonzero(parts[0] & parts[1]))


def counted(voxels: int) -> str:
    """'1 voxel', '5 voxels'."""
    return f"{voxels} voxel{'s' * (voxels != 1)}"


def read_named(
    path: Path, values: Mapping[str, Iterable[int]], passed_over: Iterable[int] = ()
) -> tuple[np.ndarray, Grid]:
    """A label map and its grid. Failure: unreadable, or a value that neither a structure nor `passed_over` has."""
    labels, grid = read_label_map(path)
    named = {value for wanted in values.values() for value in wanted} | set(passed_over)
    unknown = [value for value in boxes(labels) if value not in named]
    if unknown:
        listed = ", ".join(str(value) for value in unknown[:10]) + (", ..." if len(unknown) > 10 else "")
        raise Failure(
            f"{path.name} holds the label value{'s' * (len(unknown) > 1)} {listed}, which no structure has.",
            way_out="Name the value as a structure, or erase those voxels.",
        )
    return labels, grid


def placed(file: str, labels: np.ndarray, source: Grid, grid: Grid) -> tuple[np.ndarray, list[Problem]]:
    """Labels on the scan's grid, and the warnings. Failure: the two grids have no place in common."""
    problems = check_place(file, source, grid)
    result = place_labels(labels, source, grid)
    lost = int(np.count_nonzero(labels)) - int(np.count_nonzero(result)) if fit(source, grid) is Fit.COINCIDES else 0
    if lost > 0:
        text = f"{counted(lost)} drawn in {file} lie{'s' * (lost == 1)} outside the scan and {'is' if lost == 1 else 'are'} left out. Look whether it belongs to this scan."
        problems.append(Problem(text, severity="warning"))
    return result, problems


def check_place(file: str, source: Grid, grid: Grid) -> list[Problem]:
    """The warning about a label grid that is not the scan's. Failure: the two have no place in common."""
    how = fit(source, grid)
    if how is Fit.APART:
        raise Failure(
            f"{file} lies elsewhere in space than the scan.",
            way_out="Save the labels with the geometry (origin, spacing, directions) of the scan they were drawn on.",
        )
    if how is not Fit.RESAMPLED:
        return []
    text = (
        f"{file} lies on another grid ({_describe(source)}) than the scan ({_describe(grid)}). "
        "Each voxel of the scan takes the label at its centre (nearest neighbour); look whether the outlines still fit."
    )
    return [Problem(text, severity="warning")]


def _describe(grid: Grid) -> str:
    size = "×".join(str(size) for size in grid.size)
    return f"{size} voxels of {'×'.join(f'{step:.3g}' for step in grid.spacing)} mm"
