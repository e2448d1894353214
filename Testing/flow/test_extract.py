"""`extract`: one scan of a data set as a run keeps it, with what is drawn in it; the data set stays as it is."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flow.conftest import GRID, ball_cohort, ball_scan
from PartialLabelSegLib.cli import main
from PartialLabelSegLib.data.case import read_case

__all__ = ["ball_cohort"]


def extracted(capsys: pytest.CaptureFixture[str], cohort: Path, scan: str, out: Path) -> Any:
    assert main(["extract", str(cohort), f"--scan={scan}", "--out", str(out)]) == 0
    return json.loads(capsys.readouterr().out)


def sums(folder: Path) -> dict[str, str]:
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()}


def test_the_scan_and_what_is_drawn_in_it_are_written_and_nothing_else_is_touched(
    ball_cohort: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sums(ball_cohort)
    said = extracted(capsys, ball_cohort, "scan0", tmp_path / "out")
    image, truth = ball_scan(0)
    case = read_case(tmp_path / "out")
    assert case.grid.same_as(GRID) and case.name == "scan0"
    labels = case.labels()
    np.testing.assert_array_equal(labels.positive("Liver"), truth == 1)
    assert not labels.positive("Spleen").any()
    assert np.array_equal(np.asarray(_array(case.image())), image)
    assert [item["name"] for item in said["structures"]] == ["Liver", "Spleen"] and said["problems"] == []
    assert sums(ball_cohort) == before
    assert str(tmp_path) not in json.dumps(said) and str(ball_cohort) not in json.dumps(said)


def _array(image: Any) -> np.ndarray:
    import SimpleITK as sitk

    array: np.ndarray = sitk.GetArrayFromImage(image)
    return array


def test_drawings_that_cannot_be_used_are_left_out_and_said(
    ball_cohort: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "scan0.nrrd").write_bytes((ball_cohort / "scan0.nrrd").read_bytes())
    (tmp_path / "labels0.nii.gz").write_bytes(b"damaged")
    (tmp_path / "cases.csv").write_text(
        "case,image,labels,Liver\nscan0,scan0.nrrd,labels0.nii.gz,labelled\n", encoding="utf-8"
    )
    said = extracted(capsys, tmp_path, "scan0", tmp_path / "out")
    assert not read_case(tmp_path / "out").labels().label_map.any()
    assert any("labels0.nii.gz" in item["sentence"] for item in said["problems"])


@pytest.mark.parametrize(
    ("scan", "sentence"), [("nobody", "has no scan 'nobody'"), ("scan0", "out is not empty"), ("scan9", "missing")]
)
def test_what_cannot_be_is_a_sentence(
    scan: str, sentence: str, ball_cohort: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cohort = ball_cohort / "cases.csv"
    if scan == "scan9":
        cohort = tmp_path / "cases.csv"
        cohort.write_text("case,image,labels,Liver\nscan9,missing.nrrd,,missing\n", encoding="utf-8")
    if scan == "scan0":
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "mine.txt").write_text("mine", encoding="utf-8")
    assert main(["extract", str(cohort), f"--scan={scan}", "--out", str(tmp_path / "out")]) == 1
    errors = capsys.readouterr().err
    assert sentence in errors and "Traceback" not in errors
