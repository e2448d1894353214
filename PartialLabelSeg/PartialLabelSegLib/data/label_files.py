"""Labels as files in a folder: the describing JSON comes last, so that a folder that has it is whole."""

from __future__ import annotations

import errno
import io
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from ..run.failure import Failure
from ..run.files import read_json, replacing, write_json
from .geometry import Grid
from .labels import Labels, Marks, Slices

FORMAT = 1
LONGEST_NIFTI_HEADER = 1 << 16


def write_labels(folder: Path, labels: Labels, grid: Grid) -> None:
    """Writes `labels.nrrd` and `origin.nrrd` (uint8), `marks.npz` where there are marks, `soft-<value>.nrrd` where soft, then `labels.json`."""
    sums = {}
    for name, array in (("labels", labels.label_map), ("origin", labels.origin)):
        write_image(folder / f"{name}.nrrd", grid.image(array))
        sums[name] = _sum(array)
    for name, array in labels.soft.items():
        write_image(folder / f"soft-{labels.value(name)}.nrrd", grid.image(array.astype(np.float32)))
        sums[f"soft-{labels.value(name)}"] = _sum(array.astype(np.float32))
    arrays = _mark_arrays(labels)
    if arrays:
        packed = io.BytesIO()
        np.savez_compressed(packed, **arrays)  # type: ignore[arg-type]
        with replacing(folder / "marks.npz") as beside:
            beside.write_bytes(packed.getbuffer())
        sums["marks"] = zlib.crc32(packed.getbuffer())
    write_json(folder / "labels.json", {**_description(folder, labels), "grid": grid.to_json(), "crc32": sums})


def _description(folder: Path, labels: Labels) -> dict[str, Any]:
    """`imperfect` is left out where there is none, as in the files of earlier versions."""
    head = {
        "format": FORMAT,
        "folder": folder.name,
        "structures": list(labels.structures),
        "known": list(labels.known),
        "slices": {name: {"axis": where.axis, "indices": list(where.indices)} for name, where in labels.slices.items()},
        "soft": list(labels.soft),
        "overlapping": sorted(sorted(pair) for pair in labels.overlapping),
    }
    return {**head, "imperfect": sorted(labels.imperfect)} if labels.imperfect else head


def _mark_arrays(labels: Labels) -> dict[str, np.ndarray]:
    arrays = {}
    for word, group in (("overlap", labels.overlaps), ("negative", labels.negatives)):
        for name, marks in group.items():
            arrays[f"{word}-{labels.value(name)}"] = marks.indices
            arrays[f"{word}-origin-{labels.value(name)}"] = marks.origin
    return arrays


def _sum(array: np.ndarray) -> int:
    return zlib.crc32(np.ascontiguousarray(array).data)


def read_labels(folder: Path, case: str = "") -> tuple[Labels, Grid]:
    """The labels of a folder and their grid. Failure: absent, damaged, truncated, or not as it was written."""
    stored = look_at_labels(folder, case)
    volumes = {stem: _checked(folder / f"{stem}.nrrd", expected, case) for stem, expected in stored.sums.items()}
    return labels_of(stored, volumes), stored.grid


@dataclass(frozen=True)
class StoredLabels:
    """What `labels.json` says, before any volume is read. sums: the checksum of each volume file, by its stem: labels, origin, soft-<value>."""

    folder: Path
    case: str
    head: Any
    grid: Grid
    sums: Mapping[str, int]

    def damaged(self, words: str) -> Failure:
        return Failure(words, case=self.case or self.folder.name, way_out=_way_out(self.folder))


def look_at_labels(folder: Path, case: str = "") -> StoredLabels:
    """The labels of a folder, as far as they are described. Failure: absent, damaged, or those of another case."""
    head = read_description(folder)
    try:
        if head["format"] != FORMAT:
            raise Failure(f"labels of format {head['format']}, this version reads {FORMAT}.", case=case)
        if head.get("folder", folder.name) != folder.name:
            raise Failure("its labels are those of another case.", case=case or folder.name, way_out=_way_out(folder))
        soft = [f"soft-{list(head['structures']).index(name) + 1}" for name in head["soft"]]
        sums = {stem: head["crc32"][stem] for stem in ("labels", "origin", *soft)}
        return StoredLabels(folder, case, head, Grid.from_json(head["grid"]), sums)
    except Failure:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        text = f"its labels are damaged ({error})."
        raise Failure(text, case=case or folder.name, way_out=_way_out(folder)) from None


def labels_of(stored: StoredLabels, volumes: Mapping[str, np.ndarray]) -> Labels:
    """The labels with their volumes, by stem; soft ones that were not read are left out. Failure: these do not fit what is described."""
    head, folder, case = stored.head, stored.folder, stored.case
    try:
        names = tuple(head["structures"])
        soft = {name: volumes.get(f"soft-{names.index(name) + 1}") for name in head["soft"]}
        marks = _read_marks(folder / "marks.npz", head["crc32"], names, case)
        slices = {name: Slices(int(s["axis"]), tuple(s["indices"])) for name, s in head["slices"].items()}
        overlapping = frozenset(frozenset(pair) for pair in head["overlapping"])
        known = tuple(bool(flag) for flag in head["known"])
        read = {name: volume for name, volume in soft.items() if volume is not None}
        imperfect = _imperfect(head)
        labels = Labels(
            names, volumes["labels"], known, volumes["origin"], slices, *marks, read, overlapping, imperfect
        )
    except Failure:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise stored.damaged(f"its labels are damaged ({error}).") from None
    if labels.label_map.shape != stored.grid.shape:
        raise stored.damaged("its labels do not fit their grid.")
    return labels


def _imperfect(head: Mapping[str, Any]) -> frozenset[str]:
    """ValueError: not a list of names."""
    names = head.get("imperfect", [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError('"imperfect" is not a list of structures')
    return frozenset(names)


def read_description(folder: Path) -> Any:
    """What `labels.json` says. It holds the checksums of the labels, so it changes whenever they do. Failure: absent or damaged."""
    try:
        return read_json(folder / "labels.json", "the description of the labels")
    except Failure as failure:
        raise Failure(failure.wrong, way_out=_way_out(folder)) from None


def _way_out(folder: Path) -> str:
    """How what a folder of a run holds is made anew."""
    place = place_of(folder)
    if folder.parent.name == "labels":
        place = f"rounds/{folder.parents[1].name}/relabelling.json"
        return f"Delete {place} and run the same command again; its labels are made anew."
    return f"Delete the folder {place} and run the same command again; it is made anew."


def place_of(folder: Path) -> str:
    """Where a case's folder lies in its run, such as 'cases/CT_1' or 'rounds/0/predictions/CT_1'."""
    deep = len(folder.parts) > 4 and folder.parts[-4] == "rounds"
    return "/".join(folder.parts[-4:] if deep else folder.parts[-2:])


def _read_marks(
    path: Path, sums: Mapping[str, int], names: tuple[str, ...], case: str
) -> tuple[dict[str, Marks], dict[str, Marks]]:
    """Overlaps and negatives. The file's bytes are compared before they are unpacked: a damaged archive can fail in any way."""
    if "marks" not in sums:
        return {}, {}
    content = path.read_bytes() if path.is_file() else b""
    if zlib.crc32(content) != sums["marks"]:
        raise Failure("the file of its marks is not what was written.", case=case, way_out=_way_out(path.parent))
    groups: tuple[dict[str, Marks], dict[str, Marks]] = ({}, {})
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        for group, word in zip(groups, ("overlap", "negative")):
            for value, name in enumerate(names, 1):
                if f"{word}-{value}" in stored:
                    group[name] = Marks(stored[f"{word}-{value}"], stored[f"{word}-origin-{value}"])
    return groups


def _checked(path: Path, expected: int, case: str) -> np.ndarray:
    array = read_array(path)
    if _sum(array) != expected:
        text = f"{path.name} is not what was written (its checksum differs)."
        raise Failure(text, case=case or path.parent.name, way_out=_way_out(path.parent))
    return array


def write_image(path: Path, image: sitk.Image) -> None:
    """Writes an image, compressed, whole or not at all."""
    with replacing(path) as beside:
        writer = sitk.ImageFileWriter()
        writer.SetFileName(str(beside))
        writer.SetUseCompression(True)
        writer.SetCompressionLevel(1)
        try:
            writer.Execute(image)
        except RuntimeError as error:
            # SimpleITK does not tell what the system said.
            raise OSError(errno.EIO, "it could not be written, perhaps because the disk is full", path.name) from error
        if _is_cut_off(beside, image):
            raise OSError(errno.ENOSPC, "it was cut off", path.name)


def _is_cut_off(path: Path, image: sitk.Image) -> bool:
    """Whether a compressed file that was just written lacks its end: on a full disk ITK stops writing and says nothing.

    A gzip stream ends with the length of what it holds: the voxels in an NRRD file, a header and the voxels in a NIfTI file.
    """
    if not path.name.endswith((".nrrd", ".gz")):
        return False
    with open(path, "rb") as handle:
        if handle.seek(0, 2) < 4:
            return True
        handle.seek(-4, 2)
        length = int.from_bytes(handle.read(4), "little")
    voxels = image.GetNumberOfPixels() * image.GetNumberOfComponentsPerPixel() * image.GetSizeOfPixelComponent()
    header = 0 if path.name.endswith(".nrrd") else LONGEST_NIFTI_HEADER
    return (length - voxels) % 2**32 > header


def read_image_file(path: Path) -> sitk.Image:
    """The image of a file. Failure: absent or unreadable."""
    if not path.is_file():
        raise Failure(f"{path.name} is missing from {place_of(path.parent)}.", way_out=_way_out(path.parent))
    try:
        return sitk.ReadImage(str(path))
    except RuntimeError:
        text = f"{path.name} in {place_of(path.parent)} cannot be read as an image; it is damaged."
        raise Failure(text, way_out=_way_out(path.parent)) from None


def read_array(path: Path) -> np.ndarray:
    return sitk.GetArrayFromImage(read_image_file(path))
