"""One case as files for other programs, on the scan's own grid: a segmentation for 3D Slicer, a NIfTI label map, and how sure it is.

Every file is written beside and renamed, so it is whole or absent; a file that exists is replaced only when that is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..data.case import safe_name
from ..data.geometry import Grid
from ..data.label_files import write_image
from ..data.labels import Labels
from ..data.prediction import ONE, Prediction
from ..data.seg_nrrd import Segment, write_seg_nrrd
from ..data.types import Structure
from ..run.failure import Failure
from ..run.files import write_json
from .counts import Volume, volumes

ORIGIN_TAG, STATE_TAG = "PartialLabelSeg.Origin", "PartialLabelSeg.State"
SCALE_KEY, MEANING_KEY = "PartialLabelSeg.Scale", "PartialLabelSeg.Meaning"
MEANINGS = {
    "probability": "probability of the most probable structure, stored value times the scale",
    "confidence": "confidence in the predicted label, stored value times the scale; 0 where none is predicted",
}


@dataclass(frozen=True, eq=False)
class Completed:
    """What to write of one case. `name` names its files (made safe for any file system); two cases of a folder need different ones.

    structures: those of `labels`, in the same order. prediction: for the volumes of probability and confidence.
    """

    name: str
    grid: Grid
    labels: Labels
    structures: tuple[Structure, ...]
    prediction: Prediction | None = None

    def __post_init__(self) -> None:
        if tuple(item.name for item in self.structures) != self.labels.structures:
            raise ValueError(
                f"structures {[item.name for item in self.structures]} for labels of {self.labels.structures}"
            )
        if self.labels.label_map.shape != self.grid.shape:
            raise ValueError(f"labels {self.labels.label_map.shape} on a grid of {self.grid.shape}")

    @property
    def stem(self) -> str:
        return safe_name(self.name)


def export_case(
    folder: Path, case: Completed, formats: Sequence[str] = ("seg-nrrd", "nifti"), bits: int = 16, replace: bool = False
) -> tuple[Path, ...]:
    """Writes one case into `folder`; returns the main file of each format.

    formats: 'seg-nrrd' `<case>.seg.nrrd`; 'nifti' `<case>.nii.gz` and its description `<case>.json`; 'probability' and 'confidence'
    `<case>.<format>.nrrd` of 8 or 16 `bits` with their scale (the prediction is needed).
    Failure: a file exists and `replace` is not set; then nothing is written.
    """
    unknown = [name for name in formats if name not in WRITERS]
    if unknown or bits not in (8, 16):
        raise ValueError(f"formats are {', '.join(WRITERS)} of 8 or 16 bits, got {formats} of {bits}")
    paths = tuple(folder / f"{case.stem}{ENDINGS[name]}" for name in formats)
    beside = [*_masks(folder, case).values(), _description(folder, case)] if "nifti" in formats else []
    for path in (*paths, *beside):
        if path.exists() and not replace:
            raise already_there(path, case.name)
    for name, path in zip(formats, paths, strict=True):
        WRITERS[name](path, case, bits)
    return paths


def already_there(path: Path, case: str) -> Failure:
    """What a person reads where a file would be overwritten."""
    return Failure(
        f"{path.name} exists in {path.parent.name} and is not overwritten.",
        case=case,
        way_out="Choose another folder, or say that existing files may be replaced.",
    )


def _write_segments(path: Path, case: Completed, _bits: int) -> None:
    rows = volumes(case.name, case.labels, case.grid)
    segments = [_segment(case, number, row) for number, row in enumerate(rows, 1)]
    write_seg_nrrd(path, segments, case.grid)


def _segment(case: Completed, number: int, row: Volume) -> Segment:
    item = case.structures[number - 1]
    tags = {ORIGIN_TAG: row.origin, STATE_TAG: row.state}
    return Segment(f"Segment_{number}", item.name, item.color, item.terminology, case.labels.positive(item.name), tags)


def _write_nifti(path: Path, case: Completed, _bits: int) -> None:
    """The label map holds one structure a voxel; one that shares voxels also has a mask of its own, and the description says so.

    The label map comes last, so that where it is the rest is there too.
    """
    masks = _masks(path.parent, case)
    for name, place in masks.items():
        write_image(place, case.grid.image(case.labels.positive(name)))
    rows = volumes(case.name, case.labels, case.grid)
    description = {
        "case": case.name,
        "structures": {name: case.labels.value(name) for name in case.labels.structures},
        "states": {row.structure: row.state for row in rows},
        "origins": {row.structure: row.origin for row in rows},
        "overlapping": {name: place.relative_to(path.parent).as_posix() for name, place in masks.items()},
    }
    write_json(_description(path.parent, case), description)
    write_image(path, case.grid.image(one_label_a_voxel(case.labels)))


def _description(folder: Path, case: Completed) -> Path:
    return folder / f"{case.stem}.json"


def _masks(folder: Path, case: Completed) -> dict[str, Path]:
    """The files of the structures that the label map cannot show whole; in a folder of their own, for they are no cases."""
    names = _sharing(case.labels)
    return {name: folder / "overlapping" / f"{case.stem}.{case.labels.value(name)}.nii.gz" for name in names}


def _sharing(labels: Labels) -> list[str]:
    """The structures of which the label map shows only a part, because another label stands in the same voxel."""
    flat = labels.label_map.reshape(-1)
    return [
        name
        for name in labels.structures
        if name in labels.overlaps and bool((flat[labels.overlaps[name].indices] != labels.value(name)).any())
    ]


def one_label_a_voxel(labels: Labels) -> np.ndarray:
    """uint8 (z, y, x): the label map; a voxel that only an overlap labels takes that label."""
    result = labels.label_map.copy()
    flat = result.reshape(-1)
    for name, marks in labels.overlaps.items():
        flat[marks.indices[flat[marks.indices] == 0]] = labels.value(name)
    return result


def _write_probability(path: Path, case: Completed, bits: int) -> None:
    _write_share(path, case, "probability", bits)


def _write_confidence(path: Path, case: Completed, bits: int) -> None:
    _write_share(path, case, "confidence", bits)


def _write_share(path: Path, case: Completed, name: str, bits: int) -> None:
    if case.prediction is None:
        raise ValueError(f"case '{case.name}' has no prediction to write the {name} of")
    stored: np.ndarray = case.prediction.probability if name == "probability" else case.prediction.confidence
    if bits == 8:
        # To the nearest 255th; the product of two such numbers fits in 32 bits.
        stored = ((stored.astype(np.uint32) * 255 + ONE // 2) // ONE).astype(np.uint8)
    image = case.grid.image(stored)
    image.SetMetaData(SCALE_KEY, f"1/{ONE if bits == 16 else 255}")
    image.SetMetaData(MEANING_KEY, MEANINGS[name])
    write_image(path, image)


Writer = Callable[[Path, Completed, int], None]
WRITERS: dict[str, Writer] = {
    "seg-nrrd": _write_segments,
    "nifti": _write_nifti,
    "probability": _write_probability,
    "confidence": _write_confidence,
}
ENDINGS = {
    "seg-nrrd": ".seg.nrrd",
    "nifti": ".nii.gz",
    "probability": ".probability.nrrd",
    "confidence": ".confidence.nrrd",
}
