"""Masks that a person drew instead of a suggestion: small images beside review.json, and the voxels that they hold."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..data.geometry import Grid
from ..data.label_files import write_image
from ..run.failure import Failure
from ..run.files import inside
from .components import bounding_box, flat_indices
from .review import Decision, Edit

FOLDER = "edits"

Start = tuple[int, int, int]


def write_edit(round_folder: Path, case_folder: str, mask: np.ndarray, start: Start, grid: Grid) -> Edit:
    """Saves a drawn mask as a new image of its own, cropped, on the scan's grid; an earlier one is never overwritten.

    mask: bool (z, y, x), a box of the scan that begins at voxel `start` (z, y, x); it may be empty. ValueError: it leaves the scan.
    """
    if (
        mask.ndim != 3
        or min(start) < 0
        or any(at + size > whole for at, size, whole in zip(start, mask.shape, grid.shape))
    ):
        raise ValueError(f"a drawing of shape {mask.shape} from {start} does not lie in a scan of shape {grid.shape}")
    box = bounding_box(mask)
    if box is None:
        voxels, start = np.zeros((1, 1, 1), np.uint8), (0, 0, 0)
    else:
        voxels = mask[box].astype(np.uint8)
        start = (start[0] + box[0].start, start[1] + box[1].start, start[2] + box[2].start)
    name = f"{FOLDER}/{case_folder}-{_next(round_folder / FOLDER, case_folder)}.nrrd"
    write_image(round_folder / name, _cropped(grid, start, voxels.shape).image(voxels))
    return Edit(name, _sum(voxels, start))


def _next(folder: Path, case_folder: str) -> int:
    """A number that no drawing of the case has."""
    ends = (
        path.name[len(case_folder) + 1 : -len(".nrrd")]
        for path in folder.glob("*.nrrd")
        if path.name.startswith(f"{case_folder}-")
    )
    return 1 + max((int(end) for end in ends if end.isdecimal()), default=0)


def _cropped(grid: Grid, start: Start, shape: tuple[int, ...]) -> Grid:
    """The grid of a box of a scan."""
    steps = np.array(start[::-1]) * np.array(grid.spacing)
    corner = np.array(grid.origin) + np.reshape(grid.direction, (3, 3)) @ steps
    size = (int(shape[2]), int(shape[1]), int(shape[0]))
    return Grid(size, grid.spacing, (float(corner[0]), float(corner[1]), float(corner[2])), grid.direction)


def _sum(voxels: np.ndarray, start: Start) -> int:
    place = json.dumps([list(start), list(voxels.shape)]).encode()
    return zlib.crc32(np.ascontiguousarray(voxels).data, zlib.crc32(place))


def read_edit(round_folder: Path, edit: Edit, grid: Grid) -> tuple[Start, np.ndarray]:
    """Where a drawing begins (z, y, x) and its bool mask. Failure: absent, damaged, or of another scan."""
    path = inside(round_folder, edit.file, "file of a drawing")
    if not path.is_file():
        raise Failure(f"{edit.file}, which a decision speaks of, is missing.")
    try:
        image = sitk.ReadImage(str(path))
        own = Grid.from_image(image)
    except (RuntimeError, ValueError):
        raise Failure(f"{edit.file} cannot be read as an image; it is damaged.") from None
    steps = (
        np.reshape(grid.direction, (3, 3)).T @ (np.array(own.origin) - np.array(grid.origin)) / np.array(grid.spacing)
    )
    x, y, z = (int(step) for step in np.rint(steps))
    voxels, start = sitk.GetArrayFromImage(image), (z, y, x)
    fits = min(start) >= 0 and all(at + size <= whole for at, size, whole in zip(start, own.shape, grid.shape))
    if not fits or not own.same_as(_cropped(grid, start, own.shape)):
        raise Failure(f"{edit.file} does not lie on the grid of this scan; it was drawn in another one.")
    if voxels.dtype != np.uint8 or _sum(voxels, start) != edit.crc32:
        raise Failure(f"{edit.file} is not what was drawn (its checksum differs).")
    return start, voxels > 0


def read_edits(round_folder: Path, decisions: Iterable[Decision], grid: Grid) -> Mapping[str, np.ndarray]:
    """Per file the sorted flat indices (int64) of the voxels drawn in it, for the decisions on one scan. Failure as `read_edit`."""
    found = {}
    for item in decisions:
        if item.edit is None:
            continue
        try:
            start, mask = read_edit(round_folder, item.edit, grid)
        except Failure as failure:
            raise Failure(
                failure.wrong,
                way_out="Put the file back, or draw anew, or delete that decision from review.json, and run the same command again.",
                case=item.case,
                structure=item.structure,
            ) from None
        box = tuple(slice(at, at + size) for at, size in zip(start, mask.shape))
        found[item.edit.file] = flat_indices(mask, (box[0], box[1], box[2]), grid.shape)
    return found
