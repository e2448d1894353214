"""The other commands on finished and unfinished runs: export, evaluate, check, report."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flow.conftest import STATES, STRUCTURES, TINY_PLAN, ball_scan, here
from PartialLabelSegLib.data.label_files import read_array
from PartialLabelSegLib.data.prediction import read_prediction
from PartialLabelSegLib.data.seg_nrrd import read_seg_nrrd

Finished = tuple[Path, str]


def state(case: int, structure: int) -> str:
    return STATES[case][structure + 1]


def test_a_finished_run_is_exported_for_slicer_with_names_grid_and_expert_voxels(
    finished: Finished, tmp_path: Path
) -> None:
    done = here("export", finished[0], "--format", "seg-nrrd", "--out", tmp_path)
    assert done.status == 0, done.errors
    assert done.out.split() == [str(tmp_path / f"scan{case}.seg.nrrd") for case in range(6)]
    for case in range(6):
        file, truth = read_seg_nrrd(tmp_path / f"scan{case}.seg.nrrd"), ball_scan(case)[1]
        assert tuple(segment.name for segment in file.segments) == STRUCTURES
        for value, segment in enumerate(file.segments, 1):
            if state(case, value - 1) == "labelled":
                assert np.array_equal(segment.mask, truth == value)


def test_an_exported_label_map_is_the_completed_one(finished: Finished, tmp_path: Path) -> None:
    assert here("export", finished[0], "--format", "nifti", "--out", tmp_path).status == 0
    for case in range(6):
        name = f"scan{case}.nii.gz"
        assert np.array_equal(read_array(tmp_path / name), read_array(finished[0] / "completed" / name))
    assert json.loads((tmp_path / "scan0.json").read_text(encoding="utf-8"))["structures"] == {"Liver": 1, "Spleen": 2}


def test_an_exported_data_set_keeps_the_drawn_and_ignores_the_unknown(finished: Finished, tmp_path: Path) -> None:
    done = here("export", finished[0], "--format", "nnunet", "--out", tmp_path)
    folder = tmp_path / "Dataset001_Partial"
    assert done.out.split() == [str(folder)]
    head = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))
    assert head["labels"] == {"background": 0, "Liver": 1, "Spleen": 2, "ignore": 3} and head["numTraining"] == 6
    for case in range(6):
        labels, (image, truth) = read_array(folder / "labelsTr" / f"scan{case}.nii.gz"), ball_scan(case)
        assert np.array_equal(read_array(folder / "imagesTr" / f"scan{case}_0000.nii.gz"), image)
        for value in (1, 2):
            if state(case, value - 1) == "labelled":
                assert np.array_equal(labels == value, truth == value)
        whole = "missing" not in STATES[case]
        assert (labels != 3).all() == whole
    # What is unknown in a scan of the test split stays unknown: nothing of it was ever accepted.
    assert set(np.unique(read_array(folder / "labelsTr" / "scan5.nii.gz"))) == {3}


def test_an_exported_summary_has_a_line_per_scan_and_structure(finished: Finished, tmp_path: Path) -> None:
    assert here("export", finished[0], "--format", "summary", "--out", tmp_path / "volumes.csv").status == 0
    with open(tmp_path / "volumes.csv", newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    assert [(row["case"], row["structure"]) for row in rows] == [
        (f"scan{case}", name) for case in range(6) for name in STRUCTURES
    ]
    for row in rows:
        case, value = int(row["case"][-1]), STRUCTURES.index(row["structure"]) + 1
        expected = np.count_nonzero(ball_scan(case)[1] == value) if state(case, value - 1) == "labelled" else 0
        assert int(row["expert_voxels"]) == expected


@pytest.mark.parametrize("kind", ["seg-nrrd", "nifti", "nnunet", "summary"])
def test_an_export_overwrites_only_when_it_is_told_to(finished: Finished, tmp_path: Path, kind: str) -> None:
    arguments: list[str | Path] = ["export", finished[0], "--format", kind, "--out", tmp_path]
    assert here(*arguments).status == 0
    files = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    refused = here(*arguments)
    assert refused.status == 1 and "not overwritten" in refused.message
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()} == files
    assert here(*arguments, "--replace").status == 0


def test_a_data_set_name_that_nnunet_does_not_take_is_refused(finished: Finished, tmp_path: Path) -> None:
    for name in ("Abdomen", "../Dataset001_A", "Dataset1_A"):
        done = here("export", finished[0], "--format", "nnunet", "--out", tmp_path / "out", "--name", name)
        assert done.status == 1 and "nnU-Net does not take" in done.message
    assert list(tmp_path.iterdir()) == []


def test_completed_volumes_of_confidence_and_probability_say_their_scale(finished: Finished) -> None:
    import SimpleITK as sitk

    for word in ("probability", "confidence"):
        image = sitk.ReadImage(str(finished[0] / "completed" / f"scan3.{word}.nrrd"))
        assert image.GetMetaData("PartialLabelSeg.Scale") == "1/65535"
        prediction, _ = read_prediction(finished[0] / "rounds" / "2" / "predictions" / "scan3")
        assert np.array_equal(sitk.GetArrayFromImage(image), getattr(prediction, word))


def evaluated(*arguments: str | Path) -> tuple[int, dict[str, Any]]:
    done = here("evaluate", *arguments, "--json")
    return done.status, json.loads(done.out)


def test_the_completed_scans_are_measured_against_the_truth(finished: Finished, ball_cohort: Path) -> None:
    status, result = evaluated(finished[0] / "completed", ball_cohort / "truth")
    assert status == 0 and set(result["cases"]) == {f"scan{case}" for case in range(6)}
    for case in range(6):
        for index, name in enumerate(STRUCTURES):
            measured = result["cases"][f"scan{case}"][name]
            if state(case, index) == "labelled":
                assert measured["dice"] == 1.0 and measured["hd_mm"] == 0.0 and measured["volume_error_ml"] == 0.0
            else:
                assert 0.5 < measured["dice"] <= 1.0 and measured["hd95_mm"] < 20
    assert result["structures"]["Liver"]["dice"]["n"] == 6


def test_a_case_that_cannot_be_measured_is_told_and_the_status_says_so(
    finished: Finished, ball_cohort: Path, tmp_path: Path
) -> None:
    for case in (0, 1):
        shutil.copy(finished[0] / "completed" / f"scan{case}.nii.gz", tmp_path)
    (tmp_path / "scan1.nii.gz").write_bytes(b"no image")
    status, result = evaluated(tmp_path, ball_cohort / "truth")
    assert status == 1 and set(result["cases"]) == {"scan0"}
    assert len(result["failed"]) == 1 and "scan1" in result["failed"][0]
    table = here("evaluate", tmp_path, ball_cohort / "truth")
    assert table.status == 1 and "scan1.nii.gz" in table.out


def test_a_check_as_json_says_state_and_volume_of_each_structure(ball_cohort: Path) -> None:
    done = here("check", ball_cohort, "--json")
    table = json.loads(done.out)
    assert done.status == 0 and table["problems"] == []
    assert [row["case"] for row in table["cases"]] == [f"scan{case}" for case in range(6)]
    for case, row in enumerate(table["cases"]):
        for value, name in enumerate(STRUCTURES, 1):
            cell = row["structures"][name]
            assert cell["state"] == state(case, value - 1)
            expected = np.count_nonzero(ball_scan(case)[1] == value) if cell["state"] == "labelled" else 0
            assert cell["voxels"] == expected
            assert cell["ml"] == pytest.approx(expected * 1.5 * 1.5 * 3 / 1000, abs=1e-4)


def test_a_check_of_a_data_set_with_an_unusable_case_has_the_status_1(ball_cohort: Path, tmp_path: Path) -> None:
    shutil.copytree(ball_cohort, tmp_path / "data")
    (tmp_path / "data" / "scan2.nrrd").write_bytes(b"")
    text, table = here("check", tmp_path / "data"), here("check", tmp_path / "data", "--json")
    assert (text.status, table.status) == (1, 1)
    assert "scan2.nrrd" in text.out
    assert [problem["case"] for problem in json.loads(table.out)["problems"]] == ["scan2"]


def test_a_report_is_written_again(finished: Finished, ball_cohort: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(finished[0], tmp_path / "run"))
    before = json.loads((run / "report.json").read_text(encoding="utf-8"))
    (run / "report.json").unlink()
    (run / "report.html").unlink()
    done = here("report", run, "--truth", ball_cohort / "truth")
    assert done.status == 0 and done.out.split() == [str(run / "report.html")] and done.errors == ""
    report = json.loads((run / "report.json").read_text(encoding="utf-8"))
    assert report["rounds"] == before["rounds"] and report["evaluation"]["cases"]
    assert "<h1>Completed segmentations</h1>" in (run / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "missing",
    [
        ["completed"],
        ["completed", "rounds/2"],
        ["completed", "rounds"],
        ["completed", "rounds", "plan.json", "prepared"],
    ],
)
def test_an_unfinished_run_is_reported_as_far_as_it_got(finished: Finished, tmp_path: Path, missing: list[str]) -> None:
    run = Path(shutil.copytree(finished[0], tmp_path / "run"))
    for name in missing:
        shutil.rmtree(run / name) if (run / name).is_dir() else (run / name).unlink()
    done = here("report", run)
    assert done.status == 0 and "This run is not finished" in done.errors
    report = json.loads((run / "report.json").read_text(encoding="utf-8"))
    assert len(report["rounds"]) == len(list(run.glob("rounds/*/segmentation.pt")))
    export = here("export", run, "--format", "summary", "--out", tmp_path / "out")
    assert export.status == 1 and "is not finished" in export.message and not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", [["report"], ["export", "--format", "nifti", "--out", "out"], ["relabel"]])
def test_what_is_no_run_is_a_sentence(command: list[str], tmp_path: Path) -> None:
    (tmp_path / "holiday").mkdir()
    for folder in (tmp_path / "holiday", tmp_path / "not there"):
        done = here(*command[:1], folder, *command[1:])
        assert done.status == 1
        assert "run.json" in done.message and folder.name in done.message
        assert str(tmp_path) not in done.message
    assert [path.name for path in tmp_path.iterdir()] == ["holiday"] and not list((tmp_path / "holiday").iterdir())


def test_the_plan_that_was_asked_for_is_the_plan_of_the_run(finished: Finished) -> None:
    plan = json.loads((finished[0] / "plan.json").read_text(encoding="utf-8"))["plan"]
    assert {name: plan[name] for name in TINY_PLAN} == TINY_PLAN
