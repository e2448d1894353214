"""The folder of soft labels: whole or not there, a data set to learn from, and a record of how it was made."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from data.raters.studies import KNEE, TEMPLATE, knee, knee_bone, knee_image, reading
from PartialLabelSegLib.data.geometry import Grid
from PartialLabelSegLib.data.importers import read_cohort
from PartialLabelSegLib.data.raters.export import ExportOptions, export_soft_labels
from PartialLabelSegLib.data.raters.rated import RatedScan, rater_masks
from PartialLabelSegLib.data.raters.rated_case import RatedCase
from PartialLabelSegLib.data.raters.recipe import Recipe
from PartialLabelSegLib.data.raters.steps import SoftSteps, prepare, soft_label
from PartialLabelSegLib.data.raters.types import Mistakes, Reading
from PartialLabelSegLib.data.types import Problem, State
from PartialLabelSegLib.run.failure import Failure

STEPS = SoftSteps(bright_percentile=99.0)


def a_scan() -> RatedScan:
    return knee(reading("anna", (2, 0, 0), slices={1, 2, 3}), reading("ben", (2, 0, 0), (3, 1, 2), slices={2, 3}))


def a_case(name: str = "knee-1", **structures: RatedScan) -> RatedCase:
    return RatedCase(name, KNEE.image(knee_image()), structures or {"BML": a_scan()})


def array(path: Path) -> np.ndarray:
    image = sitk.ReadImage(str(path))
    assert Grid.from_image(image).same_as(KNEE)
    return sitk.GetArrayFromImage(image)


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_the_folder_holds_probabilities_hard_labels_raters_and_volumes(tmp_path: Path) -> None:
    done = export_soft_labels(tmp_path / "out", [a_case()], Recipe(steps=STEPS))
    out = done.folder
    assert files(out) == {
        "cases.csv",
        "softlabel.json",
        "volumes.csv",
        "images/knee-1.nrrd",
        "soft/knee-1/soft.json",
        "soft/knee-1/BML.nrrd",
        "hard/knee-1/BML.nrrd",
        "raters/knee-1/BML/anna.nrrd",
        "raters/knee-1/BML/ben.nrrd",
    }
    expected = soft_label(prepare(a_scan()), STEPS).plane
    np.testing.assert_array_equal(array(out / "soft/knee-1/BML.nrrd"), expected)
    np.testing.assert_array_equal(array(out / "hard/knee-1/BML.nrrd"), expected >= 0.5)
    np.testing.assert_array_equal(array(out / "raters/knee-1/BML/ben.nrrd"), rater_masks(a_scan())[1])
    np.testing.assert_array_equal(array(out / "images/knee-1.nrrd"), knee_image())
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert done.cases == ("knee-1",) and len(done.volumes) == 4


@pytest.mark.parametrize("bits", [32, 16, 8])
def test_the_folder_is_a_data_set_with_soft_labels(tmp_path: Path, bits: int) -> None:
    export_soft_labels(tmp_path / "out", [a_case()], Recipe(steps=STEPS), ExportOptions(bits))
    cohort = read_cohort(tmp_path / "out")
    assert not cohort.problems
    (source,) = cohort.sources
    labels, problems = source.labels_and_problems(Grid.from_image(source.read_image()))
    assert problems == () and labels is not None
    assert labels.state("BML") is State.SOME_SLICES and labels.slices["BML"].indices == (1, 2, 3)
    expected = soft_label(prepare(a_scan()), STEPS).plane
    np.testing.assert_allclose(labels.soft["BML"][1:4], expected[1:4], atol=0.51 / 255 if bits == 8 else 1e-5)
    certain = labels.certain("BML")
    assert certain[1:4].all() and not certain[[0, 4, 5]].any()


def test_a_scan_read_whole_is_known_everywhere_and_a_structure_of_other_scans_is_missing_there(tmp_path: Path) -> None:
    whole = knee(reading("anna", (2, 0, 0)))
    export_soft_labels(tmp_path / "out", [a_case("k1", tibia=whole), a_case("k2", femur=a_scan())])
    with open(tmp_path / "out" / "cases.csv", newline="", encoding="utf-8") as handle:
        lines = list(csv.DictReader(handle))
    assert [(line["tibia"], line["femur"]) for line in lines] == [("labelled", "missing"), ("missing", "labelled")]
    first, second = (source.read_labels(KNEE) for source in read_cohort(tmp_path / "out").sources)
    assert first.is_known("tibia") and first.state("femur") is State.MISSING
    assert second.state("tibia") is State.MISSING


def test_slices_along_another_axis_are_known_along_that_axis(tmp_path: Path) -> None:
    one = Reading("a", "anna", frozenset({4, 5}), (), knee_bone(), axis=2)
    export_soft_labels(tmp_path / "out", [a_case(nodule=RatedScan((one,), KNEE.shape))])
    labels = read_cohort(tmp_path / "out").sources[0].read_labels(KNEE)
    assert (labels.slices["nodule"].axis, labels.slices["nodule"].indices) == (2, (4, 5))


def test_a_structure_of_which_nobody_read_a_slice_is_missing(tmp_path: Path) -> None:
    unread = Reading("a", "anna", frozenset(), (), knee_bone())
    case = a_case(nodule=RatedScan((unread,), KNEE.shape), BML=a_scan())
    export_soft_labels(tmp_path / "out", [case])
    labels = read_cohort(tmp_path / "out").sources[0].read_labels(KNEE)
    assert labels.state("nodule") is State.MISSING and "nodule" not in labels.soft


def test_the_record_says_raters_steps_parameters_and_counts(tmp_path: Path) -> None:
    export_soft_labels(tmp_path / "out", [a_case()], Recipe(steps=STEPS, threshold=0.4), ExportOptions(16))
    head = json.loads((tmp_path / "out" / "softlabel.json").read_text(encoding="utf-8"))
    assert head["method"] == "steps" and head["threshold"] == 0.4
    assert head["steps"] == STEPS.to_json()
    assert head["stored"] == {"bits": 16, "scale": 1 / 65535, "nifti": False, "four_d": False}
    made = head["cases"]["knee-1"]["structures"]["BML"]
    assert made["raters"] == [
        {"rater": "anna", "slices": [1, 2, 3], "ticks": 1},
        {"rater": "ben", "slices": [2, 3], "ticks": 2},
    ]
    assert made["read_slices"] == [1, 2, 3] and made["readers_per_slice"] == [0, 1, 2, 2, 0, 0]
    label = soft_label(prepare(a_scan()), STEPS)
    assert made["voxels_changed"] == dict(label.changed) and made["bright_level"] == 50.0
    assert made["voxels"]["hard"] == int((label.plane >= 0.4).sum())
    assert made["grid"]["keys"] == TEMPLATE.to_json()["keys"]


def test_staple_is_recorded_with_each_raters_performance(tmp_path: Path) -> None:
    export_soft_labels(tmp_path / "out", [a_case()], Recipe("staple"))
    head = json.loads((tmp_path / "out" / "softlabel.json").read_text(encoding="utf-8"))
    raters = head["cases"]["knee-1"]["structures"]["BML"]["raters"]
    assert all(0 <= rater[word] <= 1 for rater in raters for word in ("sensitivity", "specificity"))
    assert head["cases"]["knee-1"]["structures"]["BML"]["steps"] is None


def test_nifti_is_written_one_volume_each_or_one_with_a_fourth_axis(tmp_path: Path) -> None:
    case = a_case(tibia=a_scan(), femur=a_scan())
    export_soft_labels(tmp_path / "each", [case], options=ExportOptions(nifti=True))
    assert {"nifti/knee-1/tibia.nii.gz", "nifti/knee-1/femur.nii.gz"} <= files(tmp_path / "each")
    export_soft_labels(tmp_path / "one", [case], options=ExportOptions(four_d=True, bits=8))
    image = sitk.ReadImage(str(tmp_path / "one" / "nifti" / "knee-1.nii.gz"))
    assert image.GetSize() == (14, 12, 6, 2) and image.GetPixelID() == sitk.sitkUInt8


def test_names_that_would_be_one_file_get_files_of_their_own(tmp_path: Path) -> None:
    scan = knee(reading("Anna", (2, 0, 0)), reading("anna"), reading("an/na"))
    cases = [a_case("k/1", **{"B ML": scan, "B_ML": scan}), a_case("k_1", **{"B ML": scan})]
    out = export_soft_labels(tmp_path / "out", cases).folder
    written = files(out)
    assert {"images/k_1.nrrd", "images/k_1-2.nrrd", "soft/k_1/B_ML.nrrd", "soft/k_1/B_ML-2.nrrd"} <= written
    assert {f"raters/k_1/B_ML/{name}.nrrd" for name in ("Anna", "anna-2", "an_na")} <= written
    assert [source.case for source in read_cohort(out).sources] == ["k/1", "k_1"]


def test_no_patients_name_and_no_place_of_the_machine_goes_out(tmp_path: Path) -> None:
    image = KNEE.image(knee_image())
    image.SetMetaData("0010|0010", "Doe^Jane")
    export_soft_labels(tmp_path / "out", [replace(a_case(), image=image)])
    for name in files(tmp_path / "out"):
        content = (tmp_path / "out" / name).read_bytes()
        assert b"Doe" not in content and str(tmp_path).encode() not in content


def test_two_scans_of_one_name_are_refused_and_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="two scans of the study have this name"):
        export_soft_labels(tmp_path / "out", [a_case(), a_case()])
    assert list(tmp_path.iterdir()) == []


def test_mistakes_at_the_end_leave_nothing_behind(tmp_path: Path) -> None:
    def stream() -> Iterator[RatedCase]:
        yield a_case()
        raise Mistakes("The study", [Problem("line 3 is wrong.")])

    with pytest.raises(Mistakes):
        export_soft_labels(tmp_path / "out", stream())
    assert list(tmp_path.iterdir()) == []


def test_a_study_without_a_scan_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="holds no scan"):
        export_soft_labels(tmp_path / "out", [])
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_stays_unless_it_is_an_earlier_export_that_may_go(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(Failure, match="holds something else"):
        export_soft_labels(out, [a_case()], options=ExportOptions(replace=True))
    (out / "thesis.txt").unlink()
    export_soft_labels(out, [a_case("k1")])
    with pytest.raises(Failure, match="earlier export"):
        export_soft_labels(out, [a_case("k2")])
    with pytest.raises(Failure, match="two scans"):
        export_soft_labels(out, [a_case("k2"), a_case("k2")], options=ExportOptions(replace=True))
    assert "images/k1.nrrd" in files(out)
    export_soft_labels(out, [a_case("k2")], options=ExportOptions(replace=True))
    assert "images/k2.nrrd" in files(out) and "images/k1.nrrd" not in files(out)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_each_scan_is_told_when_it_is_done(tmp_path: Path) -> None:
    told: list[str] = []
    export_soft_labels(tmp_path / "out", [a_case("k1"), a_case("k2")], told=told.append)
    assert told == ["k1", "k2"]


def test_an_export_in_other_bits_is_refused() -> None:
    with pytest.raises(ValueError, match="bits"):
        ExportOptions(12)


def test_a_dicom_segmentation_of_a_scan_that_is_no_series_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="not a DICOM series"):
        export_soft_labels(tmp_path / "out", [a_case()], options=ExportOptions(dicom_seg=True))
    assert list(tmp_path.iterdir()) == []
