"""3D Slicer's segmentation file `.seg.nrrd`: named, coloured segments that may share voxels; read and written as Slicer does.

Written by hand: Slicer wants an axis of kind `list` for the layers, which SimpleITK does not write.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..run.failure import Failure
from ..run.files import replacing
from .geometry import Grid
from .image_io import read_whole
from .types import PALETTE, clean_name
from .whole_file import verify_whole

TERMINOLOGY = "TerminologyEntry"
MOST_SEGMENTS_A_LAYER = 255
_AGAIN = "Save the segmentation from 3D Slicer again."


@dataclass(frozen=True, eq=False)
class Segment:
    """One segment: `color` RGB in 0..1, `mask` bool (z, y, x) on the file's grid, `tags` all but the terminology entry."""

    id: str
    name: str
    color: tuple[float, float, float]
    terminology: str
    mask: np.ndarray
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class SegmentationFile:
    """The segments of one file, in its order, on its own grid (which may be a cut of the scan's)."""

    grid: Grid
    segments: tuple[Segment, ...]


@dataclass(frozen=True)
class SegmentHead:
    """What the header says of a segment: its voxels are those of `layer` with `value`."""

    id: str
    name: str
    color: tuple[float, float, float]
    terminology: str
    tags: Mapping[str, str]
    layer: int
    value: int


@dataclass(frozen=True, eq=False)
class Layers:
    """The segments of one file as stored: integer label maps (z, y, x), each shared by segments that have no voxel in common."""

    grid: Grid
    heads: tuple[SegmentHead, ...]
    arrays: tuple[np.ndarray, ...]


def read_seg_nrrd(path: Path) -> SegmentationFile:
    """The segments with their masks. Failure: absent, damaged, or not a segmentation."""
    stored = read_layers(path)
    segments = (
        Segment(head.id, head.name, head.color, head.terminology, stored.arrays[head.layer] == head.value, head.tags)
        for head in stored.heads
    )
    return SegmentationFile(stored.grid, tuple(segments))


def read_layers(path: Path) -> Layers:
    """The segments as stored, without a mask of each. Failure as `read_seg_nrrd`."""
    image = read_whole(path)
    if image.GetDimension() != 3:
        raise Failure(f"{path.name} is no volume.", way_out=_AGAIN)
    array = sitk.GetArrayFromImage(image)
    layers = (
        [array] if array.ndim == 3 else [np.ascontiguousarray(array[..., layer]) for layer in range(array.shape[3])]
    )
    heads = _heads({key: image.GetMetaData(key) for key in image.GetMetaDataKeys()}, len(layers), path.name)
    if array.dtype.kind not in "iu":
        raise Failure(f"{path.name} holds fractions; its segments are not binary label maps.", way_out=_AGAIN)
    try:
        return Layers(Grid.from_image(image), heads, tuple(layers))
    except ValueError as error:
        raise Failure(f"{path.name} does not say where its voxels lie ({error}).", way_out=_AGAIN) from None


def read_heads(path: Path) -> tuple[SegmentHead, ...]:
    """The segments' descriptions alone; the voxels are not read."""
    verify_whole(path)
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError:
        raise Failure(f"{path.name} is not a readable segmentation file.", way_out=_AGAIN) from None
    return _heads(
        {key: reader.GetMetaData(key) for key in reader.GetMetaDataKeys()}, reader.GetNumberOfComponents(), path.name
    )


def _heads(entries: Mapping[str, str], layers: int, file: str) -> tuple[SegmentHead, ...]:
    if "ractional" in entries.get("Segmentation_MasterRepresentation", ""):
        raise Failure(f"{file} holds fractional label maps, which are not binary.", way_out=_AGAIN)
    found = (re.match(r"Segment(\d+)_(?:ID|Name)$", key) for key in entries)
    numbers = sorted({int(match.group(1)) for match in found if match})
    if not numbers:
        raise Failure(f"{file} names no segments, so it is not a segmentation of 3D Slicer.", way_out=_AGAIN)
    # Files of Slicer 4.10 and before have one layer a segment and say neither layer nor value.
    one_each = layers == len(numbers)
    heads = []
    for place, number in enumerate(numbers):
        part = {key: entries.get(f"Segment{number}_{key}", "") for key in ("ID", "Name", "Color", "Tags")}
        tags = _parse_tags(part["Tags"])
        try:
            layer = int(entries.get(f"Segment{number}_Layer", place if one_each else 0))
            value = int(entries.get(f"Segment{number}_LabelValue", 1 if one_each else place + 1))
        except ValueError:
            layer = -1
        if not 0 <= layer < layers:
            raise Failure(f"{file} describes its segment {number} wrongly.", way_out=_AGAIN)
        name = clean_name(part["Name"]) or clean_name(part["ID"]) or f"Segment_{number + 1}"
        color = _parse_color(part["Color"], place)
        heads.append(SegmentHead(part["ID"], name, color, tags.pop(TERMINOLOGY, ""), tags, layer, value))
    return tuple(heads)


def _parse_color(text: str, place: int) -> tuple[float, float, float]:
    try:
        red, green, blue = (min(1.0, max(0.0, float(part))) for part in text.split())
    except ValueError:
        return PALETTE[place % len(PALETTE)]
    return (red, green, blue)


def _parse_tags(text: str) -> dict[str, str]:
    pairs = (entry.partition(":") for entry in text.split("|"))
    return {key: value for key, colon, value in pairs if colon}


def write_seg_nrrd(path: Path, segments: Sequence[Segment], grid: Grid) -> None:
    """Writes the segments, whole or not at all. Those that share voxels go to different layers; nothing is flattened.

    ValueError: no segment, ids that repeat or are empty, a mask of another shape, or a sign that the format cannot hold.
    """
    _check(segments, grid)
    layers, places = _layered(segments, grid)
    with replacing(path) as beside, open(beside, "wb") as file:
        file.write(file_header(grid, len(layers), segments, places))
        with gzip.GzipFile("", "wb", 2, file, 0) as packed:
            for z in range(grid.size[2]):
                packed.write(np.stack([layer[z] for layer in layers], axis=-1).tobytes())


def file_header(
    grid: Grid,
    layers: int,
    segments: Sequence[Segment | SegmentHead],
    places: Sequence[tuple[int, int, tuple[slice, ...]]],
) -> bytes:
    """What stands before the gzip-packed voxels (uint8, the layers of a voxel side by side). places: layer, value and box of each segment."""
    return ("\n".join(_header(grid, layers) + _entries(segments, places)) + "\n\n").encode()


def _check(segments: Sequence[Segment], grid: Grid) -> None:
    ids = [segment.id for segment in segments]
    if not ids or len(set(ids)) != len(ids) or not all(ids):
        raise ValueError(f"segments need ids, each once, got {ids}")
    for segment in segments:
        if segment.mask.shape != grid.shape or segment.mask.dtype != bool:
            raise ValueError(
                f"segment '{segment.name}' needs a bool mask {grid.shape}, got {segment.mask.dtype} {segment.mask.shape}"
            )
        plain = (segment.id, segment.name, segment.terminology, *segment.tags, *segment.tags.values())
        if any(ord(letter) < 32 for text in plain for letter in text):
            raise ValueError(f"segment '{segment.name}' has control characters in its description")
        if any("|" in text for text in plain[2:]) or any(":" in key for key in segment.tags):
            raise ValueError(f"segment '{segment.name}': '|' in a tag, or ':' in a tag's name, cannot be stored")


def _layered(
    segments: Sequence[Segment], grid: Grid
) -> tuple[list[np.ndarray], list[tuple[int, int, tuple[slice, ...]]]]:
    """The layers (uint8), and for each segment its layer, its value there and its box. Each goes to the first layer where its voxels are free."""
    layers: list[np.ndarray] = [np.zeros(grid.shape, np.uint8)]
    used = [0]
    places = []
    for segment in segments:
        box = bounding_box(segment.mask)
        mask = segment.mask[box]
        free = (n for n, layer in enumerate(layers) if used[n] < MOST_SEGMENTS_A_LAYER and not layer[box][mask].any())
        number = next(free, len(layers))
        if number == len(layers):
            layers.append(np.zeros(grid.shape, np.uint8))
            used.append(0)
        used[number] += 1
        layers[number][box][mask] = used[number]
        places.append((number, used[number], box))
    return layers, places


def bounding_box(mask: np.ndarray) -> tuple[slice, ...]:
    """The smallest box that holds every true voxel; the whole array where there is none."""
    lines = [
        np.flatnonzero(mask.any(axis=tuple(other for other in range(mask.ndim) if other != axis)))
        for axis in range(mask.ndim)
    ]
    if not all(line.size for line in lines):
        return tuple(slice(0, size) for size in mask.shape)
    return tuple(slice(int(line[0]), int(line[-1]) + 1) for line in lines)


def _header(grid: Grid, layers: int) -> list[str]:
    steps = np.reshape(grid.direction, (3, 3)) * np.array(grid.spacing)
    vectors = [_vector(steps[:, axis]) for axis in range(3)]
    sizes = [str(size) for size in grid.size]
    return [
        "NRRD0004",
        "type: unsigned char",
        "dimension: 4",
        "space: left-posterior-superior",
        f"sizes: {layers} {' '.join(sizes)}",
        f"space directions: none {' '.join(vectors)}",
        "kinds: list domain domain domain",
        "encoding: gzip",
        f"space origin: {_vector(grid.origin)}",
    ]


def _vector(values: Sequence[float] | np.ndarray) -> str:
    return f"({','.join(repr(float(value)) for value in values)})"


def _entries(
    segments: Sequence[Segment | SegmentHead], places: Sequence[tuple[int, int, tuple[slice, ...]]]
) -> list[str]:
    lines = []
    for number, (segment, (layer, value, box)) in enumerate(zip(segments, places)):
        extent = " ".join(f"{part.start} {part.stop - 1}" for part in reversed(box))
        entries = {
            "ID": segment.id,
            "Name": segment.name,
            "NameAutoGenerated": "0",
            "Color": " ".join(repr(float(part)) for part in segment.color),
            "ColorAutoGenerated": "0",
            "Extent": extent,
            "LabelValue": str(value),
            "Layer": str(layer),
            "Tags": _tags(segment),
        }
        lines += [f"Segment{number}_{key}:={_escaped(text)}" for key, text in entries.items()]
    lines += [
        "Segmentation_ContainedRepresentationNames:=Binary labelmap|",
        "Segmentation_MasterRepresentation:=Binary labelmap",
        "Segmentation_ReferenceImageExtentOffset:=0 0 0",
    ]
    return lines


def _tags(segment: Segment | SegmentHead) -> str:
    tags = {TERMINOLOGY: segment.terminology} if segment.terminology else {}
    return "".join(f"{key}:{value}|" for key, value in {**tags, **segment.tags}.items())


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\")
