"""Lesions from end to end: asked for when applying, learned by an instance network, exported, measured against the truth, and in the report."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flow.conftest import here, tiny
from PartialLabelSegLib.data.label_files import read_array
from PartialLabelSegLib.data.lesions import read_lesions
from PartialLabelSegLib.data.prediction import ONE

Finished = tuple[Path, str]


def report_of(run: Path) -> dict[str, Any]:
    return json.loads((run / "report.json").read_text(encoding="utf-8"))


def test_a_run_that_was_not_asked_has_no_lists(finished: Finished) -> None:
    assert not list(finished[0].glob("completed/*instances*"))
    assert {case["instances"] is None for case in report_of(finished[0])["cases"]} == {True}


@pytest.fixture(scope="module")
def applied(finished: Finished, ball_cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two scans without labels, completed with a list and a volume of the instances; not to be changed."""
    out = tmp_path_factory.mktemp("applied") / "new"
    scans = [ball_cohort / f"scan{case}.nrrd" for case in (3, 5)]
    done = here("apply", finished[0], *scans, "--out", out, "--instances", "volume")
    assert done.status == 0, done.out + done.errors
    return out


def test_lists_and_volumes_lie_beside_the_completed_scans(applied: Path) -> None:
    label = read_array(applied / "completed" / "scan5.nii.gz")
    numbers = read_array(applied / "completed" / "scan5.instances.nrrd")
    listed = read_lesions(applied / "completed" / "scan5.instances.json")
    assert listed and np.array_equal(numbers > 0, label > 0)
    probability = read_array(applied / "completed" / "scan5.probability.nrrd")
    for one in listed:
        mine = numbers == one.number
        assert one.voxels == int(mine.sum()) and set(label[mine]) == {("Liver", "Spleen").index(one.structure) + 1}
        assert one.score == pytest.approx(float(probability[mine].mean()) / ONE, abs=1e-5)
    assert [one.score for one in listed] == sorted((one.score for one in listed), reverse=True)


def test_what_a_run_was_asked_for_holds_for_what_it_is_applied_to(
    finished: Finished, ball_cohort: Path, tmp_path: Path
) -> None:
    model = Path(shutil.copytree(finished[0], tmp_path / "model"))
    head = json.loads((model / "run.json").read_text(encoding="utf-8"))
    head["configuration"]["instances"] = "list"
    (model / "run.json").write_text(json.dumps(head), encoding="utf-8")
    for said, names in (((), ["scan5.instances.json"]), (("--instances", "no"), [])):
        out = tmp_path / f"new{len(said)}"
        done = here("apply", model, ball_cohort / "scan5.nrrd", "--out", out, *said)
        assert done.status == 0, done.out + done.errors
        assert [path.name for path in out.glob("completed/*instances*")] == names


def test_evaluate_measures_the_lesions_where_that_is_asked_for(applied: Path, ball_cohort: Path) -> None:
    sides = (applied / "completed", ball_cohort / "truth")
    assert "AP50" not in here("evaluate", *sides).out
    assert "instances" not in json.loads(here("evaluate", *sides, "--json").out)
    table = here("evaluate", *sides, "--instances")
    assert table.status == 0 and "AP50" in table.out
    found = json.loads(here("evaluate", *sides, "--instances", "--json").out)["instances"]
    assert set(found["structures"]) == {"Liver", "Spleen"}
    liver = found["structures"]["Liver"]
    assert (liver["cases"], liver["lesions"], liver["recall"]) == (2, 2, 1.0)
    assert liver["found"] == 2 and liver["detected"] >= 2


def test_the_report_lists_them_and_measures_them(applied: Path, ball_cohort: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(applied, tmp_path / "new"))
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "<h2>Lesions</h2>" in page and "AP75" not in page
    assert here("report", run, "--truth", ball_cohort / "truth").status == 0
    assert "AP75" in (run / "report.html").read_text(encoding="utf-8")
    report = report_of(run)
    assert report["evaluation_instances"]["structures"]["Liver"]["lesions"] == 2
    listed = read_lesions(run / "completed" / "scan3.instances.json")
    assert [one["number"] for one in report["cases"][0]["instances"]] == [one.number for one in listed]


def test_a_finished_run_exports_them_without_being_learned_again(finished: Finished, tmp_path: Path) -> None:
    done = here("export", finished[0], "--format", "instances", "--out", tmp_path / "out")
    assert done.status == 0, done.errors
    assert len(list((tmp_path / "out").glob("*.instances.json"))) == 6
    drawn = read_lesions(tmp_path / "out" / "scan2.instances.json")
    assert {(one.structure, one.origin, one.score) for one in drawn} == {
        ("Liver", "expert", 1.0),
        ("Spleen", "expert", 1.0),
    }


def test_an_instance_network_lists_its_own_by_itself(ball_cohort: Path, tmp_path: Path) -> None:
    few = ("--rounds", "0", "--set", "architecture=instance", "--set", "steps=20", "--set", "confidence_steps=4")
    done = here(*tiny(ball_cohort, tmp_path / "run", *few))
    assert done.status == 0, done.out[-2000:] + done.errors
    completed = tmp_path / "run" / "completed"
    assert len(list(completed.glob("*.instances.json"))) == len(list(completed.glob("*.instances.nrrd"))) == 6
    own = json.loads((tmp_path / "run/rounds/0/predictions/scan5/instances.json").read_text(encoding="utf-8"))
    listed = read_lesions(completed / "scan5.instances.json")
    # Nothing is drawn in this scan, so all of its own are listed.
    scores = [one["score"] for one in own["instances"]]
    assert scores and set(scores) <= {one.score for one in listed}
    # What an expert drew in a scan stays what it is: one piece, and certain.
    drawn = [one for one in read_lesions(completed / "scan0.instances.json") if one.structure == "Liver"]
    assert [(one.origin, one.score) for one in drawn] == [("expert", 1.0)]
    assert here("evaluate", completed, ball_cohort / "truth", "--instances").status == 0
