"""A case: a scan with its partial labels, first as something to be read, then as a folder of the run."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from ..run.failure import Failure
from ..run.files import read_json, write_json
from .geometry import Grid
from .label_files import place_of, read_image_file, read_labels, write_image, write_labels
from .labels import Labels
from .types import Problem, State, Structure

SPLITS = ("", "train", "validation", "test")
IMPORT_AGAIN = "Give the same command with the data set: what is missing is imported again."


@dataclass(frozen=True)
class CaseSource:
    """One case as an importer found it; files are read only when asked.

    states: what the source says of each structure before its voxels are read (an importer of a format that says nothing leaves it empty).
    read_image() -> the scan. read_labels(grid) -> Labels on the scan's grid. Both raise Failure.
    inspect(grid): the same labels (None where a problem is an error) with every problem found in them; never raises Failure.
    split: '' (unsaid), 'train', 'validation' or 'test'.
    """

    case: str
    read_image: Callable[[], sitk.Image]
    read_labels: Callable[[Grid], Labels]
    states: Mapping[str, State] = field(default_factory=dict)
    split: str = ""
    inspect: Callable[[Grid], tuple[Labels | None, tuple[Problem, ...]]] | None = None

    def __post_init__(self) -> None:
        if self.split not in SPLITS:
            raise ValueError(f"split must be one of {SPLITS}, got {self.split!r}")

    def labels_and_problems(self, grid: Grid) -> tuple[Labels | None, tuple[Problem, ...]]:
        """The labels, or None, with every problem found in them; never raises Failure."""
        if self.inspect is not None:
            return self.inspect(grid)
        try:
            return self.read_labels(grid), ()
        except Failure as failure:
            return None, (Problem.of(failure, self.case),)


@dataclass(frozen=True)
class Cohort:
    """What an importer found: the structures in order, the cases, and every problem seen so far."""

    format: str
    structures: tuple[Structure, ...]
    sources: tuple[CaseSource, ...]
    problems: tuple[Problem, ...] = ()
    overlapping: frozenset[frozenset[str]] = frozenset()


@dataclass(frozen=True, eq=False)
class Case:
    """A case of a run, in its folder `cases/<id>/`: `case.json`, `image.nrrd`, and the expert's labels."""

    folder: Path
    name: str
    split: str
    grid: Grid
    crc32: int

    def image(self) -> sitk.Image:
        """The scan as it was imported. Failure: absent, damaged, or another one."""
        image = read_image_file(self.folder / "image.nrrd")
        try:
            same = Grid.from_image(image).same_as(self.grid) and _sum(image) == self.crc32
        except ValueError:
            same = False
        if not same:
            way_out = f"Delete the folder {place_of(self.folder)}. {IMPORT_AGAIN}"
            raise Failure("its image is not the one that was imported.", case=self.name, way_out=way_out)
        return image

    def is_of(self, image: sitk.Image) -> bool:
        """Whether the case was imported from this very image."""
        return Grid.from_image(image) == self.grid and _sum(plain_scalar(image)) == self.crc32

    def labels(self) -> Labels:
        return read_labels(self.folder, self.name)[0]


def write_case(folder: Path, source: CaseSource, name: str) -> Case:
    """Imports one source into `folder`; `case.json` comes last, so a folder that has it is whole."""
    (folder / "case.json").unlink(missing_ok=True)
    image = source.read_image()
    grid = Grid.from_image(image)
    labels = source.read_labels(grid)
    write_labels(folder, labels, grid)
    plain = plain_scalar(image)
    write_image(folder / "image.nrrd", plain)
    case = Case(folder, name, source.split, grid, _sum(plain))
    head = {"format": 1, "name": name, "split": source.split, "grid": grid.to_json(), "crc32": case.crc32}
    write_json(folder / "case.json", head)
    return case


def _sum(image: sitk.Image) -> int:
    return zlib.crc32(np.ascontiguousarray(sitk.GetArrayViewFromImage(image)).data)


def plain_scalar(image: sitk.Image) -> sitk.Image:
    """The image without metadata (which may hold a patient's name), as int16 where that is exact, else float32."""
    array = sitk.GetArrayFromImage(image)
    if array.dtype.kind in "iu" and np.iinfo(np.int16).min <= array.min() and array.max() <= np.iinfo(np.int16).max:
        return Grid.from_image(image).image(array.astype(np.int16))
    return Grid.from_image(image).image(array.astype(np.float32))


def read_case(folder: Path) -> Case:
    """A case of a run. Failure: absent or damaged."""
    if not (folder / "case.json").exists():
        raise Failure("it is missing from the run.", case=folder.name, way_out=IMPORT_AGAIN)
    head: dict[str, Any] = read_json(folder / "case.json", "the description of the case")
    try:
        return Case(folder, str(head["name"]), str(head["split"]), Grid.from_json(head["grid"]), int(head["crc32"]))
    except (KeyError, TypeError, ValueError) as error:
        raise Failure(
            f"its description (case.json) is damaged ({error}).",
            case=folder.name,
            way_out=f"Delete the folder {place_of(folder)}. {IMPORT_AGAIN}",
        ) from None


def safe_name(text: str) -> str:
    """A folder name made of `text`: letters, digits, '.', '_', '-', at most 80, never hidden and never empty."""
    kept = "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in text)[:80]
    return kept.strip(".") or "case"
