"""Cases made ready for the network: resampled once to memory-mapped arrays, read window by window."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from ..config import Intensity, Plan, to_json
from ..data.case import Case
from ..data.geometry import Grid, resample_image, resample_labels
from ..data.labels import Labels
from ..run.failure import Failure
from ..run.files import read_json, replacing, write_json

POINTS_PER_STRUCTURE = 4000
_AGAIN = "Delete that folder and run the same command again; it is made anew."


def prepared_grid(grid: Grid, plan: Plan) -> Grid:
    """The grid of a case as the network sees it: axes nearest to left, posterior, superior; the plan's spacing. Before the slice axis is brought to the front."""
    return grid.canonical().with_spacing(_in_patient_order(plan))


def _in_patient_order(plan: Plan) -> tuple[float, float, float]:
    spacing = list(plan.spacing_mm[1:])
    spacing.insert(plan.slice_axis, plan.spacing_mm[0])
    return (spacing[0], spacing[1], spacing[2])


def to_network_order(array: np.ndarray, plan: Plan) -> np.ndarray:
    """(z, y, x) -> (slice, row, column)."""
    return np.moveaxis(array, plan.slice_axis, 0)


def from_network_order(array: np.ndarray, plan: Plan) -> np.ndarray:
    """(slice, row, column) -> (z, y, x)."""
    return np.moveaxis(array, 0, plan.slice_axis)


def normalised(array: np.ndarray, intensity: Intensity) -> np.ndarray:
    """float32 grey values: clipped to [low, high], centred, scaled. Voxels that are not numbers become the lowest."""
    clean = np.nan_to_num(array.astype(np.float32), nan=intensity.low, posinf=intensity.high, neginf=intensity.low)
    return (np.clip(clean, intensity.low, intensity.high) - np.float32(intensity.mean)) / np.float32(intensity.std)


def prepare_image(case: Case, plan: Plan, folder: Path) -> None:
    """Writes `image.npy`, float16 (slice, row, column), then `image.json`. Nothing is done where that is there already for this plan."""
    stamp = {"spacing_mm": list(plan.spacing_mm), "slice_axis": plan.slice_axis, "intensity": to_json(plan.intensity)}
    if (folder / "image.json").exists() and read_json(folder / "image.json", "a prepared image").get("made_with") == stamp:
        return
    resampled = resample_image(case.image(), prepared_grid(case.grid, plan), plan.intensity.low)
    array = normalised(sitk.GetArrayFromImage(resampled), plan.intensity).astype(np.float16)
    _save(folder / "image.npy", np.ascontiguousarray(to_network_order(array, plan)))
    write_json(folder / "image.json", {"made_with": stamp, "shape": list(to_network_order(array, plan).shape)})


def prepare_labels(labels: Labels, case: Case, plan: Plan, folder: Path) -> None:
    """Writes a case's labels of one round on the prepared grid: `labels.npy` (uint8), `planes.npy` where single voxels are known or overlap, `points.npz`, `labels.json`."""
    if (folder / "labels.json").exists():
        return
    grid = prepared_grid(case.grid, plan)

    def moved(array: np.ndarray) -> np.ndarray:
        image = resample_labels(case.grid.image(array), grid)
        return np.ascontiguousarray(to_network_order(sitk.GetArrayFromImage(image), plan))

    label_map = moved(labels.label_map)
    _save(folder / "labels.npy", label_map)
    planes = {}
    for value, name in enumerate(labels.structures, 1):
        for word, mask in _planes_of(labels, name).items():
            planes[f"{word}-{value}"] = np.packbits(moved(mask.astype(np.uint8)).astype(bool), axis=-1)
    if planes:
        _save(folder / "planes.npy", np.stack(list(planes.values())))
    _save_points(folder, label_map, labels)
    write_json(folder / "labels.json", {"known": list(labels.known), "planes": list(planes)})


def _planes_of(labels: Labels, name: str) -> dict[str, np.ndarray]:
    """What the label map and the known flags do not say of a structure: further positives, and voxels known one by one."""
    planes = {}
    if name in labels.overlaps:
        planes["positive"] = labels.overlaps[name].mask(labels.label_map.shape)
    if not labels.is_known(name) and (name in labels.slices or name in labels.negatives):
        planes["certain"] = labels.certain(name)
    return planes


def _save_points(folder: Path, label_map: np.ndarray, labels: Labels) -> None:
    """For each structure up to POINTS_PER_STRUCTURE of its voxels, as flat indices, evenly drawn: where windows can be centred."""
    points = {}
    for value in range(1, len(labels.structures) + 1):
        found = np.flatnonzero(label_map == value)
        if found.size > POINTS_PER_STRUCTURE:
            found = found[np.linspace(0, found.size - 1, POINTS_PER_STRUCTURE).astype(np.int64)]
        if found.size:
            points[str(value)] = found.astype(np.int64)
    with replacing(folder / "points.npz") as beside, open(beside, "wb") as handle:
        np.savez(handle, **points)  # type: ignore[arg-type]


def _save(path: Path, array: np.ndarray) -> None:
    with replacing(path) as beside, open(beside, "wb") as handle:
        np.lib.format.write_array(handle, array, allow_pickle=False)


@dataclass(frozen=True, eq=False)
class PreparedCase:
    """A prepared case, its arrays memory-mapped: image float16, label_map uint8, both (slice, row, column).

    planes: per 'certain-<value>' or 'positive-<value>' a bit-packed mask. points: per structure value, flat indices of its voxels.
    """

    name: str
    image: np.ndarray
    label_map: np.ndarray
    known: np.ndarray
    planes: dict[str, np.ndarray]
    points: dict[int, np.ndarray]

    @property
    def shape(self) -> tuple[int, int, int]:
        return (self.image.shape[0], self.image.shape[1], self.image.shape[2])

    def can_teach(self) -> bool:
        """Whether any voxel of it is certain for any structure."""
        return bool(self.known.any() or self.points or self.planes)


def open_prepared(name: str, image_folder: Path, labels_folder: Path) -> PreparedCase:
    """Opens what prepare_image and prepare_labels wrote. Failure: absent, damaged or of another shape."""
    head: dict[str, Any] = read_json(labels_folder / "labels.json", "the prepared labels")
    try:
        image = np.load(image_folder / "image.npy", mmap_mode="r", allow_pickle=False)
        label_map = np.load(labels_folder / "labels.npy", mmap_mode="r", allow_pickle=False)
        names = list(head["planes"])
        stack = np.load(labels_folder / "planes.npy", mmap_mode="r", allow_pickle=False) if names else ()
        with np.load(labels_folder / "points.npz", allow_pickle=False) as stored:
            points = {int(key): stored[key] for key in stored.files}
        if image.shape != label_map.shape or image.dtype != np.float16 or label_map.dtype != np.uint8:
            raise ValueError("image and labels do not fit each other")
        known = np.array(head["known"], bool)
    except (OSError, ValueError, KeyError, EOFError, zlib.error) as error:
        raise Failure(f"its prepared files are damaged ({error}).", case=name, way_out=_AGAIN) from None
    return PreparedCase(name, image, label_map, known, dict(zip(names, stack)), points)
