"""What a scan's file says of the patient stays in that file: nothing of it comes into the run, the log, the report or an export."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from flow.conftest import GRID, TINY_PLAN, Said, ball_scan, here

SECRETS = ("Doe^Jane", "Doe", "19700101", "Saint Elsewhere", "ID-4711")
TAGS = {
    "0008|0060": "CT",
    "0010|0010": "Doe^Jane",
    "0010|0020": "ID-4711",
    "0010|0030": "19700101",
    "0008|0080": "Saint Elsewhere",
}
KEYS = {"PatientName": "Doe^Jane", "PatientID": "ID-4711", "0010|0030": "19700101", "institution": "Saint Elsewhere"}


def write_series(folder: Path, array: np.ndarray) -> None:
    """The slices as DICOM files that name the patient."""
    folder.mkdir()
    writer = sitk.ImageFileWriter()
    writer.KeepOriginalImageUIDOn()
    for index, plane in enumerate(array):
        image = sitk.GetImageFromArray(plane)
        image.SetSpacing(GRID.spacing[:2])
        place = (*GRID.origin[:2], GRID.origin[2] + index * GRID.spacing[2])
        more = {
            "0008|0018": f"1.2.{index + 1}",
            "0020|000d": "1.2",
            "0020|000e": "1.2.3",
            "0020|0013": str(index),
            "0020|0032": "\\".join(f"{part:g}" for part in place),
            "0020|0037": "1\\0\\0\\0\\1\\0",
        }
        for tag, value in {**TAGS, **more}.items():
            image.SetMetaData(tag, value)
        writer.SetFileName(str(folder / f"{index}.dcm"))
        writer.Execute(image)


def named(array: np.ndarray) -> sitk.Image:
    image = GRID.image(array)
    for key, value in KEYS.items():
        image.SetMetaData(key, value)
    return image


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three scans that name their patient: a DICOM series, an NRRD file with labels that do so too, and a NIfTI file; and a broken one."""
    folder = tmp_path_factory.mktemp("patients")
    rows = ["case,image,labels,split,Liver,Spleen"]
    for case, image in enumerate(("series", "scan.nrrd", "scan.nii.gz", "broken.nrrd")):
        array, truth = ball_scan(case)
        if image == "series":
            write_series(folder / image, array)
        else:
            sitk.WriteImage(named(array), str(folder / image))
        sitk.WriteImage(named(truth), str(folder / f"labels{case}.nrrd"))
        rows.append(f"scan{case},{image},labels{case}.nrrd,train,labelled,{'labelled' if case else 'missing'}")
    broken = (folder / "broken.nrrd").read_bytes()
    (folder / "broken.nrrd").write_bytes(broken[: len(broken) * 2 // 3])
    (folder / "cases.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    assert b"Doe^Jane" in (folder / "scan.nrrd").read_bytes()
    assert any(b"Doe^Jane" in path.read_bytes() for path in (folder / "series").iterdir())
    nifti = bytearray(gzip.decompress((folder / "scan.nii.gz").read_bytes()))
    nifti[148:156] = b"Doe^Jane"  # the field `descrip` of the header
    (folder / "scan.nii.gz").write_bytes(gzip.compress(nifti))
    assert sitk.ReadImage(str(folder / "scan.nii.gz")).GetMetaData("descrip") == "Doe^Jane"
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    """What the files below a folder hold, compressed ones unpacked."""
    found = {}
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            found[str(path.relative_to(folder))] = gzip.decompress(content) if path.name.endswith(".gz") else content
    return found


def assert_nameless(folder: Path, *said: Said) -> None:
    texts = contents(folder)
    assert texts
    for number, one in enumerate(said):
        texts[f"output {number}"] = (one.out + one.errors).encode()
    for name, content in texts.items():
        for secret in SECRETS:
            for coding in ("utf-8", "utf-16-le"):
                assert secret.encode(coding) not in content, f"{name} holds {secret}"
        assert not any(secret in name for secret in SECRETS)


def test_neither_a_run_nor_what_is_made_of_it_names_a_patient(cohort: Path, tmp_path: Path) -> None:
    few = {**TINY_PLAN, "steps": 4, "fine_tune_steps": 2, "confidence_steps": 2, "validate_every": 2}
    plan = [part for name, value in few.items() for part in ("--set", f"{name}={json.dumps(value)}")]
    run = tmp_path / "run"
    said = [
        here("check", cohort),
        here("check", cohort, "--json"),
        here("complete", cohort, "--out", run, "--rounds", "1", "--dimensions", "2d", *plan),
        here("report", run),
        here("apply", run, cohort / "series", "--out", tmp_path / "applied"),
        here("apply", run, cohort / "scan.nrrd", "--out", tmp_path / "applied-nrrd"),
    ]
    assert [one.status for one in said] == [1, 1, 0, 0, 0, 0], [one.out[-500:] for one in said]
    for kind in ("seg-nrrd", "nifti", "nnunet", "summary"):
        said.append(here("export", run, "--format", kind, "--out", tmp_path / "export" / kind))
        assert said[-1].status == 0
    assert_nameless(tmp_path, *said)


def test_no_file_of_a_run_names_a_folder_of_this_machine(cohort: Path, finished: tuple[Path, str]) -> None:
    for name, content in contents(finished[0]).items():
        assert str(finished[0].parent).encode() not in content, name
        assert str(Path.home()).encode() not in content, name
