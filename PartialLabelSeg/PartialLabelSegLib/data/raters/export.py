"""Soft labels as one folder, the same from the command line, the panel and Python. It is also a data set that `complete` learns from.

    cases.csv, images/<scan>.nrrd, soft/<scan>/soft.json     the data set: each scan with its soft labels (data/importers/soft.py)
    soft/<scan>/<structure>.nrrd                             the probabilities, float32 or scaled to 8 or 16 bits
    hard/<scan>/<structure>.nrrd                             0 and 1, at the threshold
    raters/<scan>/<structure>/<rater>.nrrd                   what each rater marked, 0 and 1
    nifti/<scan>/<structure>.nii.gz, or nifti/<scan>.nii.gz  if wanted: the probabilities once more, one volume each or one with a fourth axis
    dicom/<scan>.dcm                                         if wanted: a DICOM segmentation, FRACTIONAL, PROBABILITY
    volumes.csv                                              by rater and for the label of all (volumes.py)
    softlabel.json                                           how everything was made

The folder is made beside its place and renamed when it is whole, so a folder that is there is complete.
"""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ...run.failure import Failure
from ...run.files import replacing, write_json
from ..case import plain_scalar, safe_name
from ..geometry import Grid
from ..importers.cells import AXIS_LETTERS
from ..label_files import write_image
from ..types import Problem
from .dicom_seg import needed_packages, write_dicom_seg
from .rated import rater_masks
from .rated_case import RatedCase
from .recipe import Made, Recipe, make
from .soft_files import ONES, scale_of, write_soft
from .types import Reading
from .volumes import RatedVolume, volumes_of, write_volumes

FORMAT = 1
HEAD = "softlabel.json"


@dataclass(frozen=True)
class ExportOptions:
    """bits: 32 (float), 16 or 8. nifti: also as NIfTI, four_d: all structures of a scan in one such volume. replace: an earlier export."""

    bits: int = 32
    nifti: bool = False
    four_d: bool = False
    dicom_seg: bool = False
    replace: bool = False

    def __post_init__(self) -> None:
        if self.bits not in ONES:
            raise ValueError(f"a soft label is stored in {', '.join(map(str, ONES))} bits, got {self.bits}")


@dataclass(frozen=True)
class Exported:
    """What was written. warnings: what to look at in the study."""

    folder: Path
    cases: tuple[str, ...]
    volumes: tuple[RatedVolume, ...]
    warnings: tuple[Problem, ...]


def export_soft_labels(
    out: Path,
    cases: Iterable[RatedCase],
    recipe: Recipe | None = None,
    options: ExportOptions | None = None,
    told: Callable[[str], None] | None = None,
) -> Exported:
    """Makes the label of every structure of every scan and writes the folder `out`. told: called with each scan's name when it is done.

    Failure: `out` holds something else, or an earlier export and `options.replace` is not set; two scans of one name; what `cases` raises, such as
    `Mistakes`; highdicom is needed and missing. Then nothing is left behind, and an earlier export stays as it was.
    """
    recipe, options, out = recipe or Recipe(), options or ExportOptions(), out.resolve()
    _check_free(out, options)
    if options.dicom_seg:
        needed_packages()
    beside = out.with_name(f".{os.getpid()}.{out.name}")
    shutil.rmtree(beside, ignore_errors=True)
    try:
        writer = _Writer(beside, recipe, options)
        for case in cases:
            writer.write(case)
            if told is not None:
                told(case.case)
        writer.finish()
        _take_place(beside, out)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return Exported(out, tuple(writer.heads), tuple(writer.volumes), tuple(writer.warnings))


def _check_free(out: Path, options: ExportOptions) -> None:
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not (out / HEAD).is_file():
        raise Failure(f"{out.name} holds something else.", way_out="Choose a new folder.")
    if not options.replace:
        raise Failure(
            f"{out.name} holds an earlier export and is not overwritten.",
            way_out="Choose another folder, or say that it may be replaced.",
        )


def _take_place(beside: Path, out: Path) -> None:
    """`beside` becomes `out`; what was there before goes only when the new one stands."""
    before = out.with_name(f".{os.getpid()}.before.{out.name}")
    if out.exists():
        os.replace(out, before)
    try:
        os.replace(beside, out)
    except OSError:
        if before.exists():
            os.replace(before, out)
        raise
    shutil.rmtree(before, ignore_errors=True)


@dataclass
class _Writer:
    """Writes scan after scan into a folder that is not in its place yet."""

    folder: Path
    recipe: Recipe
    options: ExportOptions
    heads: dict[str, dict[str, Any]] = field(default_factory=dict)
    rows: list[dict[str, str]] = field(default_factory=list)
    volumes: list[RatedVolume] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    def write(self, case: RatedCase) -> None:
        if case.case in self.heads:
            raise Failure("two scans of the study have this name.", case=case.case, way_out="Rename one of them.")
        stem = _free_name(case.case, [str(head["name"]) for head in self.heads.values()])
        files = dict(zip(case.structures, _free_names(list(case.structures))))
        made = {name: make(scan, self.recipe) for name, scan in case.structures.items()}
        write_image(self.folder / "images" / f"{stem}.nrrd", plain_scalar(case.image))
        head: dict[str, Any] = {"name": stem, "structures": {}}
        for name, one in made.items():
            masks = rater_masks(one.scan)
            self._write_planes(stem, files[name], one, masks, case.grid)
            self.volumes += volumes_of(case.case, name, one, masks, case.grid.voxel_ml)
            head["structures"][name] = {"file": files[name], **_made_json(one)}
        self._write_together(stem, case, made, files)
        read = {name: one for name, one in made.items() if bool(np.any(one.label.readers))}
        write_json(self.folder / "soft" / stem / "soft.json", _soft_json(read, files, self.options.bits))
        self.rows.append(_row(case, stem, list(read)))
        self.heads[case.case] = {**head, "warnings": [item.sentence() for item in case.warnings]}
        self.warnings += case.warnings

    def _write_planes(self, stem: str, file: str, made: Made, masks: np.ndarray, grid: Grid) -> None:
        write_soft(self.folder / "soft" / stem / f"{file}.nrrd", [made.label.plane], grid, self.options.bits)
        write_image(self.folder / "hard" / stem / f"{file}.nrrd", grid.image(made.hard()))
        place = self.folder / "raters" / stem / file
        for rater, mask in zip(_free_names([reading.rater for reading in made.scan.readings]), masks):
            write_image(place / f"{rater}.nrrd", grid.image(mask))

    def _write_together(self, stem: str, case: RatedCase, made: Mapping[str, Made], files: Mapping[str, str]) -> None:
        """The forms that are written only if wanted."""
        bits, grid = self.options.bits, case.grid
        planes = {name: one.label.plane for name, one in made.items()}
        if self.options.four_d:
            write_soft(self.folder / "nifti" / f"{stem}.nii.gz", list(planes.values()), grid, bits)
        elif self.options.nifti:
            for name, plane in planes.items():
                write_soft(self.folder / "nifti" / stem / f"{files[name]}.nii.gz", [plane], grid, bits)
        if self.options.dicom_seg:
            if case.series is None:
                raise Failure(
                    "its image is not a DICOM series, so there is nothing that a DICOM segmentation could refer to.",
                    case=case.case,
                    way_out="Leave DICOM segmentations out, or give the folder of its series as the image.",
                )
            write_dicom_seg(self.folder / "dicom" / f"{stem}.dcm", case.series, planes)

    def finish(self) -> None:
        """Writes what speaks of all scans; `softlabel.json` comes last."""
        if not self.rows:
            raise Failure("the study holds no scan that anybody read.", way_out="Look at its table.")
        structures = list(dict.fromkeys(name for head in self.heads.values() for name in head["structures"]))
        _write_manifest(self.folder / "cases.csv", self.rows, structures)
        write_volumes(self.folder / "volumes.csv", self.volumes)
        bits = self.options.bits
        stored = {"bits": bits, "scale": scale_of(bits), "nifti": self.options.nifti, "four_d": self.options.four_d}
        head = {"format": FORMAT, **self.recipe.to_json(), "stored": stored, "cases": self.heads}
        write_json(self.folder / HEAD, head)


def _made_json(made: Made) -> dict[str, Any]:
    label = made.label
    read = label.read_slices()
    level = float(label.bright_level)
    return {
        "raters": [{**_reading_json(reading), **made.raters.get(reading.rater, {})} for reading in made.scan.readings],
        "axis": AXIS_LETTERS[label.axis],
        "read_slices": None if read is None else list(read.indices),
        "readers_per_slice": [int(count) for count in label.readers],
        "steps": None if made.steps is None else made.steps.to_json(),
        "voxels_changed": dict(label.changed),
        "bright_level": level if level != float("inf") else None,
        "grid": None if made.scan.template is None else made.scan.template.to_json(),
        "voxels": {"soft": float(label.plane.sum(dtype=np.float64)), "hard": int(np.count_nonzero(made.hard()))},
    }


def _reading_json(reading: Reading) -> dict[str, Any]:
    slices = None if reading.slices is None else sorted(reading.slices)
    kind: dict[str, Any] = {"ticks": len(reading.ticks)} if reading.mask is None else {"mask": True}
    return {"rater": reading.rater, "slices": slices, **kind}


def _soft_json(made: Mapping[str, Made], files: Mapping[str, str], bits: int) -> dict[str, Any]:
    """The list of soft labels that the manifest names; paths start at its own folder."""
    read: dict[str, Any] = {}
    for name, one in made.items():
        slices = one.label.read_slices()
        read[name] = slices and {"axis": AXIS_LETTERS[slices.axis], "slices": list(slices.indices)}
        if slices is not None and slices.axis == 0:
            read[name] = list(slices.indices)
    structures = {name: {"file": f"{files[name]}.nrrd", "scale": scale_of(bits)} for name in made}
    return {"format": FORMAT, "structures": structures, "read_slices": read}


def _row(case: RatedCase, stem: str, read: Sequence[str]) -> dict[str, str]:
    """The line of the manifest; a structure of which nobody read a slice is missing."""
    states = dict.fromkeys(read, "labelled")
    fixed = {"case": case.case, "image": f"images/{stem}.nrrd", "labels": "", "soft": f"soft/{stem}/soft.json"}
    return {**states, **fixed, "split": case.split}


def _write_manifest(path: Path, rows: Sequence[Mapping[str, str]], structures: Sequence[str]) -> None:
    columns = ["case", "image", "labels", "soft", "split", *structures]
    with replacing(path) as beside, open(beside, "w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, columns, restval="missing", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _free_name(text: str, taken: Sequence[str]) -> str:
    """A file name made of `text` that is none of `taken`, also where a file system does not tell small letters from capitals."""
    name, lower, number = safe_name(text), {other.lower() for other in taken}, 2
    while name.lower() in lower:
        name, number = f"{safe_name(text)}-{number}", number + 1
    return name


def _free_names(texts: Sequence[str]) -> list[str]:
    names: list[str] = []
    for text in texts:
        names.append(_free_name(text, names))
    return names
