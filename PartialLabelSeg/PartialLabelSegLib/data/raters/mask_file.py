"""One drawn mask, or one per rater, out of a file: a label map or one value of it, a segment, or a part of a volume with a fourth axis."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ...run.failure import Failure
from ..geometry import Grid
from ..image_io import read_label_map, read_whole
from ..importers.drawing import placed
from ..seg_nrrd import read_seg_nrrd
from ..types import Problem

MOST_PARTS = 64


@dataclass(frozen=True)
class Part:
    """A file and, where not all of it is meant, which part: a label value, or the name of a segment."""

    path: Path
    which: str = ""

    @property
    def is_segmentation(self) -> bool:
        return self.path.name.lower().endswith(".seg.nrrd")


def read_mask(part: Part, grid: Grid) -> tuple[np.ndarray, tuple[Problem, ...]]:
    """bool (z, y, x) on the scan's grid, and the warnings. Without a part that is named: whatever is not 0.

    Failure: unreadable, elsewhere in space, or no such part.
    """
    if part.is_segmentation:
        stored = read_seg_nrrd(part.path)
        chosen = [segment for segment in stored.segments if not part.which or segment.name == part.which]
        if not chosen:
            names = ", ".join(segment.name for segment in stored.segments)
            raise Failure(f"{part.path.name} has no segment '{part.which}'.", way_out=f"It has: {names or 'none'}.")
        return _on(part.path.name, np.logical_or.reduce([segment.mask for segment in chosen]), stored.grid, grid)
    values, source = read_label_map(part.path)
    if not part.which:
        return _on(part.path.name, values != 0, source, grid)
    if not part.which.isdecimal() or int(part.which) == 0:
        text = f"'{part.which}' is no label value of {part.path.name}."
        raise Failure(text, way_out="Write a whole number from 1 behind the #.")
    mask = values == int(part.which)
    if not mask.any():
        raise Failure(f"{part.path.name} has no voxel of the value {part.which}.", way_out="Correct the value.")
    return _on(part.path.name, mask, source, grid)


def read_masks(path: Path, grid: Grid) -> tuple[dict[str, np.ndarray], tuple[Problem, ...]]:
    """Several raters' masks in one file, by rater: the segments of a .seg.nrrd, or the parts along a fourth axis as reader-1, reader-2, ...

    Failure: unreadable, elsewhere, one rater twice, or a file of one mask that does not say whose it is.
    """
    if Part(path).is_segmentation:
        stored = read_seg_nrrd(path)
        pairs = [(segment.name, segment.mask) for segment in stored.segments]
        source = stored.grid
    else:
        pairs, source = _along_fourth_axis(path)
    names = [name for name, _ in pairs]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None or not names:
        wrong = f"has two masks of '{twice}'" if names else "has no masks"
        raise Failure(f"{path.name} {wrong}.", way_out="Give each rater one mask, under the rater's name.")
    masks: dict[str, np.ndarray] = {}
    problems: list[Problem] = []
    for name, mask in pairs:
        masks[name], found = _on(path.name, mask, source, grid)
        problems += [problem for problem in found if problem not in problems]
    return masks, tuple(problems)


def _along_fourth_axis(path: Path) -> tuple[list[tuple[str, np.ndarray]], Grid]:
    image = read_whole(path)
    if image.GetDimension() != 4 or not 1 <= image.GetSize()[3] <= MOST_PARTS:
        raise Failure(
            f"{path.name} is one mask, and nothing says whose it is.",
            way_out="Write rater=file for each rater, or give a volume with a fourth axis, or a .seg.nrrd with a segment per rater.",
        )
    parts = [image[:, :, :, number] for number in range(image.GetSize()[3])]
    pairs = [(f"reader-{number}", sitk.GetArrayFromImage(part) != 0) for number, part in enumerate(parts, 1)]
    return pairs, Grid.from_image(parts[0])


def _on(name: str, mask: np.ndarray, source: Grid, grid: Grid) -> tuple[np.ndarray, tuple[Problem, ...]]:
    moved, problems = placed(name, mask.astype(np.uint8), source, grid)
    return moved != 0, tuple(problems)
