"""What a person takes away: completed segmentations of every scan, made from what lies in the run, and the report."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from flow.conftest import STATES, STRUCTURES, ball_scan
from PartialLabelSegLib.data.label_files import read_array, write_image
from PartialLabelSegLib.data.prediction import read_prediction, write_prediction
from PartialLabelSegLib.finish import complete_cases, write_report
from PartialLabelSegLib.run.events import Event
from PartialLabelSegLib.run.failure import Failure
from PartialLabelSegLib.run.folder import RunFolder


@pytest.fixture
def run(finished: tuple[Path, str], tmp_path: Path) -> RunFolder:
    return RunFolder(Path(shutil.copytree(finished[0], tmp_path / "run")))


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_completed_scans_are_made_again_as_they_were(run: RunFolder) -> None:
    before = {name: read_array(run.completed / name) for name in content(run.completed) if name.endswith(".nii.gz")}
    shutil.rmtree(run.completed)
    events = list(complete_cases(run, 2))
    assert events == [
        Event("completed", {"case": f"scan{case}", "step": case + 1, "steps": 6}, event.time)
        for case, event in enumerate(events)
    ]
    for name, array in before.items():
        assert np.array_equal(read_array(run.completed / name), array)


def test_a_scan_with_nothing_missing_has_no_volumes_and_every_other_one_has(run: RunFolder) -> None:
    for case, (_, *states) in enumerate(STATES):
        for word in ("probability", "confidence"):
            assert (run.completed / f"scan{case}.{word}.nrrd").exists() == ("missing" in states)
        assert (run.completed / f"scan{case}.seg.nrrd").exists() and (run.completed / f"scan{case}.json").exists()


def test_the_side_file_says_what_each_value_means_and_where_it_came_from(run: RunFolder) -> None:
    said = json.loads((run.completed / "scan0.json").read_text(encoding="utf-8"))
    assert said["structures"] == {name: value for value, name in enumerate(STRUCTURES, 1)}
    assert said["case"] == "scan0" and set(said["origins"]) == set(STRUCTURES)


def test_an_island_goes_where_only_the_largest_part_is_wanted(run: RunFolder) -> None:
    folder = run.round(2).prediction("scan5")
    prediction, grid = read_prediction(folder)
    prediction.label[0, 0, 0] = 1
    write_prediction(folder, prediction, grid)
    list(complete_cases(run, 2))
    with_island = read_array(run.completed / "scan5.nii.gz")
    head = json.loads(run.head.read_text(encoding="utf-8"))
    head["configuration"]["relabelling"]["largest_component"] = True
    run.head.write_text(json.dumps(head), encoding="utf-8")
    list(complete_cases(run, 2))
    without = read_array(run.completed / "scan5.nii.gz")
    assert with_island[0, 0, 0] == 1 and without[0, 0, 0] == 0
    assert np.count_nonzero(without) > 0.9 * np.count_nonzero(with_island) - 1


def test_no_rule_for_shape_touches_what_an_expert_drew(run: RunFolder) -> None:
    head = json.loads(run.head.read_text(encoding="utf-8"))
    head["configuration"]["relabelling"].update(largest_component=True, fill_holes=True)
    run.head.write_text(json.dumps(head), encoding="utf-8")
    list(complete_cases(run, 2))
    for case, (_, *states) in enumerate(STATES):
        truth, result = ball_scan(case)[1], read_array(run.completed / f"scan{case}.nii.gz")
        for value, state in enumerate(states, 1):
            if state == "labelled":
                assert np.array_equal(result == value, truth == value)


def test_a_damaged_prediction_stops_it_before_anything_of_that_scan_is_written(run: RunFolder) -> None:
    prediction, grid = read_prediction(run.round(2).prediction("scan3"))
    write_image(run.round(2).prediction("scan3") / "label.nrrd", grid.image(np.zeros_like(prediction.label)))
    before = {name: text for name, text in content(run.completed).items() if name.startswith("scan3")}
    with pytest.raises(Failure, match="Case 'scan3'"):
        list(complete_cases(run, 2))
    assert {name: text for name, text in content(run.completed).items() if name.startswith("scan3")} == before


def test_the_report_is_written_and_told(run: RunFolder) -> None:
    run.report_json.unlink()
    events = list(write_report(run, None, {"full": {"dice_mean": 0.5, "dice": {}}}))
    assert [(event.kind, event.fields) for event in events] == [
        ("report", {"json": "report.json", "html": "report.html"})
    ]
    assert json.loads(run.report_json.read_text(encoding="utf-8"))["methods"]["full"]["dice_mean"] == 0.5
