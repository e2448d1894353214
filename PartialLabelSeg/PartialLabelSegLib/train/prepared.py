"""Cases made ready for the network: resampled once to memory-mapped arrays, read window by window."""

from __future__ import annotations

import mmap
import zipfile
import zlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from ..config import Plan, to_json
from ..data.case import Case
from ..data.geometry import Grid, resample_image, resample_labels
from ..data.grey import normalised, on_own_scale, scale_of
from ..data.labels import HARD, Labels
from ..run.failure import Failure
from ..run.files import inside, read_json, replacing, write_json
from .soft import moved_soft, spread_by, without_unsure

POINTS_PER_STRUCTURE = 4000
_AGAIN = "Delete the folder 'prepared' of the run and give the same command again; it is made anew."


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


def prepare_image(case: Case, plan: Plan, folder: Path) -> None:
    """Writes `image.npy`, float16 (slice, row, column), then `image.json`. Nothing is done where that is there already for this plan."""
    grey = {"intensity": to_json(plan.intensity), "own_scale": plan.own_scale}
    stamp = {**_stamp(case, plan), **grey, "scan": case.crc32}
    if _is_made(folder / "image.json", stamp):
        return
    (folder / "image.json").unlink(missing_ok=True)
    image = case.image()
    array = sitk.GetArrayFromImage(resample_image(image, prepared_grid(case.grid, plan)))
    if plan.own_scale:
        array = on_own_scale(array, scale_of(sitk.GetArrayViewFromImage(image)))
    array = normalised(array, plan.intensity).astype(np.float16)
    _save(folder / "image.npy", np.ascontiguousarray(to_network_order(array, plan)))
    write_json(folder / "image.json", {"made_with": stamp, "crc32": {"image.npy": _sum(folder / "image.npy")}})


def labels_are_prepared(case: Case, plan: Plan, folder: Path, source: str = "") -> bool:
    """Whether `prepare_labels` finished in `folder` for this plan and for labels of that `source`."""
    return _is_made(folder / "labels.json", {**_stamp(case, plan), "source": source})


def prepare_labels(labels: Labels, case: Case, plan: Plan, folder: Path, source: str = "") -> None:
    """Writes a case's labels of one round on the prepared grid: `labels.npy` (uint8), `planes.npy` where single voxels are known or overlap, `soft.npy`, `points.npz`, `labels.json`.

    Soft labels are moved like images; of the label map their voxels keep only what is certain (`without_unsure`).
    source: any text that changes when the labels do. Nothing is done where the files are there already for this plan and source.
    """
    if labels_are_prepared(case, plan, folder, source):
        return
    (folder / "labels.json").unlink(missing_ok=True)
    grid = prepared_grid(case.grid, plan)

    def moved(array: np.ndarray) -> np.ndarray:
        image = resample_labels(case.grid.image(array), grid)
        return np.ascontiguousarray(to_network_order(sitk.GetArrayFromImage(image), plan))

    labels = without_unsure(labels)
    label_map = moved(labels.label_map)
    planes, points, soft = {}, {}, {}
    for value, name in enumerate(labels.structures, 1):
        drawn = label_map == value
        for word, mask in _planes_of(labels, name).items():
            plane = moved(mask.astype(np.uint8)).astype(bool)
            planes[f"{word}-{value}"] = np.packbits(plane, axis=-1)
            drawn |= plane & (word == "positive")
        if name in labels.soft:
            plane = to_network_order(moved_soft(labels.soft[name], case.grid, grid), plan)
            soft[value] = np.ascontiguousarray(plane.astype(np.float16))
            likely = np.where(np.isnan(soft[value]), drawn, soft[value])
            if likely.any():
                points[str(value)] = spread_by(likely, POINTS_PER_STRUCTURE)
        elif drawn.any():
            points[str(value)] = _spread(np.flatnonzero(drawn))
    _save(folder / "labels.npy", label_map)
    if planes:
        _save(folder / "planes.npy", np.stack(list(planes.values())))
    if soft:
        _save(folder / "soft.npy", np.stack(list(soft.values())))
    with replacing(folder / "points.npz") as beside, open(beside, "wb") as handle:
        np.savez(handle, **points)  # type: ignore[arg-type]
    names = ["labels.npy", "points.npz", *["planes.npy"] * bool(planes), *["soft.npy"] * bool(soft)]
    sums = {name: _sum(folder / name) for name in names}
    imperfect = [name in labels.imperfect for name in labels.structures]
    head = {"known": list(labels.known), "planes": list(planes), "soft": list(soft), "imperfect": imperfect}
    head["crc32"] = sums
    write_json(folder / "labels.json", {"made_with": {**_stamp(case, plan), "source": source}, **head})


def _stamp(case: Case, plan: Plan) -> dict[str, Any]:
    """What the prepared grid depends on."""
    return {"spacing_mm": list(plan.spacing_mm), "slice_axis": plan.slice_axis, "grid": case.grid.to_json()}


def _is_made(path: Path, stamp: dict[str, Any]) -> bool:
    if not path.exists():
        return False
    head = read_json(path, "the description of prepared files")
    return isinstance(head, dict) and head.get("made_with") == stamp


def _planes_of(labels: Labels, name: str) -> dict[str, np.ndarray]:
    """What the label map and the known flags do not say of a structure: further positives, and voxels known one by one."""
    planes = {}
    if name in labels.overlaps:
        planes["positive"] = labels.overlaps[name].mask(labels.label_map.shape)
    if not labels.is_known(name) and (name in labels.slices or name in labels.negatives):
        planes["certain"] = labels.certain(name)
    return planes


def _spread(found: np.ndarray) -> np.ndarray:
    """At most POINTS_PER_STRUCTURE of the sorted indices (int64), evenly spread: where windows can be centred."""
    if found.size > POINTS_PER_STRUCTURE:
        found = found[np.linspace(0, found.size - 1, POINTS_PER_STRUCTURE).astype(np.int64)]
    return found.astype(np.int64, copy=False)


def _save(path: Path, array: np.ndarray) -> None:
    with replacing(path) as beside, open(beside, "wb") as handle:
        np.lib.format.write_array(handle, array, allow_pickle=False)


def _sum(path: Path) -> int:
    """The checksum of a file, read in pieces so that a large one never lies in memory."""
    total = 0
    with open(path, "rb") as handle:
        while piece := handle.read(1 << 20):
            total = zlib.crc32(piece, total)
    return total


@dataclass(frozen=True, eq=False)
class PreparedCase:
    """A prepared case, its arrays memory-mapped: image float16, label_map uint8, both (slice, row, column).

    known: bool (K,). planes: per 'certain-<value>' or 'positive-<value>' a mask, bit-packed along the columns.
    points: per structure value, flat indices (int64) of its voxels. soft: per structure value with a soft label its probabilities,
    float16 (slice, row, column), nan where nobody read. imperfect: bool (K,), whose labels are doubtful.
    """

    name: str
    image: np.ndarray
    label_map: np.ndarray
    known: np.ndarray
    planes: dict[str, np.ndarray]
    points: dict[int, np.ndarray]
    soft: dict[int, np.ndarray] = field(default_factory=dict)
    imperfect: np.ndarray | None = None

    def is_imperfect(self, value: int) -> bool:
        """Whether the label of a structure is doubtful."""
        return self.imperfect is not None and bool(self.imperfect[value - 1])

    def has_imperfect(self) -> bool:
        return self.imperfect is not None and bool(self.imperfect.any())

    @property
    def shape(self) -> tuple[int, int, int]:
        return (self.image.shape[0], self.image.shape[1], self.image.shape[2])

    def positive(self, value: int) -> np.ndarray:
        """bool (slice, row, column): the voxels of a structure, those that it shares with others too; a soft label hardened at 0.5."""
        mask: np.ndarray = np.asarray(self.label_map) == value
        if f"positive-{value}" in self.planes:
            mask |= np.unpackbits(self.planes[f"positive-{value}"], axis=-1, count=self.shape[2]).astype(bool)
        if value in self.soft:
            mask = np.where(np.isnan(self.soft[value]), mask, self.soft[value] >= HARD)
        return mask

    def looked_at(self, value: int) -> np.ndarray | None:
        """bool (slice, row, column): where it can be judged whether a prediction of the structure is right; None: nowhere, or not enough.

        Everywhere where the structure is known, and on what was read where its label is soft.
        """
        if self.known[value - 1]:
            return np.ones(self.shape, bool)
        return ~np.isnan(self.soft[value]) if value in self.soft else None

    def give_back_pages(self) -> None:
        """Takes what was read of the files out of this process; it stays in the system's file cache, and reading it again is cheap.

        Without that a long training would hold the whole cohort resident.
        """
        for array in (self.image, self.label_map, *self.planes.values(), *self.soft.values()):
            mapped = getattr(array, "_mmap", None)
            if isinstance(mapped, mmap.mmap) and hasattr(mapped, "madvise"):
                mapped.madvise(mmap.MADV_DONTNEED)

    def can_teach(self) -> bool:
        """Whether any voxel of it is certain for any structure."""
        return bool(self.known.any() or self.points or self.planes)

    def trusted_part(self) -> PreparedCase:
        """The same case as a source of windows that are trusted: without the points of imperfect structures."""
        if self.imperfect is None or not self.imperfect.any():
            return self
        planes = {name: plane for name, plane in self.planes.items() if not self.is_imperfect(int(name.split("-")[1]))}
        points = {value: found for value, found in self.points.items() if not self.is_imperfect(value)}
        return replace(self, known=self.known & ~self.imperfect, planes=planes, points=points)


def open_prepared(name: str, image_folder: Path, labels_folder: Path) -> PreparedCase:
    """Opens what prepare_image and prepare_labels wrote. Failure: absent, damaged, or not fitting each other."""
    image_head = read_json(image_folder / "image.json", "the description of the prepared scan")
    head = read_json(labels_folder / "labels.json", "the description of the prepared labels")
    try:
        _check_sums(image_folder, image_head["crc32"])
        _check_sums(labels_folder, head["crc32"])
        image = np.load(image_folder / "image.npy", mmap_mode="r", allow_pickle=False)
        label_map = np.load(labels_folder / "labels.npy", mmap_mode="r", allow_pickle=False)
        names = [str(item) for item in head["planes"]]
        stack = np.load(labels_folder / "planes.npy", mmap_mode="r", allow_pickle=False) if names else ()
        values = [int(item) for item in head.get("soft", [])]
        soft = np.load(labels_folder / "soft.npy", mmap_mode="r", allow_pickle=False) if values else ()
        with np.load(labels_folder / "points.npz", allow_pickle=False) as stored:
            points = {int(key): stored[key] for key in stored.files}
        if (
            image.shape != label_map.shape
            or image.dtype != np.float16
            or label_map.dtype != np.uint8
            or len(stack) != len(names)
            or any(plane.shape != image.shape for plane in soft)
            or len(soft) != len(values)
        ):
            raise ValueError("image and labels do not fit each other")
        known = np.array(head["known"], bool)
        imperfect = np.array(head.get("imperfect", [False] * known.size), bool)
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        EOFError,
        zlib.error,
        zipfile.BadZipFile,
    ) as error:
        raise Failure(f"its prepared files are damaged ({error}).", case=name, way_out=_AGAIN) from None
    planes = dict(zip(names, stack))
    return PreparedCase(name, image, label_map, known, planes, points, dict(zip(values, soft)), imperfect)


def _check_sums(folder: Path, sums: dict[str, int]) -> None:
    for name, expected in sums.items():
        if _sum(inside(folder, name)) != expected:
            raise ValueError(f"{name} is not what was written")
