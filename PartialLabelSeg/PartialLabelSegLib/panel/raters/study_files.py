"""The scene's ratings as a study on disk, which the command `softlabels` reads: images, bones, grids, masks, and the table of them all."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...data.case import safe_name
from ...data.geometry import Grid
from ...data.importers.cells import AXIS_LETTERS
from ...data.raters.study import COLUMNS, NAME
from ...data.raters.template import write_template
from ...run.files import replacing, write_json
from ..geometry import grid_of
from ..steps import Steps, scaled
from ..stream import write_volume
from ..volumes import array_of
from .kept import FILE
from .rating import Drawing, Rater, Rating, Study
from .score_file import has_scores, ranges, score_rows

MaskOf = Callable[[Any, Drawing], "Steps[np.ndarray | None]"]


@dataclass(frozen=True, eq=False)
class _Place:
    """Where the files of a rating go, and the scan that they belong to."""

    folder: Path
    stem: str
    volume: Any
    grid: Grid


def why_not(study: Study, scene: Any) -> str:
    """Why no study can be written; '' where one can."""
    ready = [rating for rating in study.ratings if is_ready(rating)]
    if not ready:
        return "Nobody has read anything yet."
    for rating in ready:
        if has_scores(rating) and rating.bone is None:
            return f"{rating.name}: the grid needs a bone. Choose the bone first."
        if scene.GetNodeByID(rating.volume) is None:
            return f"{rating.name}: its scan is not in the scene any more. Load it again."
    return ""


def is_ready(rating: Rating) -> bool:
    """Whether anybody has read it."""
    return any(rater.read is None or rater.read for rater in rating.raters)


def write_study(folder: Path, study: Study, scene: Any, mask_of: MaskOf) -> Steps[Path]:
    """Writes everything in steps; the path of the table. Failure: a scan or a drawing cannot be written."""
    ready = [rating for rating in study.ratings if is_ready(rating)]
    stems = _stems(ready)
    rows, written = [], set[str]()
    for number, rating in enumerate(ready):
        volume = scene.GetNodeByID(rating.volume)
        place = _Place(folder, stems[rating.volume], volume, grid_of(volume))
        share = (number / len(ready), (number + 1) / len(ready))
        image = f"{place.stem}.nrrd"
        if image not in written:
            written.add(image)
            half = (share[0] + share[1]) / 2
            yield from scaled(write_volume(folder / image, array_of(volume), place.grid), share[0], half)
            share = (half, share[1])
        row = yield from scaled(_row(place, number, rating, mask_of), *share)
        rows.append({"case": rating.name, "structure": rating.structure, "image": image, **row})
    write_json(folder / FILE, score_rows(Study(tuple(ready))))
    with replacing(folder / NAME) as beside, open(beside, "w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    return folder / NAME


def _stems(ratings: list[Rating]) -> dict[str, str]:
    """A file name for each volume, unlike the others."""
    stems: dict[str, str] = {}
    for rating in ratings:
        if rating.volume not in stems:
            stems[rating.volume] = f"{len(stems) + 1}-{safe_name(rating.name)}"
    return stems


def _row(place: _Place, number: int, rating: Rating, mask_of: MaskOf) -> Steps[dict[str, str]]:
    """The cells that name what lies beside the image."""
    cells: dict[str, str] = {}
    if rating.bone is not None:
        cells["bone"] = yield from _mask(place, f"{number + 1}-bone", rating.bone, mask_of)
    if rating.template is not None and has_scores(rating):
        cells["grid"], cells["scores"] = f"{place.stem}-{number + 1}-grid.json", FILE
        write_template(place.folder / cells["grid"], rating.template, place.grid)
    masks: list[str] = []
    read: list[str] = []
    for rater in rating.raters:
        if rater.mask is not None:
            name = f"{number + 1}-{len(masks) + 1}-{safe_name(rater.name)}"
            masks.append(f"{rater.name}={(yield from _mask(place, name, rater.mask, mask_of))}")
            read += _read(rater, rating)
    cells["masks"], cells["read"] = ";".join(masks), "; ".join(read)
    if not masks and "grid" not in cells:
        cells.pop("bone", None)
    return cells


def _mask(place: _Place, name: str, drawing: Drawing, mask_of: MaskOf) -> Steps[str]:
    mask = yield from mask_of(place.volume, drawing)
    file = f"{place.stem}-{name}.nrrd"
    whole = np.zeros(place.grid.shape, bool) if mask is None else mask
    yield from write_volume(place.folder / file, whole, place.grid)
    return file


def _read(rater: Rater, rating: Rating) -> list[str]:
    axis = rating.template.axis if rating.template is not None else 0
    return [] if rater.read is None else [f"{rater.name}@{AXIS_LETTERS[axis]}: {ranges(rater.read)}"]
