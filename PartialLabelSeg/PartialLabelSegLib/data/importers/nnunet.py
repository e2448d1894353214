"""An nnU-Net data set folder (version 1, 2, or the Medical Segmentation Decathlon's): `dataset.json`, `imagesTr`, `labelsTr`.

A structure without a voxel in a case is missing there, unless the caller says that it is absent. Regions (lists of values) may
overlap. Version 2's `ignore` label marks voxels of which nothing is known; in a case that has some, all its other voxels are
known for every structure (see `settle`). Only the first channel is read; `imagesTs` is not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

from ...run.failure import Failure
from ...run.files import inside, read_json
from ..geometry import Grid
from ..image_io import read_scan, volume_stem
from ..types import Problem, State, clean_name, structures_named
from .draft import DataSet, Draft
from .drawing import Drawing, drawn_in, placed, read_named
from .names import similar_names
from .side_file import duplicate_keys

NAME = "dataset.json"
_FORM = f'Its "labels" must look like {{"background": 0, "Liver": 1}}, as nnU-Net describes them; correct {NAME}.'


@dataclass(frozen=True)
class LabelValues:
    """The label values of each structure, and the value that means "not known here", if there is one."""

    structures: Mapping[str, tuple[int, ...]]
    ignore: int | None = None


def read_nnunet(folder: Path, absent: str = "missing") -> DataSet:
    """What a data set folder holds. Failure: `dataset.json` is unusable; what is wrong with one case is a problem."""
    head = read_json(folder / NAME, "the description of the nnU-Net data set")
    if not isinstance(head, dict) or not isinstance(head.get("labels"), dict):
        raise Failure(f"{NAME} names no labels.", way_out=_FORM)
    twice = duplicate_keys(folder / NAME)
    if twice:
        raise Failure(f"{NAME} names it twice.", structure=twice[0], way_out="Rename or delete one of them.")
    values = label_values(head["labels"])
    problems = [*_channel_problems(head), *similar_names(values.structures)]
    drafts = []
    listed = isinstance(head.get("dataset"), dict) or bool(head.get("training"))
    for case, (image, label) in sorted(_files(folder, head).items()):
        try:
            paths = [_existing(folder, path, what, listed) for path, what in ((image, "image"), (label, "label file"))]
        except Failure as failure:
            problems.append(Problem.of(failure, case))
            continue
        drafts.append(Draft(case, partial(read_scan, paths[0]), partial(_draw, paths[1], values, absent)))
    overlapping = frozenset(
        frozenset((one, other))
        for one, other in combinations(values.structures, 2)
        if set(values.structures[one]) & set(values.structures[other])
    )
    return DataSet("nnU-Net", structures_named(tuple(values.structures)), drafts, problems, overlapping)


def label_values(labels: Mapping[str, Any]) -> LabelValues:
    """The values of version 2 ({"Liver": 1, "Tumour": [2, 3], "ignore": 4}) or 1 ({"1": "Liver"}). Failure: neither."""
    if all(isinstance(name, str) and re.fullmatch(r"\d+", value) for value, name in labels.items()):
        named: list[tuple[str, tuple[int, ...]]] = [(clean_name(name), (int(value),)) for value, name in labels.items()]
    else:
        named = [(clean_name(name), _values(name, value)) for name, value in labels.items()]
    names = [name for name, _ in named]
    twice = [name for name in names if names.count(name) > 1]
    if twice or not all(names):
        raise Failure(
            f"{NAME} has {'two labels of this name' if twice else 'a label without a name'}.",
            structure=(*twice, "")[0],
            way_out=_FORM,
        )
    found = {name: values for name, values in named if values != (0,) and name != "ignore"}
    if any(0 in values for values in found.values()):
        raise Failure(f"{NAME} gives the background's value 0 to a structure.", way_out=_FORM)
    ignore = dict(named).get("ignore")
    return LabelValues(found, ignore[0] if ignore and len(ignore) == 1 else None)


def _values(name: str, value: Any) -> tuple[int, ...]:
    values = tuple(value) if isinstance(value, list) else (value,)
    if not values or not all(isinstance(item, int) and not isinstance(item, bool) and item >= 0 for item in values):
        raise Failure(
            f"its label in {NAME} must be a whole number or a list of them, got {value!r}.",
            structure=clean_name(name),
            way_out=_FORM,
        )
    return values


def _channel_problems(head: Mapping[str, Any]) -> list[Problem]:
    channels = head.get("channel_names", head.get("modality", {}))
    if not isinstance(channels, dict) or len(channels) < 2:
        return []
    first = channels.get("0", next(iter(channels.values())))
    text = f"{NAME} names {len(channels)} channels; only the first ('{first}') is used. Give a data set of one channel to use another."
    return [Problem(text, severity="warning")]


def _files(folder: Path, head: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """The image and label file of each case, relative to the folder: as listed in `dataset.json`, else as they lie in `imagesTr`."""
    listed = head.get("dataset")
    if isinstance(listed, dict):
        return {clean_name(name): _listed(entry) for name, entry in listed.items()}
    ending = str(head.get("file_ending") or ".nii.gz")
    training = head.get("training")
    if isinstance(training, list) and training and all(isinstance(entry, dict) for entry in training):
        return dict(_trained(folder, entry, ending) for entry in training)
    names = _names(folder / "imagesTr", ending)
    result = {}
    for name in names:
        channel = re.fullmatch(r"(.+)_(\d{4})", name)
        if channel is None or channel.group(2) == "0000":
            case = channel.group(1) if channel else name
            result[case] = (f"imagesTr/{name}{ending}", f"labelsTr/{case}{ending}")
    for name in _names(folder / "labelsTr", ending):
        result.setdefault(name, (f"imagesTr/{name}_0000{ending}", f"labelsTr/{name}{ending}"))
    return result


def _names(folder: Path, ending: str) -> list[str]:
    if not folder.is_dir():
        return []
    return sorted(
        path.name[: -len(ending)]
        for path in folder.iterdir()
        if path.name.endswith(ending) and not path.name.startswith(".")
    )


def _listed(entry: Any) -> tuple[str, str]:
    """The files of one entry of version 2's "dataset"; empty where it is malformed, which the case's reading then says."""
    images = entry.get("images") if isinstance(entry, dict) else None
    label = entry.get("label") if isinstance(entry, dict) else None
    return (str(images[0]) if isinstance(images, list) and images else "", str(label or ""))


def _trained(folder: Path, entry: Mapping[str, Any], ending: str) -> tuple[str, tuple[str, str]]:
    """One entry of version 1's "training": {"image": "./imagesTr/a.nii.gz", "label": ...}; the file itself may be `a_0000.nii.gz`."""
    image, label = str(entry.get("image", "")), str(entry.get("label", ""))
    case = volume_stem(Path(image)) or image
    first = f"{image[: -len(ending)]}_0000{ending}" if image.endswith(ending) else image
    if not _is_there(folder, image) and _is_there(folder, first):
        image = first
    return clean_name(case), (image, label)


def _is_there(folder: Path, relative: str) -> bool:
    try:
        return inside(folder, relative).is_file()
    except Failure:
        return False


def _existing(folder: Path, relative: str, what: str, listed: bool) -> Path:
    """A path that `dataset.json` lists must stay in the folder; a file found there may be a link."""
    path = inside(folder, relative, f"path of the {what}") if listed else folder / relative
    if not path.is_file():
        raise Failure(
            f"its {what} {relative} is missing.", way_out=f"Put the file there, or take the case out of {NAME}."
        )
    return path


def _draw(path: Path, values: LabelValues, absent: str, grid: Grid) -> Drawing:
    ignored = () if values.ignore is None else (values.ignore,)
    labels, source = read_named(path, values.structures, ignored)
    moved, problems = placed(path.name, labels, source, grid)
    drawn = drawn_in(moved, values.structures)
    undrawn = State.ABSENT if absent == "absent" else State.MISSING
    said = {name: State.LABELLED if name in drawn else undrawn for name in values.structures}
    return Drawing(drawn, said, {}, moved == values.ignore if ignored else None, tuple(problems))
