"""Partial labels as an nnU-Net v2 data set, with the ignore label where something is still unknown.

nnU-Net has one ignore label for all structures: a voxel takes part in the loss for every structure or for none. It cannot be told "the liver
is unknown here, but this voxel is the kidney, hence not the spleen, and the pancreas is known to be absent". So a voxel that carries a label
keeps it, and a voxel without one is ignored as soon as any structure is unknown there, although others are certainly not there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..data.case import plain_scalar, safe_name
from ..data.geometry import Grid
from ..data.label_files import write_image
from ..data.labels import Labels
from ..run.failure import Failure
from ..run.files import write_json
from .export import one_label_a_voxel

ENDING = ".nii.gz"
_NAME = re.compile(r"Dataset\d{3}_[A-Za-z0-9_-]+")


@dataclass(frozen=True, eq=False)
class TrainingCase:
    """A scan, read only when it is written, and its partial labels on the scan's grid."""

    name: str
    read_image: Callable[[], sitk.Image]
    labels: Labels


@dataclass(frozen=True)
class Written:
    """What the data set holds of one case: voxels under the ignore label, and labels lost where structures share voxels."""

    case: str
    identifier: str
    ignored_voxels: int
    flattened_voxels: int


def training_map(labels: Labels) -> np.ndarray:
    """uint8 (z, y, x): 1..K the labels, 0 where every structure is certainly not there, K + 1 where one is unknown and none is labelled."""
    result = one_label_a_voxel(labels)
    unknown = np.zeros(result.shape, bool)
    for structure in labels.structures:
        if not labels.is_known(structure):
            unknown |= ~labels.certain(structure)
    result[unknown & (result == 0)] = len(labels.structures) + 1
    return result


def export_nnunet(
    folder: Path, structures: tuple[str, ...], cases: Iterable[TrainingCase], channel: str = "CT", replace: bool = False
) -> tuple[Written, ...]:
    """Writes the data set `folder` (named DatasetXXX_Name); `dataset.json` comes last, so a folder that has it is whole.

    channel: 'CT' makes nnU-Net normalise by the data set's intensities; any other word, such as 'MRI', scan by scan.
    Failure: a folder or structure name that nnU-Net does not take, a data set that is there already and may not be replaced, two cases of
    one name, an image that does not fit its labels.
    """
    _check(folder, structures, replace)
    (folder / "dataset.json").unlink(missing_ok=True)
    written: list[Written] = []
    for case in cases:
        identifier = safe_name(case.name)
        if identifier in {item.identifier for item in written}:
            raise Failure(
                f"two cases would have the file name {identifier}.", case=case.name, way_out="Rename one of them."
            )
        written.append(_write_case(folder, identifier, case, structures))
    _check_nothing_else(folder, {item.identifier for item in written})
    write_json(folder / "dataset.json", _description(structures, channel, written))
    return tuple(written)


def _check(folder: Path, structures: tuple[str, ...], replace: bool) -> None:
    if not _NAME.fullmatch(folder.name):
        raise Failure(
            f"nnU-Net does not take a data set named {folder.name}.",
            way_out="Name the folder Dataset, three digits, an underline and a name, such as Dataset501_Abdomen.",
        )
    for name in structures:
        if name.lower() in ("background", "ignore"):
            raise Failure("nnU-Net has another use for this name.", structure=name, way_out="Rename the structure.")
    if (folder / "dataset.json").exists() and not replace:
        raise Failure(
            f"{folder.name} holds a data set already, which is not overwritten.",
            way_out="Choose another folder, or say that existing files may be replaced.",
        )


def _write_case(folder: Path, identifier: str, case: TrainingCase, structures: tuple[str, ...]) -> Written:
    if case.labels.structures != structures:
        raise ValueError(f"case '{case.name}' has labels of {case.labels.structures}, not of {structures}")
    image = plain_scalar(case.read_image())
    grid = Grid.from_image(image)
    if grid.shape != case.labels.label_map.shape:
        raise Failure("its image does not fit its labels.", case=case.name, way_out="Import it again.")
    label_map = training_map(case.labels)
    write_image(folder / "imagesTr" / f"{identifier}_0000{ENDING}", image)
    write_image(folder / "labelsTr" / f"{identifier}{ENDING}", grid.image(label_map))
    lost = sum(
        int(np.count_nonzero(label_map.reshape(-1)[marks.indices] != case.labels.value(name)))
        for name, marks in case.labels.overlaps.items()
    )
    return Written(case.name, identifier, int(np.count_nonzero(label_map == len(structures) + 1)), lost)


def _check_nothing_else(folder: Path, identifiers: set[str]) -> None:
    """nnU-Net counts the files: one left from an earlier data set would spoil this one."""
    wanted = {f"imagesTr/{name}_0000{ENDING}" for name in identifiers} | {
        f"labelsTr/{name}{ENDING}" for name in identifiers
    }
    found = {f"{part}/{path.name}" for part in ("imagesTr", "labelsTr") for path in (folder / part).glob(f"*{ENDING}")}
    others = sorted(name for name in found - wanted if not name.split("/")[1].startswith("."))
    if others:
        raise Failure(
            f"{folder.name} holds {len(others)} files of other cases, such as {others[0]}.",
            way_out="Delete them, or choose another folder.",
        )


def _description(structures: tuple[str, ...], channel: str, written: list[Written]) -> dict[str, object]:
    labels = {
        "background": 0,
        **{name: value for value, name in enumerate(structures, 1)},
        "ignore": len(structures) + 1,
    }
    lost = {item.identifier: item.flattened_voxels for item in written if item.flattened_voxels}
    return {
        "channel_names": {"0": channel},
        "labels": labels,
        "numTraining": len(written),
        "file_ending": ENDING,
        "description": "Voxels without a label are ignored where some structure is not known in that scan.",
        **({"labels_lost_where_structures_share_voxels": lost} if lost else {}),
    }
