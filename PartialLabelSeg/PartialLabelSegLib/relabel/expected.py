"""How large a structure is, and in how many pieces, in the scans in which it is drawn: what a suggestion is held against."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..data.geometry import Grid
from ..data.labels import Labels
from ..run.failure import Failure
from ..run.files import read_json, write_json
from .components import bounding_box, boxes
from .runs import Padded, runs_of

FORMAT = 1
FEWEST_SCANS = 3
"""With fewer drawn scans nothing is said about what is usual."""
SUBSTANTIAL = 0.05
"""A piece counts from this share of the largest piece on; smaller ones are crumbs."""
LEAST_FACTOR = 1.5
"""Nobody's organ is called unusual within this factor of the middle half of the others."""


@dataclass(frozen=True)
class Measured:
    """One structure in one scan in which it is drawn completely. pieces: substantial connected parts."""

    ml: float
    pieces: int
    touches_border: bool


@dataclass(frozen=True)
class Expected:
    """One structure over the scans in which it is drawn completely.

    median_ml and the quartiles q1_ml, q3_ml of its volume. low_ml, high_ml: far outside lies what is smaller or larger: beyond 1.5 times
    the distance of the quartiles (of the logarithm of the volume), and at least 1.5 times beyond them; None with fewer than 3 scans.
    most_pieces: in any of the scans. border_share: of the scans, in which it reaches the border.
    """

    scans: int
    median_ml: float
    q1_ml: float
    q3_ml: float
    low_ml: float | None
    high_ml: float | None
    most_pieces: int
    border_share: float


def measured(labels: Labels, grid: Grid) -> dict[str, Measured]:
    """Every structure that is known in the whole scan and there at all."""
    found = {}
    for value, (name, box) in enumerate(zip(labels.structures, boxes(labels.label_map, len(labels.structures))), 1):
        mask = labels.label_map[box] == value if box is not None else np.zeros((0, 0, 0), bool)
        if name in labels.overlaps:
            whole = labels.positive(name)
            box = bounding_box(whole)
            mask = whole[box] if box is not None else mask
        if box is None or not labels.is_known(name):
            continue
        padded = Padded((mask.shape[0], mask.shape[1], mask.shape[2]))
        runs = runs_of(padded, padded.places(mask))
        count, numbers = runs.parts()
        sizes = np.bincount(numbers, runs.voxels, count).astype(np.int64).tolist()
        border = any(span.start == 0 or span.stop == size for span, size in zip(box, grid.shape, strict=True))
        found[name] = Measured(sum(sizes) * grid.voxel_ml, substantial(sizes), border)
    return found


def substantial(sizes: Iterable[float]) -> int:
    """How many of the pieces of these sizes count."""
    every = list(sizes)
    least = SUBSTANTIAL * max(every, default=0)
    return sum(size >= least for size in every)


def expected(scans: Iterable[Mapping[str, Measured]]) -> dict[str, Expected]:
    """What is usual of each structure that is drawn in any of the scans."""
    rows: dict[str, list[Measured]] = {}
    for scan in scans:
        for name, item in scan.items():
            rows.setdefault(name, []).append(item)
    return {name: _expected(items) for name, items in rows.items()}


def _expected(items: list[Measured]) -> Expected:
    first, middle, third = (float(ml) for ml in np.percentile([item.ml for item in items], (25, 50, 75)))
    low = high = None
    if len(items) >= FEWEST_SCANS:
        factor = max(LEAST_FACTOR, (third / first) ** 1.5)
        low, high = first / factor, third * factor
    border = sum(item.touches_border for item in items) / len(items)
    return Expected(len(items), middle, first, third, low, high, max(item.pieces for item in items), border)


def write_expected(path: Path, found: Mapping[str, Expected]) -> None:
    write_json(path, {"format": FORMAT, "structures": {name: dataclasses.asdict(item) for name, item in found.items()}})


def read_expected(path: Path) -> dict[str, Expected]:
    """What is usual in a run; nothing where it was not written. Failure: damaged."""
    if not path.exists():
        return {}
    value = read_json(path, "what is usual of the structures")
    try:
        if value["format"] != FORMAT:
            raise ValueError("another format")
        return {str(name): _from_json(item) for name, item in value["structures"].items()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Failure(f"{path.name} is damaged ({error}).", way_out="Delete it; it is made anew.") from None


def _from_json(item: Mapping[str, float | None]) -> Expected:
    def number(name: str) -> float:
        value = item[name]
        if value is None:
            raise ValueError(f"{name} is missing")
        return float(value)

    low, high = (None if item[name] is None else number(name) for name in ("low_ml", "high_ml"))
    volumes = number("median_ml"), number("q1_ml"), number("q3_ml")
    return Expected(int(number("scans")), *volumes, low, high, int(number("most_pieces")), number("border_share"))
