"""What the networks say of one scan, on the scan's own grid, and its folder; the describing JSON comes last."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..run.failure import Failure
from ..run.files import read_json, write_json
from .geometry import Grid
from .label_files import place_of, read_array, write_image

FORMAT = 1
ONE = 65535
"""The stored value of probability, confidence or rank 1."""
_VOLUMES = {"label": np.uint8, "probability": np.uint16, "confidence": np.uint16, "rank": np.uint16}


@dataclass(frozen=True, eq=False)
class Prediction:
    """The prediction of one scan; all arrays (z, y, x), not to be changed after they were handed in.

    structures: the K names, in the order of the label values 1..K.
    label: uint8; the most probable structure where its probability is at least 0.5, else 0.
    probability: uint16, 65535 = 1; of the most probable structure.
    confidence: uint16, 65535 = 1; confidence in the predicted label, 0 where that is 0.
    rank: uint16; 0 where the voxel is no candidate, else its place by confidence (relabel/select.py, rank_volume).
    """

    structures: tuple[str, ...]
    label: np.ndarray
    probability: np.ndarray
    confidence: np.ndarray
    rank: np.ndarray

    def __post_init__(self) -> None:
        if not self.structures or len(set(self.structures)) != len(self.structures):
            raise ValueError(f"a prediction needs structures of different names, got {self.structures}")
        for name, kind in _VOLUMES.items():
            array = getattr(self, name)
            if array.dtype != kind or array.ndim != 3 or array.shape != self.label.shape:
                raise ValueError(
                    f"{name} must be {kind.__name__} (z, y, x) of one shape, got {array.dtype} {array.shape}"
                )
        if self.label.size and int(self.label.max()) > len(self.structures):
            raise ValueError(f"label value {int(self.label.max())} has no structure among {self.structures}")

    def value(self, structure: str) -> int:
        """The label value 1..K of a structure. KeyError where there is none of that name."""
        try:
            return self.structures.index(structure) + 1
        except ValueError:
            raise KeyError(structure) from None


def fixed_point(share: np.ndarray) -> np.ndarray:
    """Numbers in 0..1 as uint16, 65535 = 1, to the nearest. ValueError: outside 0..1 or not a number."""
    if share.size and not (float(share.min()) >= 0 and float(share.max()) <= 1):
        raise ValueError(f"must lie in 0..1, got {float(share.min())} to {float(share.max())}")
    return np.rint(share * np.float32(ONE)).astype(np.uint16)


def write_prediction(folder: Path, prediction: Prediction, grid: Grid) -> None:
    """Writes `label.nrrd`, `probability.nrrd`, `confidence.nrrd`, `rank.nrrd`, then `prediction.json`."""
    sums = {}
    for name in _VOLUMES:
        array = getattr(prediction, name)
        write_image(folder / f"{name}.nrrd", grid.image(array))
        sums[name] = _sum(array)
    head = {
        "format": FORMAT,
        "structures": list(prediction.structures),
        "one": ONE,
        "grid": grid.to_json(),
        "crc32": sums,
    }
    write_json(folder / "prediction.json", head)


def read_prediction(folder: Path, case: str = "") -> tuple[Prediction, Grid]:
    """The prediction of a folder and its grid. Failure: absent, damaged, truncated, or not as it was written."""
    structures, grid, arrays = read_volumes(folder, tuple(_VOLUMES), case)
    try:
        prediction = Prediction(structures, **arrays)
    except ValueError as error:
        raise _damaged(folder, case, error) from None
    return prediction, grid


def read_volumes(
    folder: Path, names: Sequence[str], case: str = ""
) -> tuple[tuple[str, ...], Grid, dict[str, np.ndarray]]:
    """The structures, the grid and some volumes (`label`, `probability`, `confidence`, `rank`) of a prediction. Failure as `read_prediction`."""
    try:
        head = read_json(folder / "prediction.json", "the description of the prediction")
    except Failure as failure:
        raise Failure(failure.wrong, way_out=_way_out(folder)) from None
    try:
        if head["format"] != FORMAT:
            raise Failure(f"a prediction of format {head['format']}, this version reads {FORMAT}.", case=case)
        grid = Grid.from_json(head["grid"])
        structures = tuple(head["structures"])
        if not all(isinstance(name, str) for name in structures):
            raise ValueError(f"structures must be names, got {structures}")
        arrays = {name: _volume(folder, name, head["crc32"], case) for name in names}
    except Failure:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise _damaged(folder, case, error) from None
    if any(array.shape != grid.shape for array in arrays.values()):
        raise Failure("its prediction does not fit its grid.", case=case or folder.name, way_out=_way_out(folder))
    return structures, grid, arrays


def _damaged(folder: Path, case: str, error: Exception) -> Failure:
    return Failure(f"its prediction is damaged ({error}).", case=case or folder.name, way_out=_way_out(folder))


def _volume(folder: Path, name: str, sums: Mapping[str, int], case: str) -> np.ndarray:
    array = read_array(folder / f"{name}.nrrd")
    if _sum(array) != sums[name]:
        raise Failure(
            f"the file of its predicted {name} is not what was written (its checksum differs).",
            case=case or folder.name,
            way_out=_way_out(folder),
        )
    return array


def _way_out(folder: Path) -> str:
    return f"Delete the folder {place_of(folder)} and run the same command again; the prediction is made anew."


def _sum(array: np.ndarray) -> int:
    return zlib.crc32(np.ascontiguousarray(array).data)
