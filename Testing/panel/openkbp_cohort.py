"""Six head and neck scans of the published OpenKBP study of which some organs are taken away, as a clinic's folder would hold them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from PartialLabelSegLib.data.geometry import Grid

STUDY = ("Brainstem", "SpinalCord", "RightParotid", "LeftParotid", "Esophagus", "Larynx", "Mandible")
ORGANS = ("Brainstem", "SpinalCord", "Mandible")
DRAWN: Mapping[str, tuple[str, ...]] = {
    "pt_4": ("Brainstem",),
    "pt_13": ("SpinalCord", "Mandible"),
    "pt_17": ("Brainstem", "SpinalCord"),
    "pt_22": ORGANS,
    "pt_31": (),
    "pt_34": ("Mandible",),
}
VALIDATION = "pt_22"
PATIENT = "Mustermann"
"""Stands in the folder's name and in the scans' files, and nowhere that it does not have to."""
TERMINOLOGY = {
    "Mandible": "Segmentation category and type - 3D Slicer General Anatomy list~SCT^123037004^Anatomical Structure"
    "~SCT^91609006^Mandible~^^~Anatomic codes - DICOM master list~^^~^^"
}
COLORS = {"Brainstem": (0.25, 0.55, 0.9), "SpinalCord": (0.95, 0.8, 0.2), "Mandible": (0.85, 0.35, 0.3)}


@dataclass(frozen=True)
class OpenKbp:
    """manifest: the list of scans. grids, experts: by scan, the latter by organ as bool (z, y, x)."""

    manifest: Path
    grids: Mapping[str, Grid]
    experts: Mapping[str, Mapping[str, np.ndarray]]


def write_openkbp(study: Path, folder: Path) -> OpenKbp:
    """Writes the scans of `study` (the folder of the real scans) with a manifest into a folder below `folder`."""
    place = folder / f"{PATIENT}_Erika_1957"
    place.mkdir(parents=True)
    grids, experts = {}, {}
    rows = [f"case,image,labels,split,{','.join(ORGANS)}"]
    for name, drawn in DRAWN.items():
        image = sitk.ReadImage(str(study / f"{name}_ct.nii.gz"))
        image.SetMetaData("PatientName", f"{PATIENT}^Erika")
        sitk.WriteImage(image, str(place / f"{name}.nrrd"), True)
        grids[name] = Grid.from_image(image)
        whole = sitk.GetArrayFromImage(sitk.ReadImage(str(study / f"{name}_oar.nii.gz")))
        experts[name] = {organ: whole == STUDY.index(organ) + 1 for organ in drawn}
        labels = ""
        if drawn:
            labels = f"{name}_drawn.nii.gz"
            values = sum((experts[name][organ] * np.uint8(ORGANS.index(organ) + 1) for organ in drawn), np.uint8(0))
            sitk.WriteImage(grids[name].image(np.asarray(values, np.uint8)), str(place / labels), True)
        states = ["labelled" if organ in drawn else "missing" for organ in ORGANS]
        split = "validation" if name == VALIDATION else "train"
        rows.append(f"{name},{name}.nrrd,{labels},{split},{','.join(states)}")
    looks = {
        name: {"value": value, "color": COLORS[name], "terminology": TERMINOLOGY.get(name, "")}
        for value, name in enumerate(ORGANS, 1)
    }
    (place / "structures.json").write_text(json.dumps(looks), encoding="utf-8")
    (place / "cases.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return OpenKbp(place / "cases.csv", grids, experts)
