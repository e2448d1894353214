"""Soft labels beside a manifest: a JSON file per scan that names a probability volume per structure, and the slices that anybody read.

    {"format": 1, "structures": {"Lesion": {"file": "A/lesion.nrrd", "scale": 0.00392156862745098}}, "read_slices": {"Lesion": [3, 4, 5]}}

The probability is the stored value times `scale` (1 where it is not given; 1/255 for volumes of 8 bits). Paths start at the JSON file's folder
and stay within the manifest's. `read_slices` counts the scan's stored slices from 0, null or nothing means all of them, and
{"axis": "y", "slices": [3, 4]} those along another axis. What lies on other slices is unknown, whatever the volume holds there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PureWindowsPath
from typing import Any

import numpy as np
import SimpleITK as sitk

from ...run.failure import Failure
from ...run.files import inside, read_json
from ..geometry import Grid
from ..image_io import read_scan
from ..labels import HARD, Slices
from ..placing import place_probability
from ..types import Problem, State, clean_name
from .cells import slices_from_json
from .drawing import Drawing, Drawn, check_place, counted, drawn_in

FORMAT = 1
_FORM = 'Write {"format": 1, "structures": {"Lesion": {"file": "lesion.nrrd", "scale": 1.0}}, "read_slices": {"Lesion": [3, 4]}}.'
_NEAR = 1e-3
"""How far a probability may lie beyond 0 or 1, as numbers of few digits do; it is moved there."""


@dataclass(frozen=True)
class SoftFile:
    """The soft label of one structure: its volume, what the stored values are multiplied by, and the slices that were read (None: all)."""

    path: Path
    scale: float
    slices: Slices | None

    def read(self) -> tuple[np.ndarray, Grid]:
        """The probabilities, float32 (z, y, x), on the file's own grid. Failure: unreadable, or values that are none."""
        image = read_scan(self.path)
        plane = sitk.GetArrayFromImage(image).astype(np.float32) * np.float32(self.scale)
        low, high = float(plane.min()), float(plane.max())
        if low < -_NEAR or high > 1 + _NEAR:
            raise Failure(
                f"{self.path.name} holds values from {low:g} to {high:g} after its scale {self.scale:g}; a probability lies in 0..1.",
                way_out='Correct "scale": 1 for fractions, 1/255 for volumes of 8 bits, 1/65535 for those of 16.',
            )
        return np.clip(plane, 0, 1), Grid.from_image(image)


def read_soft_files(path: Path, folder: Path, columns: Collection[str]) -> dict[str, SoftFile]:
    """The soft labels that a JSON file names, by structure. `folder`: what its paths must not leave. Failure: not understood, or a file that is not there."""
    content = read_json(path, "the list of soft labels")
    entries = content.get("structures") if isinstance(content, dict) else None
    read = content.get("read_slices") if isinstance(content, dict) else None
    if not isinstance(entries, dict) or not isinstance(read, (dict, type(None))):
        raise Failure(f"{path.name} is no list of soft labels.", way_out=_FORM)
    if content.get("format") != FORMAT:
        raise Failure(f"{path.name} has the format {content.get('format')!r}, this version reads {FORMAT}.")
    slices = _slices(path.name, read or {})
    for name in [*map(clean_name, entries), *slices]:
        if name not in columns:
            text = f"{path.name} speaks of it, but the manifest has no column of that name."
            raise Failure(text, structure=name, way_out="Add the column, or correct the name.")
    unnamed = [name for name in slices if name not in map(clean_name, entries)]
    if unnamed:
        text = f"{path.name} lists slices that were read of it, but names no file."
        raise Failure(text, structure=unnamed[0], way_out=_FORM)
    return {
        clean_name(name): _soft_file(path, folder, clean_name(name), entry, slices) for name, entry in entries.items()
    }


def _slices(file: str, read: Mapping[str, Any]) -> dict[str, Slices]:
    listed = {
        name: {"slices": entry} if isinstance(entry, list) else entry
        for name, entry in read.items()
        if entry is not None
    }
    try:
        return slices_from_json(listed)
    except ValueError as error:
        raise Failure(f"the read slices in {file} are not understood: {error}.", way_out=_FORM) from None


def _soft_file(path: Path, folder: Path, name: str, entry: Any, slices: Mapping[str, Slices]) -> SoftFile:
    entry = entry if isinstance(entry, dict) else {}
    file, scale = entry.get("file"), entry.get("scale", 1.0)
    number = isinstance(scale, (int, float)) and not isinstance(scale, bool)
    if not isinstance(file, str) or not number or not 0 < scale < float("inf"):
        text = f'{path.name} must name its "file", and a "scale" above 0 where it is not 1.'
        raise Failure(text, structure=name, way_out=_FORM)
    try:
        place = _below(path, folder, file)
    except Failure as failure:
        raise Failure(failure.wrong, way_out=failure.way_out, structure=name) from None
    if not place.is_file():
        text = f"its soft label '{file}' is missing."
        raise Failure(text, structure=name, way_out=f"Put the file there, or correct its path in {path.name}.")
    return SoftFile(place, float(scale), slices.get(name))


def _below(path: Path, folder: Path, file: str) -> Path:
    """A path that starts at the JSON file's folder and may leave that, but not the manifest's."""
    start = path.parent.resolve().relative_to(folder.resolve()).as_posix()
    inner = file.replace("\\", "/")
    is_absolute = inner.startswith("/") or bool(PureWindowsPath(file).drive)
    return inside(folder, file if is_absolute else f"{start}/{inner}", "path of the soft label")


def with_soft(drawing: Drawing, soft: Mapping[str, SoftFile], grid: Grid) -> Drawing:
    """The drawing with the soft labels on the scan's grid, and hardened as what is drawn of these structures. Failure names the structure."""
    drawn, said, slices = dict(drawing.drawn), dict(drawing.said), dict(drawing.slices)
    planes: dict[str, np.ndarray] = {}
    problems = list(drawing.problems)
    for name, file in soft.items():
        try:
            plane, found = _placed(file, grid, name)
        except Failure as failure:
            raise Failure(failure.wrong, way_out=failure.way_out, structure=name) from None
        problems += found
        hard = _hardened(plane)
        if name in drawn and not _same(drawn[name], hard, grid):
            text = f"the label file draws it otherwise than its soft label {file.path.name} at {HARD:g}. The soft label counts."
            problems.append(Problem(text, structure=name, severity="warning"))
        drawn.pop(name, None)
        drawn.update({name: hard} if hard is not None else {})
        planes[name] = plane
        if file.slices is not None:
            said[name], slices[name] = State.SOME_SLICES, file.slices
    return replace(drawing, drawn=drawn, said=said, slices=slices, problems=tuple(problems), soft=planes)


def _placed(file: SoftFile, grid: Grid, name: str) -> tuple[np.ndarray, list[Problem]]:
    """The probabilities on the scan's grid, nan on slices that nobody read, and the warnings."""
    plane, source = file.read()
    problems = [
        Problem(item.message, structure=name, severity=item.severity)
        for item in check_place(file.path.name, source, grid)
    ]
    plane = place_probability(plane, source, grid)
    where = file.slices
    if where is None or not where.indices or where.indices[-1] >= grid.shape[where.axis]:
        # No slices, or some that the scan does not have, are said to be wrong when the drawing is settled.
        return plane, problems
    read = where.mask(plane.shape)
    lost = int(np.count_nonzero(plane[~read]))
    if lost:
        text = f"{file.path.name} holds probabilities on slices that nobody read ({counted(lost)}); they are left out. Look whether the list of read slices is complete."
        problems.append(Problem(text, structure=name, severity="warning"))
    return np.where(read, plane, np.float32(np.nan)), problems


def _hardened(plane: np.ndarray) -> Drawn | None:
    return drawn_in((plane >= HARD).astype(np.uint8), {"": (1,)}).get("")


def _same(one: Drawn, other: Drawn | None, grid: Grid) -> bool:
    first, second = np.zeros(grid.shape, bool), np.zeros(grid.shape, bool)
    first[one.box] = one.block
    if other is not None:
        second[other.box] = other.block
    return np.array_equal(first, second)


def drawn_own(soft: Mapping[str, SoftFile], grid: Grid | None) -> dict[str, Drawn]:
    """The soft labels hardened, on `grid` or, without one, on the first one's own: to see which structures share voxels."""
    result = {}
    for name, file in soft.items():
        plane, source = file.read()
        grid = grid or source
        part = _hardened(place_probability(plane, source, grid))
        result.update({name: part} if part is not None else {})
    return result
