"""The report as JSON: its keys, and its numbers against what lies in the run's files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from PartialLabelSegLib.data.label_files import read_labels, write_image
from PartialLabelSegLib.data.lesions import LIST, Lesion, lesion_at, write_lesions
from PartialLabelSegLib.report.collect import collect, share_labelled
from PartialLabelSegLib.run.failure import Failure
from PartialLabelSegLib.run.files import read_json, write_json
from PartialLabelSegLib.run.folder import RunFolder
from report.fake_run import phantom_scans

KEYS = {
    "program", "format", "configuration", "learned_from", "plan", "structures", "share_labelled", "cases", "rounds", "validation", "not_learned",
    "evaluation", "evaluation_instances", "evaluation_suggested", "methods", "sizes", "timing", "warnings",
}  # fmt: skip


def test_the_report_has_its_keys_and_is_plain_json(phantom_run: RunFolder) -> None:
    report = collect(phantom_run)
    assert set(report) == KEYS
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    assert len(report["cases"]) == 5 and len(report["structures"]) == 7 and len(report["rounds"]) == 3
    assert [case["split"] for case in report["cases"]] == ["train"] * 3 + ["validation", "test"]


def test_no_path_of_this_machine_is_in_the_report(phantom_run: RunFolder) -> None:
    assert str(phantom_run.path) not in json.dumps(collect(phantom_run))


def test_volumes_are_those_of_the_files(phantom_run: RunFolder) -> None:
    _, scans = phantom_scans(5)
    for index, (case, scan) in enumerate(zip(collect(phantom_run)["cases"], scans)):
        last = read_labels(phantom_run.round(1).labels(f"case{index}"))[0]
        for value, (name, item) in enumerate(case["structures"].items(), 1):
            drawn = np.sum(scan.truth == value) * scan.grid.voxel_ml if scan.known[value - 1] else 0
            assert item["expert_ml"] == pytest.approx(drawn)
            for number in (0, 1):
                count = np.sum((last.label_map == value) & (last.origin == 2 + number))
                assert item["accepted_ml"].get(str(number), 0) == pytest.approx(count * scan.grid.voxel_ml), name
            total = item["expert_ml"] + sum(item["accepted_ml"].values()) + item["filled_ml"]
            assert item["completed_ml"] == pytest.approx(total)
            assert (item["state"] == "missing") == (not scan.known[value - 1])


def test_sums_over_the_cases_agree_with_the_cases(phantom_run: RunFolder) -> None:
    report = collect(phantom_run)
    for entry in report["structures"]:
        items = [case["structures"][entry["name"]] for case in report["cases"]]
        assert entry["labelled_cases"] == sum(item["state"] == "labelled" for item in items)
        assert (
            entry["labelled_cases"] + entry["missing_cases"] + entry["absent_cases"] + entry["some_slices_cases"] == 5
        )
        assert entry["filled_ml"] == pytest.approx(sum(item["filled_ml"] for item in items))


def test_alpha_counts_what_was_drawn_or_confirmed_absent_outside_the_test_split() -> None:
    def case(split: str, *states: str) -> dict[str, object]:
        return {"split": split, "structures": {str(index): {"state": state} for index, state in enumerate(states)}}

    cases = [
        case("train", "labelled", "missing"),
        case("validation", "absent", "some slices"),
        case("test", "missing", "missing"),
    ]
    assert share_labelled(cases) == 0.5
    assert share_labelled([]) is None


def test_validation_has_one_value_per_round_and_structure(phantom_run: RunFolder) -> None:
    validation = collect(phantom_run)["validation"]
    training = read_json(phantom_run.round(2).training, "curves")
    last = training["validation"][-1]["dice"]
    assert {name: values[2] for name, values in validation["structures"].items()} == last
    assert validation["mean"][2] == pytest.approx(sum(last.values()) / 7) and len(validation["mean"]) == 3


def test_structures_that_were_not_learned_are_named(block_run: RunFolder) -> None:
    curves = read_json(block_run.round(1).training, "curves")
    write_json(block_run.round(1).training, {**curves, "not_learned": ["Structure 2"]})
    report = collect(block_run)
    assert report["not_learned"] == ["Structure 2"]
    assert [entry["not_learned"] for entry in report["structures"]] == [False, True, False, False]


def test_methods_and_evaluation_are_taken_over_and_the_suggested_are_measured_apart(block_run: RunFolder) -> None:
    methods = {"naive": {"dice_mean": 0.3, "dice": {"Structure 1": float("nan")}}}
    # Structure 1 is drawn in scan 1 and missing in scan 2.
    evaluation = {"cases": {"case0": {"Structure 1": {"dice": 1.0}}, "case1": {"Structure 1": {"dice": 0.6}}}}
    report = collect(block_run, evaluation=evaluation, methods=methods)
    assert report["methods"]["naive"] == {"dice_mean": 0.3, "dice": {"Structure 1": None}}
    assert report["evaluation_suggested"] == {
        "structures": {"Structure 1": {"mean": 0.6, "n": 1}},
        "overall": {"mean": 0.6, "n": 1},
    }


def test_given_the_truth_the_completed_files_are_measured(block_run: RunFolder, tmp_path: Path) -> None:
    labels, grid = read_labels(block_run.case("case0"))
    truth = tmp_path / "truth"
    for folder in (block_run.completed, truth):
        write_image(folder / "case0.nii.gz", grid.image(labels.label_map))
        write_json(
            folder / "case0.json", {"structures": {name: value for value, name in enumerate(labels.structures, 1)}}
        )
    report = collect(block_run, truth=truth)
    assert report["evaluation"]["structures"]["Structure 1"]["dice"]["mean"] == 1.0


def test_lesions_are_taken_from_the_completed_scans_and_measured_against_the_truth(
    block_run: RunFolder, tmp_path: Path
) -> None:
    labels, grid = read_labels(block_run.case("case0"))
    truth = tmp_path / "truth"
    for folder in (block_run.completed, truth):
        write_image(folder / "case0.nii.gz", grid.image(labels.label_map))
        names = {name: value for value, name in enumerate(labels.structures, 1)}
        write_json(folder / "case0.json", {"structures": names})
    assert collect(block_run, truth=truth)["evaluation_instances"] is None
    part = np.flatnonzero(labels.label_map == 1)
    one = Lesion(1, "Structure 1", 0.7, "suggested", int(part.size), 0.1, *lesion_at(part, grid))
    write_lesions(block_run.completed / f"case0{LIST}", [one])
    report = collect(block_run, truth=truth)
    assert json.loads(json.dumps(report)) == report
    assert [case["instances"] and len(case["instances"]) for case in report["cases"]] == [1, *[None] * 5]
    assert report["cases"][0]["instances"][0]["score"] == 0.7
    found = report["evaluation_instances"]["structures"]["Structure 1"]
    assert (found["ap50"], found["ap75"], found["lesions"], found["recall"]) == (1.0, 1.0, 1, 1.0)


def test_a_volume_far_from_the_drawn_ones_is_pointed_out(block_run: RunFolder) -> None:
    # Scan 2 has Structure 1 missing: predict nothing there at all.
    folder = block_run.round(1).prediction("case1")
    shutil.rmtree(folder)
    shutil.rmtree(block_run.round(0).prediction("case1"))
    shutil.rmtree(block_run.round(0).labels("case1"))
    found = [warning for warning in collect(block_run)["warnings"] if warning["case"] == "scan 2"]
    assert {warning["structure"] for warning in found} == {"Structure 1", "Structure 3"}
    assert all("nothing was suggested" in warning["message"] for warning in found)


def test_a_run_that_was_stopped_early_is_reported_as_far_as_it_got(block_run: RunFolder) -> None:
    shutil.rmtree(block_run.round(1).path)
    (block_run.round(0).relabelling).unlink()
    report = collect(block_run)
    assert len(report["rounds"]) == 1 and report["rounds"][0]["relabelling"] is None
    shutil.rmtree(block_run.path / "rounds")
    block_run.plan.unlink()
    report = collect(block_run)
    assert report["rounds"] == [] and report["plan"] is None and report["validation"]["mean"] == []
    assert all(item["filled_ml"] == 0 for case in report["cases"] for item in case["structures"].values())


def test_a_damaged_case_is_a_clear_sentence(block_run: RunFolder) -> None:
    image = sitk.ReadImage(str(block_run.case("case0") / "labels.nrrd"))
    sitk.WriteImage(image + 1, str(block_run.case("case0") / "labels.nrrd"))
    with pytest.raises(Failure, match="case0"):
        collect(block_run)
