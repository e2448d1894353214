"""`sizes.json`: how large each structure should be in each scan, and where, as regressed from the image, with intervals of stated coverage."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..run.failure import Failure
from ..run.files import read_json, write_json
from .conformal import Band, Interval

FORMAT = 1
COVERAGE = 0.9
"""What is asked of every interval; a Band says what it has."""
SLICE, WHOLE = 5, 7
"""Attributes of a slice: area [mm2], centroid (row, column) and extent (row, column) [mm]. Of a whole scan: volume [mm3], centroid and extent
(slice, row, column) [mm]. Centroids are relative to the middle of the scan; an extent is the side of the box that scatters as much."""
_SLICE_NAMES = ("area_mm2", "row_mm", "column_mm", "row_extent_mm", "column_extent_mm")


@dataclass(frozen=True)
class Bands:
    """The intervals of one structure; None where too few cases show it.

    whole: one per attribute of a whole scan. there, empty: one per attribute of a slice, where the predicted area is at least `there_mm2` and where it is
    less; of an empty slice only the area has one.
    """

    there_mm2: float
    whole: tuple[Band | None, ...]
    there: tuple[Band | None, ...] = (None,) * SLICE
    empty: tuple[Band | None, ...] = (None,) * SLICE

    def __post_init__(self) -> None:
        if (len(self.whole), len(self.there), len(self.empty)) != (WHOLE, SLICE, SLICE):
            raise ValueError("a structure has one band or none per attribute")


@dataclass(frozen=True, eq=False)
class CaseSizes:
    """What is predicted of one structure in one scan, by networks that did not learn from that scan.

    whole: float64 (7,). slices: float32 (S, 5) in the order of the prepared slices; None where whole volumes were regressed. drawn_ml: the
    volume that an expert drew, None where it is not known in the whole scan.
    """

    whole: np.ndarray
    slices: np.ndarray | None = None
    drawn_ml: float | None = None

    def __post_init__(self) -> None:
        if self.whole.shape != (WHOLE,) or (self.slices is not None and self.slices.shape[1:] != (SLICE,)):
            raise ValueError("the sizes of a case have another shape")
        if self.whole[0] < 0:
            raise ValueError(f"a volume must not be negative, got {self.whole[0]}")

    @property
    def volume_ml(self) -> float:
        return float(self.whole[0]) / 1000


@dataclass(frozen=True, eq=False)
class SizeTable:
    """All of it. bands by structure; cases by name, then by structure. spacing_mm and slice_axis of the prepared scans, in their order.

    exact: the values are the truth and not regressed (an experiment's oracle): every interval is a point.
    """

    spacing_mm: tuple[float, float, float]
    slice_axis: int
    bands: Mapping[str, Bands]
    cases: Mapping[str, Mapping[str, CaseSizes]]
    made_with: str = ""
    exact: bool = False
    learned_from: Mapping[str, int] = field(default_factory=dict)

    def volume_ml(self, case: str, structure: str) -> Interval | None:
        """The expected volume; None where nothing, or nothing honest, can be said."""
        found = self.cases.get(case, {}).get(structure)
        if found is None or not np.isfinite(found.whole[0]):
            return None
        low, high = self.whole(case, structure)
        if not np.isfinite([low[0], high[0]]).all():
            return None
        return Interval(found.volume_ml, float(low[0]) / 1000, float(high[0]) / 1000)

    def coverage(self, structure: str) -> float | None:
        """The coverage of the interval of a structure's volume; None where there is no interval."""
        own = self.bands.get(structure)
        return None if own is None or own.whole[0] is None else own.whole[0].coverage

    def whole(self, case: str, structure: str, margin: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
        """low and high, float64 (7,), nan where there is none. margin: 0, and the learned intervals; else +-margin of the prediction (Kervadec et al., Eq. 3).

        The margin of a centroid is one of the extent along its axis.
        """
        values = self.cases[case][structure].whole
        if self.exact:
            return values, values
        if margin > 0:
            return _margins(values, margin)
        return _around(values, self.bands[structure].whole)

    def slices(self, case: str, structure: str, margin: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
        """As `whole`, for every slice: (S, 5). An empty slice bounds the area alone."""
        values = self.cases[case][structure].slices
        assert values is not None, "whole volumes were regressed"
        values = values.astype(np.float64)
        own = self.bands.get(structure)
        there = values[:, :1] >= (own.there_mm2 if own is not None else 1e-6)
        if self.exact:
            low, high = values, values
        elif margin > 0:
            low, high = _margins(values, margin)
        else:
            assert own is not None, "a regressed structure has bands"
            found, nothing = _around(values, own.there), _around(values, own.empty)
            low, high = (np.where(there, *pair) for pair in zip(found, nothing))
        keep = there | (np.arange(SLICE) == 0)
        return np.where(keep, low, np.nan), np.where(keep, high, np.nan)


def _margins(values: np.ndarray, margin: float) -> tuple[np.ndarray, np.ndarray]:
    dimensions = (values.shape[-1] - 1) // 2
    size, extent = values[..., :1], values[..., 1 + dimensions :]
    reach = np.concatenate([size, extent, extent], axis=-1) * margin
    return values - reach, values + reach


def _around(values: np.ndarray, bands: tuple[Band | None, ...]) -> tuple[np.ndarray, np.ndarray]:
    low, high = np.full(values.shape, np.nan), np.full(values.shape, np.nan)
    for index, band in enumerate(bands):
        if band is not None:
            low[..., index], high[..., index] = band.around(values[..., index])
    return low, high


def write_sizes(path: Path, table: SizeTable) -> None:
    """Whole or not at all. Lists of slices are written as one text, so that a file of thirty scans stays small."""
    cases = {
        case: {name: _case_json(table, case, name) for name in structures} for case, structures in table.cases.items()
    }
    head = {"format": FORMAT, "made_with": table.made_with, "coverage": COVERAGE, "exact": table.exact}
    place = {"spacing_mm": list(table.spacing_mm), "slice_axis": table.slice_axis}
    bands = {name: dataclasses.asdict(item) for name, item in table.bands.items()}
    write_json(path, {**head, **place, "learned_from": dict(table.learned_from), "structures": bands, "cases": cases})


def _case_json(table: SizeTable, case: str, structure: str) -> dict[str, Any]:
    item, said = table.cases[case][structure], table.volume_ml(case, structure)
    low, high = table.whole(case, structure)
    rounded = {name: [float(f"{number:.5g}") for number in part] for name, part in (("low", low), ("high", high))}
    volume = {"predicted": item.volume_ml, "low": said and said.low, "high": said and said.high}
    found: dict[str, Any] = {"volume_ml": volume, "coverage": table.coverage(structure), "drawn_ml": item.drawn_ml}
    for name, part in (("centroid_mm", slice(1, 4)), ("extent_mm", slice(4, 7))):
        found[name] = {"predicted": item.whole[part].tolist(), **{key: row[part] for key, row in rounded.items()}}
    if item.slices is not None:
        found["slices"] = {name: _text(column) for name, column in zip(_SLICE_NAMES, item.slices.T)}
    return found


def _text(column: np.ndarray) -> str:
    return " ".join(f"{value:.4g}" for value in column.tolist())


def read_sizes(path: Path) -> SizeTable:
    """What `write_sizes` wrote. Failure: absent or damaged."""
    value = read_json(path, "the expected sizes")
    try:
        if value["format"] != FORMAT:
            raise ValueError("another format")
        spacing = [float(item) for item in value["spacing_mm"]]
        bands = {str(name): _bands(item) for name, item in value["structures"].items()}
        cases = {
            str(case): {str(name): _case(item) for name, item in row.items()} for case, row in value["cases"].items()
        }
        learned = {str(name): int(count) for name, count in value["learned_from"].items()}
        place = ((spacing[0], spacing[1], spacing[2]), int(value["slice_axis"]))
        exact = bool(value["exact"])
        if not exact and any(set(row) - set(bands) for row in cases.values()):
            raise ValueError("a structure has no bands")
        return SizeTable(*place, bands, cases, str(value["made_with"]), exact, learned)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
        raise Failure(f"{path.name} is damaged ({error}).", way_out="Delete it; it is made anew.") from None


def _bands(item: Mapping[str, Any]) -> Bands:
    def read(rows: Any) -> tuple[Band | None, ...]:
        return tuple(None if row is None else _band(row) for row in rows)

    return Bands(float(item["there_mm2"]), read(item["whole"]), read(item["there"]), read(item["empty"]))


def _band(row: Mapping[str, Any]) -> Band:
    floor = None if row["floor"] is None else float(row["floor"])
    return Band(float(row["coverage"]), int(row["cases"]), float(row["reach"]), floor)


def _case(item: Mapping[str, Any]) -> CaseSizes:
    whole = [item["volume_ml"]["predicted"]]
    whole = [None if whole[0] is None else whole[0] * 1000.0]
    for name in ("centroid_mm", "extent_mm"):
        whole += item[name]["predicted"]
    numbers = np.array([np.nan if number is None else float(number) for number in whole])
    slices = None
    if "slices" in item:
        columns = [np.array([float(word) for word in item["slices"][name].split()]) for name in _SLICE_NAMES]
        slices = np.stack(columns, 1).astype(np.float32)
    drawn = item["drawn_ml"]
    return CaseSizes(numbers, slices, None if drawn is None else float(drawn))
