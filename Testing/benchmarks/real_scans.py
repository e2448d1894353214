"""Real scans, every structure labelled, as prepared cases with the product's own plan."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from PartialLabelSegLib.config import Configuration, Plan
from PartialLabelSegLib.data.case import Case, CaseSource, write_case
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.labels import Labels
from PartialLabelSegLib.data.plan import Machine, fingerprint, make_plan
from PartialLabelSegLib.run.folder import RunFolder
from PartialLabelSegLib.train.device import Device, native_precision
from PartialLabelSegLib.train.prepared import PreparedCase, open_prepared, prepare_image, prepare_labels

ORGANS = ("Brainstem", "SpinalCord", "RightParotid", "LeftParotid", "Esophagus", "Larynx", "Mandible")
HIPPOCAMPUS = ("Anterior", "Posterior")


def data_folder() -> Path:
    """The folder of real scans. FileNotFoundError, with the way out, where there is none."""
    project = Path(__file__).resolve().parents[2]
    folder = Path(os.environ.get("PARTIALLABELSEG_DATA") or project.parent / "shared" / "data")
    if not folder.is_dir():
        raise FileNotFoundError("There are no real scans here: name their folder in PARTIALLABELSEG_DATA.")
    return folder


@dataclass(frozen=True)
class ScanFiles:
    """A scan and its label map as files."""

    name: str
    image: Path
    labels: Path


def openkbp(count: int) -> list[ScanFiles]:
    """The first `count` head and neck CTs with all seven organs."""
    folder = data_folder() / "openkbp" / "full"
    images = sorted(folder.glob("*_ct.nii.gz"))[:count]
    return [
        ScanFiles(path.name[: -len("_ct.nii.gz")], path, folder / path.name.replace("_ct.", "_oar.")) for path in images
    ]


def hippocampus(count: int) -> list[ScanFiles]:
    """The first `count` hippocampus MR crops."""
    folder = data_folder() / "hippocampus"
    images = sorted(folder.glob("*_image.nii.gz"))[:count]
    return [
        ScanFiles(path.name.split("_")[0], path, folder / path.name.replace("_image.", "_label.")) for path in images
    ]


@dataclass(frozen=True)
class Prepared:
    """Cases ready for training, the plan that they were prepared with, and the files that they came from."""

    name: str
    plan: Plan
    device: Device
    cases: tuple[PreparedCase, ...]
    scans: tuple[Case, ...]
    files: tuple[ScanFiles, ...]


def prepare(
    name: str, files: Sequence[ScanFiles], structures: tuple[str, ...], dimensions: str, folder: Path
) -> Prepared:
    """Imports and prepares the scans below `folder` as a run would, by the quick preset for this machine's processor."""
    run, precision = RunFolder(folder), native_precision("cpu")
    scans = [write_case(run.case(item.name), _source(item, structures), item.name) for item in files]
    found = fingerprint((case, case.labels()) for case in scans)
    machine = Machine("cpu", Device("cpu", precision).gigabytes(), precision)
    plan = make_plan(found, structures, Configuration(dimensions=dimensions), machine, None)
    cases = []
    for case in scans:
        target = run.prepared(case.folder.name)
        prepare_image(case, plan, target)
        prepare_labels(case.labels(), case, plan, target / "round-0")
        cases.append(open_prepared(case.name, target, target / "round-0"))
    return Prepared(name, plan, Device("cpu", plan.precision), tuple(cases), tuple(scans), tuple(files))


def _source(item: ScanFiles, structures: tuple[str, ...]) -> CaseSource:
    def read_labels(grid: Grid) -> Labels:
        array = sitk.GetArrayFromImage(sitk.ReadImage(str(item.labels))).astype(np.uint8)
        return Labels.expert(structures, array, (True,) * len(structures))

    read_image: Callable[[], sitk.Image] = lambda: sitk.ReadImage(str(item.image))  # noqa: E731  one line, beside the other
    return CaseSource(item.name, read_image, read_labels)
