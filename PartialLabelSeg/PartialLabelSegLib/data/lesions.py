"""The lesions of a scan as files: what is known of each instance, the surest first, and a volume in which each has its number."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..run.failure import Failure
from ..run.files import read_json, write_json
from .geometry import Grid
from .label_files import write_image

FORMAT = 1
LIST, VOLUME = ".instances.json", ".instances.nrrd"
ORIGINS = ("expert", "suggested", "expert+suggested")
MEANINGS = {
    "score": "0 to 1: mean probability of a connected component, or what an instance network says; what an expert drew has 1, or its soft label",
    "origin": "who says so: expert, suggested, or both in parts",
    "centre_mm": "mean of the voxels' centres, right, anterior, superior (RAS)",
    "box": "first voxel and the one behind the last, (z, y, x)",
}

Box = tuple[tuple[int, int, int], tuple[int, int, int]]


@dataclass(frozen=True)
class Lesion:
    """One instance of a structure. MEANINGS says what its values are.

    number: from 1, by falling score; the value of its voxels in the volume.
    """

    number: int
    structure: str
    score: float
    origin: str
    voxels: int
    volume_ml: float
    centre_mm: tuple[float, float, float]
    box: Box

    def __post_init__(self) -> None:
        if self.number < 1 or self.voxels < 1 or not self.structure or self.origin not in ORIGINS:
            raise ValueError(f"a lesion needs a number, voxels, a structure and an origin, got {self}")
        if not 0 <= self.score <= 1 or not all(map(math.isfinite, (self.volume_ml, *self.centre_mm))):
            raise ValueError(f"a lesion needs a score in 0..1 and finite measures, got {self}")


@dataclass(frozen=True, eq=False)
class Found:
    """An instance of a structure before it has its number: sorted flat indices (int64, C order) of its voxels, and its score, 0 to 1."""

    structure: str
    indices: np.ndarray
    score: float


def lesion_of(number: int, found: Found, origin: str, grid: Grid) -> Lesion:
    """What is listed of an instance on the scan's grid."""
    centre, box = lesion_at(found.indices, grid)
    count = int(found.indices.size)
    score = round(found.score, 6)
    return Lesion(number, found.structure, score, origin, count, count * grid.voxel_ml, centre, box)


def lesion_at(indices: np.ndarray, grid: Grid) -> tuple[tuple[float, float, float], Box]:
    """The centre (RAS, mm) and the box of the voxels of flat `indices` (int64, C order) of a grid."""
    places = np.stack(np.unravel_index(indices, grid.shape))
    mean = places.mean(axis=1)[::-1] * np.array(grid.spacing)
    left, posterior, superior = np.array(grid.origin) + np.reshape(grid.direction, (3, 3)) @ mean
    first, last = places.min(axis=1).tolist(), (places.max(axis=1) + 1).tolist()
    centre = (round(float(-left), 3) + 0.0, round(float(-posterior), 3) + 0.0, round(float(superior), 3) + 0.0)
    return centre, ((first[0], first[1], first[2]), (last[0], last[1], last[2]))


def parts_of(numbers: np.ndarray) -> dict[int, np.ndarray]:
    """Sorted flat indices (int64) of the voxels of each number above 0 in an array of whole numbers; by rising number."""
    flat = numbers.reshape(-1)
    voxels = np.flatnonzero(flat > 0)
    values = flat[voxels]
    order = np.argsort(values, kind="stable")
    found, starts = np.unique(values[order], return_index=True)
    parts = np.split(voxels[order].astype(np.int64, copy=False), starts[1:])
    return {int(number): part for number, part in zip(found, parts)}


def numbered(parts: Sequence[np.ndarray], shape: tuple[int, int, int]) -> np.ndarray:
    """uint16 of `shape`, uint32 for more than 65535 parts: 1 for the voxels of the first part, and so on; where two meet, the first one."""
    result = np.zeros(shape, np.uint16 if len(parts) <= np.iinfo(np.uint16).max else np.uint32)
    for number in range(len(parts), 0, -1):
        result.reshape(-1)[parts[number - 1]] = number
    return result


def write_lesions(path: Path, lesions: Sequence[Lesion]) -> None:
    """Writes a list of lesions, which names no case, no person and no place on a disk."""
    found = [dataclasses.asdict(lesion) for lesion in lesions]
    write_json(path, {"format": FORMAT, "meanings": MEANINGS, "instances": found})


def write_volume(path: Path, parts: Sequence[np.ndarray], grid: Grid) -> None:
    """Writes the volume of the lesions' flat indices, in the order of their numbers."""
    write_image(path, grid.image(numbered(parts, grid.shape)))


def read_lesions(path: Path) -> tuple[Lesion, ...]:
    """The lesions of a list. Failure: absent, damaged, or of another format."""
    return surest_lesions(path).lesions


@dataclass(frozen=True)
class Listed:
    """A part of a list. count: how many lesions were asked for; structures: those of all lesions, the surest's first."""

    lesions: tuple[Lesion, ...]
    count: int
    structures: tuple[str, ...]


def surest_lesions(path: Path, most: int | None = None, structure: str = "") -> Listed:
    """The first `most` lesions of a list (None: all), of one structure only ('': of every one); the others are not looked at. Failure as above."""
    content = read_json(path, "the list of lesions")
    try:
        if content["format"] != FORMAT:
            raise Failure(
                f"{path.name} is a list of lesions of format {content['format']}; this version reads {FORMAT}."
            )
        every = content["instances"]
        asked = [item for item in every if item["structure"] == structure] if structure else every
        structures = tuple(dict.fromkeys(str(item["structure"]) for item in every))
        return Listed(tuple(_lesion(item) for item in asked[:most]), len(asked), structures)
    except Failure:
        raise
    except (KeyError, TypeError, ValueError) as error:
        raise Failure(
            f"{path.name} is damaged ({error}).", way_out="Delete it, and run the same command again."
        ) from None


def _lesion(item: Any) -> Lesion:
    (z0, y0, x0), (z1, y1, x1) = item["box"]
    right, anterior, superior = item["centre_mm"]
    return Lesion(
        number=int(item["number"]),
        structure=str(item["structure"]),
        score=float(item["score"]),
        origin=str(item["origin"]),
        voxels=int(item["voxels"]),
        volume_ml=float(item["volume_ml"]),
        centre_mm=(float(right), float(anterior), float(superior)),
        box=((int(z0), int(y0), int(x0)), (int(z1), int(y1), int(x1))),
    )
